"""A small ResNet of StrassenNets layers in three phases, with and without distillation from the dense one.

    python -m examples.vision.strassen_nets
    python -m examples.vision.strassen_nets --data folder:~/flowers --side 64 --patches 2 --shares 1 4 --channels 16

Every convolution becomes a ternary one with `share` products for each output channel and patch of p x p places, the
paper's r / c_out; the classifier stays dense. Each row is the mean over the seeds, with its 95 % interval by Student's
t: the accuracy after each phase, the last that of the finished ternary model, and what distillation adds to it, seed by
seed. Multiplications and additions are for one image, of convolutions and classifier.

Source:
    M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets: deep learning with a multiplication budget", ICML 2018.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.convert.measure import input_shapes
from bilinear.layers.places import swap
from bilinear.layers.strassen import (
    Operations,
    Phase,
    StrassenConv2d,
    dense_conv_operations,
    dense_linear_operations,
    distillation_loss,
    set_phase,
)
from examples.vision.command import Experiment, interval, parser_of, positive, positive_number
from examples.vision.data import Images
from examples.vision.models import ResNet
from examples.vision.training import Classification, Loss, Recipe

PATCHES, SHARES = (1,), (0.5, 1.0, 2.0, 4.0)
EPOCHS = (12, 6, 3)
"""Of each phase; the dense model is trained as many as all of them have."""
SLOWER = (1.0, 1 / 3, 1 / 10)
"""Rate of each phase, relative to the first."""
COLUMNS = {
    "model": "12s",
    "p": ">2d",
    "share": ">5.3g",
    "distilled": "9s",
    "runs": ">4d",
    "multiplications": ">15,d",
    "additions": ">9,d",
    "training loss": "15s",
    "full": "16s",
    "quantised": "16s",
    "finished": "16s",
    "by distillation": "16s",
}


@dataclass(frozen=True)
class Setup:
    """What is trained with every seed.

    Attributes:
        patch: Outputs computed at once along each axis, the paper's p; 0 for the dense model.
        share: Products for each output channel, the paper's r / c_out.
        distilled: Whether the dense model of the same seed teaches.
    """

    patch: int = 0
    share: float = 0.0
    distilled: bool = False

    def __str__(self) -> str:
        if not self.patch:
            return "dense"
        return f"p {self.patch}, share {self.share:g}{', distilled' if self.distilled else ''}"


DENSE = Setup()


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        setup: What was trained.
        seed: Of the weights and of the order of the images.
        operations: For one image.
        loss: Cross-entropy on the training images when all is done.
        accuracies: Shares of the test images, after each phase.
    """

    setup: Setup
    seed: int
    operations: Operations
    loss: float
    accuracies: tuple[float, ...]


def setups(given: argparse.Namespace) -> list[Setup]:
    """Every row of the table, the dense model first."""
    kinds = [Setup(p, share, taught) for p in given.patches for share in given.shares for taught in (False, True)]
    return [DENSE, *kinds]


def build(setup: Setup, images: Images, channels: int, seed: int) -> nn.Module:
    """A fresh model."""
    torch.manual_seed(seed)
    model = ResNet(images.channels, images.side, images.classes, channels)
    if setup != DENSE:
        convs = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
        swap(model, {conv: in_place_of(conv, setup) for conv in convs})
    return model


def in_place_of(conv: nn.Conv2d, setup: Setup) -> StrassenConv2d:
    """A fresh layer of the same shape."""
    return StrassenConv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        max(1, round(setup.share * conv.out_channels)),
        stride=conv.stride,
        padding=padding_of(conv),
        patch=setup.patch,
        bias=conv.bias is not None,
    )


def operations(model: nn.Module, images: Images) -> Operations:
    """For one image, of convolutions and linear layers."""
    kinds = StrassenConv2d | nn.Conv2d | nn.Linear
    layers = {name: module for name, module in model.named_modules() if isinstance(module, kinds)}
    shapes = input_shapes(model, layers, torch.zeros(1, *images.x.shape[1:]))
    total = Operations(0, 0)
    for name, layer in layers.items():
        for shape in shapes[name]:
            total = total + layer_operations(layer, shape[2:])
    return total


def layer_operations(layer: StrassenConv2d | nn.Conv2d | nn.Linear, size: Sequence[int]) -> Operations:
    """Of one call, on maps of that size."""
    if isinstance(layer, StrassenConv2d):
        return layer.operations(size)
    if isinstance(layer, nn.Linear):
        return dense_linear_operations(layer.in_features, layer.out_features)
    kernel, pads = layer.kernel_size, padding_of(layer)
    output = [
        (side + 2 * pad - reach) // step + 1
        for side, pad, reach, step in zip(size, pads, kernel, layer.stride, strict=True)
    ]
    return dense_conv_operations(layer.in_channels, layer.out_channels, kernel, output)


def padding_of(conv: nn.Conv2d) -> tuple[int, int]:
    """Zeros on both sides of each axis; none of our convolutions names its padding."""
    assert not isinstance(conv.padding, str)
    return conv.padding[0], conv.padding[1]


def trainer(given: argparse.Namespace, data: Classification) -> Callable[[Setup, int], Run]:
    """What trains one model from one seed; the dense model of each seed comes first and teaches the others."""
    lessons: dict[int, Tensor] = {}

    def finish(setup: Setup, seed: int, model: nn.Module, accuracies: Sequence[float]) -> Run:
        scores = data.scores(model, data.images.x)
        if setup == DENSE:
            lessons[seed] = scores
        loss = functional.cross_entropy(scores, data.images.y).item()
        return Run(setup, seed, operations(model, data.images), loss, tuple(accuracies))

    def train(setup: Setup, seed: int) -> Run:
        model = build(setup, data.images, given.channels, seed)
        if setup == DENSE:
            data.train(model, Recipe(sum(given.epochs), given.rate, given.batch), data.cross_entropy, seed)
            return finish(setup, seed, model, [data.accuracy(model)])
        loss = taught(data, lessons[seed], given) if setup.distilled else data.cross_entropy
        return finish(setup, seed, model, list(phases(model, data, given, loss, seed)))

    return train


def phases(model: nn.Module, data: Classification, given: argparse.Namespace, loss: Loss, seed: int) -> Iterator[float]:
    """Train through the three phases; yields the accuracy after each."""
    for phase, epochs, slower in zip(Phase, given.epochs, SLOWER, strict=True):
        set_phase(model, phase)
        data.train(model, Recipe(epochs, slower * given.rate, given.batch), loss, seed)
        yield data.accuracy(model)


def taught(data: Classification, lessons: Tensor, given: argparse.Namespace) -> Loss:
    """The loss against the labels and a teacher's scores of the training images."""

    def loss(scores: Tensor, chosen: Tensor) -> Tensor:
        return distillation_loss(scores, data.images.y[chosen], lessons[chosen], given.teacher, given.temperature)

    return loss


def rows(wanted: Sequence[Setup], runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """The table's, of what has been trained."""
    of = {setup: [run for run in runs if run.setup == setup] for setup in wanted}
    for setup, found in of.items():
        if not found:
            continue
        alone = {run.seed: run for run in of.get(Setup(setup.patch, setup.share), []) if setup.distilled}
        gains = [run.accuracies[-1] - alone[run.seed].accuracies[-1] for run in found if run.seed in alone]
        ternary = {
            "p": setup.patch,
            "share": setup.share,
            "distilled": "yes" if setup.distilled else "no",
            "full": interval([run.accuracies[0] for run in found], ".2%"),
            "quantised": interval([run.accuracies[1] for run in found if len(run.accuracies) > 1], ".2%"),
        }
        yield {
            "model": "StrassenNets" if setup.patch else "dense",
            **(ternary if setup.patch else {}),
            "runs": len(found),
            "multiplications": found[0].operations.multiplications,
            "additions": found[0].operations.additions,
            "training loss": interval([run.loss for run in found], ".3f"),
            "finished": interval([run.accuracies[-1] for run in found], ".2%"),
            "by distillation": interval(gains, "+.2%"),
        }


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--patches", nargs="+", type=positive, default=PATCHES, help="the paper's p (1)")
    parser.add_argument("--shares", nargs="+", type=positive_number, default=SHARES, help="r / c_out (0.5 1 2 4)")
    parser.add_argument(
        "--epochs", nargs=3, type=positive, default=EPOCHS, metavar=("FULL", "QUANTISED", "FROZEN"), help="(12 6 3)"
    )
    parser.add_argument("--channels", type=positive, default=8, help="of the ResNet's first stage (8)")
    parser.add_argument("--teacher", type=part, default=0.5, help="share of the teacher's term of the loss (0.5)")
    parser.add_argument("--temperature", type=positive_number, default=1.0, help="of the distillation (1)")
    return parser.parse_args(given)


def part(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


EXPERIMENT = Experiment(COLUMNS, setups, trainer, rows)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command."""
    return EXPERIMENT.main(arguments(given))


if __name__ == "__main__":
    sys.exit(main())
