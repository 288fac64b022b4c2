"""What both commands share: options, repetition with several seeds, and what is said of several results."""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

from bilinear.commands.screen import counted
from examples.tables import Table, finished
from examples.vision.data import Images, load
from examples.vision.pictures import DataError
from examples.vision.training import Classification

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIDENCE = 0.95
SIDE = 32

Setup = TypeVar("Setup")
Run = TypeVar("Run", bound="DataclassInstance")


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """A parser of the options about data, repetition and output."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", default="digits", help="digits (unless given), cifar10:DIR or folder:DIR")
    parser.add_argument("--side", type=positive, default=SIDE, help=f"of the pictures of a folder, resized ({SIDE})")
    parser.add_argument("--train", type=positive, metavar="N", help="train on N images only")
    parser.add_argument("--seeds", type=positive, default=5, help="trainings of everything, seeds 0, 1, ... (5)")
    parser.add_argument("--batch", type=positive, default=50, help="images a step (50)")
    parser.add_argument("--rate", type=positive_number, default=3e-3, help="highest rate of AdamW (3e-3)")
    parser.add_argument("--threads", type=positive, default=1, help="of torch (1)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every run and the table there")
    return parser


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def positive_number(text: str) -> float:
    """A finite number above 0, for argparse."""
    number = float(text)
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return number


@dataclass(frozen=True)
class Experiment(Generic[Setup, Run]):
    """Trainings of several setups, repeated with several seeds, and their table.

    Attributes:
        columns: Of the table, see `Table`.
        setups: From the options; a row each. Refuses what cannot be trained, before anything is.
        trainer: From the options and the images, what trains one setup from one seed.
        rows: From the setups and all that has been trained, the table's.
    """

    columns: dict[str, str]
    setups: Callable[[argparse.Namespace], Sequence[Setup]]
    trainer: Callable[[argparse.Namespace, Classification], Callable[[Setup, int], Run]]
    rows: Callable[[Sequence[Setup], Sequence[Run]], Iterable[dict[str, Any]]]

    def main(self, given: argparse.Namespace) -> int:
        """Train everything, seed by seed; print the table, also if interrupted, write it, return the exit code."""
        runs: list[Run] = []
        table = Table(self.columns)

        def results() -> dict[str, Any]:
            settings = {name: value for name, value in vars(given).items() if name != "json"}
            return {"settings": settings, "runs": [asdict(run) for run in runs], "table": table.rows}

        return finished(lambda: self._run(given, runs, table), results, given.json)

    def _run(self, given: argparse.Namespace, runs: list[Run], table: Table) -> None:
        setups, images = self.setups(given), images_of(given)
        train = self.trainer(given, Classification.of(images))
        print(f"{images.name}: {len(images.x)} images to train on, {len(images.x_test)} to test", flush=True)
        try:
            with counted("training", given.seeds * len(setups)) as tick:
                for seed, setup in product(range(given.seeds), setups):
                    tick(f"{setup}, seed {seed}")
                    runs.append(train(setup, seed))
        finally:
            table.head()
            for row in self.rows(setups, runs):
                table.add(**row)


def images_of(given: argparse.Namespace) -> Images:
    """The images that were asked for; torch's threads are set.

    Raises:
        DataError: If they cannot be had, or the results would have nowhere to go.
    """
    if given.json is not None and not given.json.absolute().parent.is_dir():
        raise DataError(f"{given.json}: no folder for it; make {given.json.parent}, or choose another file")
    torch.set_num_threads(given.threads)
    return load(given.data, given.side, given.train)


def estimate(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and half the width of its 95 % interval by Student's t; None for the latter of a single value."""
    from scipy.stats import t

    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return mean, quantile * statistics.stdev(values) / math.sqrt(len(values))


def interval(values: Sequence[float], how: str) -> str:
    """`0.943 ± 0.012`, both in the given format; empty without values."""
    if not values:
        return ""
    mean, half = estimate(values)
    return format(mean, how) + ("" if half is None else f" ± {format(half, how.removeprefix('+'))}")
