"""A square layer inserted before the classifier of a ResNet: none, butterfly, Monarch or dense.

    python examples/butterfly/resnet_insertion.py
    python examples/butterfly/resnet_insertion.py --resnet18 --data cifar10:~/data/cifar-10-batches-bin --epochs 20

By default a small ResNet learns scikit-learn's digits (pip install scikit-learn); with --resnet18 the network is
ResNet-18, whose 512 features the inserted layer takes. CIFAR-10 is read from its binary version, which holds no pickle.

Source:
    T. Dao et al., "Learning fast algorithms for linear transforms using butterfly factorizations", ICML 2019, insert a
    butterfly before the last layer of ResNet-18 on CIFAR-10.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear
from examples.models.resnet import ResNet18
from examples.vision.command import Experiment, interval, parser_of, positive
from examples.vision.data import Images
from examples.vision.models import ResNet
from examples.vision.training import Classification, Recipe

NONE = "none"
LAYERS: dict[str, Callable[[int], nn.Module]] = {
    NONE: lambda features: nn.Identity(),
    "butterfly": lambda features: ButterflyLinear(features, features),
    "monarch": lambda features: MonarchLinear(features, features),
    "dense": lambda features: nn.Linear(features, features),
}
COLUMNS = {
    "inserted": "9s",
    "runs": ">4d",
    "parameters": ">10,d",
    "added": ">7.2%",
    "test accuracy": "17s",
    "over none": "17s",
    "seconds": ">7.1f",
}


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        setup: What was inserted.
        seed: Of the weights and the order of the images.
        parameters: Of the whole model.
        seconds: CPU time of the training.
        accuracy: On the test images.
    """

    setup: str
    seed: int
    parameters: int
    seconds: float
    accuracy: float


def build(inserted: str, images: Images, given: argparse.Namespace, seed: int) -> nn.Module:
    """A fresh model; the weights drawn before the inserted layer are the same whatever it is."""
    torch.manual_seed(seed)
    if given.resnet18:
        model: ResNet | ResNet18 = ResNet18(images.classes)
        model.conv1 = nn.Conv2d(images.channels, model.conv1.out_channels, 3, padding=1, bias=False)
        model.maxpool = nn.Identity()
    else:
        model = ResNet(images.channels, images.side, images.classes, given.channels)
    classifier = model.fc
    model.add_module("fc", nn.Sequential(LAYERS[inserted](classifier.in_features), classifier))
    return model


def trainer(given: argparse.Namespace, data: Classification) -> Callable[[str, int], Run]:
    """What trains one model from one seed."""
    recipe = Recipe(given.epochs, given.rate, given.batch)

    def train(setup: str, seed: int) -> Run:
        model, start = build(setup, data.images, given, seed), time.process_time()
        data.train(model, recipe, data.cross_entropy, seed)
        seconds = time.process_time() - start
        return Run(setup, seed, sum(p.numel() for p in model.parameters()), seconds, data.accuracy(model))

    return train


def rows(wanted: Sequence[str], runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """The table's, of what has been trained."""
    plain = {run.seed: run for run in runs if run.setup == NONE}
    for setup in wanted:
        found = [run for run in runs if run.setup == setup]
        if found:
            pairs = [(run, plain[run.seed]) for run in found if run.seed in plain and setup != NONE]
            yield {
                "inserted": setup,
                "runs": len(found),
                "parameters": found[0].parameters,
                **({"added": pairs[0][0].parameters / pairs[0][1].parameters - 1} if pairs else {}),
                "test accuracy": interval([run.accuracy for run in found], ".2%"),
                "over none": interval([run.accuracy - other.accuracy for run, other in pairs], "+.2%"),
                "seconds": sum(run.seconds for run in found) / len(found),
            }


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--epochs", type=positive, default=10, help="passes over the training images (10)")
    parser.add_argument("--channels", type=positive, default=16, help="of the small ResNet's first stage (16)")
    parser.add_argument("--resnet18", action="store_true", help="ResNet-18 instead, for images of 32 x 32")
    return parser.parse_args(given)


EXPERIMENT = Experiment(COLUMNS, lambda given: given.layers, trainer, rows)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command."""
    return EXPERIMENT.main(arguments(given))


if __name__ == "__main__":
    sys.exit(main())
