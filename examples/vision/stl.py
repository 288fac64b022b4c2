"""A small ViT and a small ResNet: dense layers, and STL layers of several ranks from several initialisations.

    python -m examples.vision.stl
    python -m examples.vision.stl --data cifar10:~/cifar-10-batches-bin --models resnet --channels 16 --epochs 10

All linear layers and convolutions become STL layers but the first convolution and the classifier; the tiles of a
classifier would mix images. Encoded weights and bases are learned from the first step on. Each row is the mean over the
seeds, with its 95 % interval by Student's t; `over random` compares with random bases of the same rank, seed by seed.

Source:
    N. Ailon, A. Bercovich, Y. Uffenheimer, O. Weinstein, "Changing Base Without Losing Pace", arXiv:2503.12211, whose
    claim is that bases with a theory behind them train better than random ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bilinear.layers import STLConfig, STLConv2d, STLLinear, convert_, initial_basis
from bilinear.layers.places import count
from examples.vision.command import Experiment, interval, parser_of, positive
from examples.vision.data import Images
from examples.vision.models import HEADS, ResNet, ViT
from examples.vision.training import Classification, Recipe

MODELS = ("vit", "resnet")
DENSE, RANDOM = "dense", "random"
RANKS = (16, 24, 32, 40, 49)
INITIALISATIONS = (RANDOM, "pruned-strassen", "evaluation")
TILE = 4
LEFT_DENSE = ("conv1", "fc", "head")
COUNTED = 4
"""Images that flops are counted on."""
COLUMNS = {
    "model": "8s",
    "rank": ">4d",
    "basis": "17s",
    "runs": ">4d",
    "parameters": ">10,d",
    "flops": ">5.2f",
    "training loss": "19s",
    "test accuracy": "17s",
    "over random": "17s",
}


@dataclass(frozen=True)
class Setup:
    """What is trained with every seed.

    Attributes:
        model: One of `MODELS`.
        rank: Of the STL layers; 0 for dense ones.
        init: A name of the layers' initialisations, or `dense`.
    """

    model: str
    rank: int
    init: str

    def __str__(self) -> str:
        return f"{self.model} {self.init}{f' at rank {self.rank}' if self.rank else ''}"


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        setup: What was trained.
        seed: Of the weights, the basis and the order of the images.
        parameters: Learned numbers.
        flops: Of a forward pass, relative to the dense model's.
        loss: Mean over the last epoch.
        accuracy: Share of the test images.
    """

    setup: Setup
    seed: int
    parameters: int
    flops: float
    loss: float
    accuracy: float


def setups(given: argparse.Namespace) -> list[Setup]:
    """Every row of the table, the dense model first.

    Raises:
        BilinearError: If an initialisation cannot take a rank.
    """
    bases = [(rank, init) for rank in given.ranks for init in given.inits]
    for rank, init in bases:
        initial_basis(init, TILE, rank)
    return [Setup(model, rank, init) for model in given.models for rank, init in [(0, DENSE), *bases]]


def build(setup: Setup, images: Images, given: argparse.Namespace, seed: int) -> tuple[nn.Module, float]:
    """A fresh model, and its flops relative to the dense one's."""
    torch.manual_seed(seed)
    shape = images.channels, images.side, images.classes
    model = ViT(*shape, given.width, given.depth) if setup.model == "vit" else ResNet(*shape, given.channels)
    if setup.init == DENSE:
        return model, 1.0
    config = STLConfig(
        force=True,
        tile=TILE,
        rank=setup.rank,
        init=setup.init,
        learnable_basis=not given.frozen_basis,
        sharing=given.sharing,
        seed=seed,
        exclude=LEFT_DENSE,
    )
    report = convert_(model, config, example=torch.zeros(COUNTED, *images.x.shape[1:]))
    for module in model.modules():
        if isinstance(module, STLLinear | STLConv2d):
            module.reset_parameters()
    assert report.counted is not None
    return model, report.counted[1] / report.counted[0]


def trainer(given: argparse.Namespace, data: Classification) -> Callable[[Setup, int], Run]:
    """What trains one model from one seed."""
    recipe = Recipe(given.epochs, given.rate, given.batch)

    def train(setup: Setup, seed: int) -> Run:
        model, flops = build(setup, data.images, given, seed)
        loss = data.train(model, recipe, data.cross_entropy, seed)
        return Run(setup, seed, count(model), flops, loss, data.accuracy(model))

    return train


def rows(wanted: Sequence[Setup], runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """The table's, of what has been trained."""
    of = {setup: [run for run in runs if run.setup == setup] for setup in wanted}
    for setup, found in of.items():
        if not found:
            continue
        random = {run.seed: run.accuracy for run in of.get(Setup(setup.model, setup.rank, RANDOM), [])}
        gains = [run.accuracy - random[run.seed] for run in found if run.seed in random and setup.init != RANDOM]
        yield {
            "model": setup.model,
            **({"rank": setup.rank} if setup.rank else {}),
            "basis": setup.init,
            "runs": len(found),
            "parameters": found[0].parameters,
            "flops": found[0].flops,
            "training loss": interval([run.loss for run in found], ".4f"),
            "test accuracy": interval([run.accuracy for run in found], ".2%"),
            "over random": interval(gains, "+.2%"),
        }


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--ranks", nargs="+", type=positive, default=RANKS, help="products of a 4 x 4 x 4 tile")
    parser.add_argument(
        "--inits", nargs="+", default=INITIALISATIONS, help=f"{RANDOM}, pruned-strassen, ..., catalog:ID"
    )
    parser.add_argument("--epochs", type=positive, default=15, help="passes over the training images (15)")
    parser.add_argument("--width", type=shared_by_heads, default=32, help=f"of the ViT, a multiple of {HEADS} (32)")
    parser.add_argument("--depth", type=positive, default=2, help="blocks of the ViT (2)")
    parser.add_argument("--channels", type=positive, default=8, help="of the ResNet's first stage (8)")
    parser.add_argument("--sharing", choices=("layer", "model", "column"), default="layer", help="who shares a basis")
    parser.add_argument("--frozen-basis", action="store_true", help="learn the encoded weights only")
    return parser.parse_args(given)


def shared_by_heads(text: str) -> int:
    """A width that the ViT's heads can share, for argparse."""
    if positive(text) % HEADS:
        raise argparse.ArgumentTypeError(f"{text} is no multiple of {HEADS}, the ViT's heads")
    return int(text)


EXPERIMENT = Experiment(COLUMNS, setups, trainer, rows)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command."""
    return EXPERIMENT.main(arguments(given))


if __name__ == "__main__":
    sys.exit(main())
