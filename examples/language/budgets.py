"""A decoder of bytes trained from scratch with STL, dense and low-rank layers of the same cost.

    python -m examples.language.budgets
    python -m examples.language.budgets --text novel.txt --width 256 --ranks 24 32 40 --steps 1000 --json results.json

For each rank of the STL layers in the blocks there are: a narrower dense decoder with at most as many flops, one with
low-rank layers of the same width and at most as many flops, and a dense decoder of at most as many parameters. Each is
trained for as many steps as the dense decoder, and again for as many as fit into its processor time. The figures are
held-out bits a byte, at the last place of each tile, where no layer sees what follows; on these places all are trained,
and the dense decoder once more on every place, which no approximation can be. `--resume` takes over the runs that are
in the file of an interrupted command, also for more seeds or ranks.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bilinear.commands.screen import counted
from bilinear.layers import Basis, STLLinear, initial_basis
from bilinear.layers.convert.measure import counted_flops
from bilinear.layers.places import count, swap
from examples.language import decoder
from examples.language.decoder import Recipe, Text
from examples.language.fine_tuning import TILE, basis_of, in_blocks
from examples.language.text import REFERENCE, TextError, language_reference, read_text
from examples.models import Decoder
from examples.tables import Table, finished

DENSE, LOW_RANK, STL = "dense", "low-rank", "STL"
START = "best"
WIDEST = 3
"""Of the decoders with as many parameters, relative to the dense one: rank 64 has four times as many in its blocks."""
SETUP = {"model": "8s", "width": ">5d", "rank": ">4d", "budget": "18s"}
SIZES = {**SETUP, "parameters": ">10,d", "flops": ">5.2f"}
MEASURED = {"time": ">5.2f", "equal steps": ">6.3f", "steps in its time": ">6.0f", "equal time": ">6.3f"}
ROUNDS = 9
RUNS = {"seed": ">4d", **SIZES, **MEASURED}
MEANS = {"runs": ">4d", **SIZES, **MEASURED}


@dataclass(frozen=True)
class Setup:
    """What is trained with every seed.

    Attributes:
        model: `DENSE`, `LOW_RANK` or `STL`: the layers in the blocks.
        width: Of the decoder.
        rank: Of the low-rank or STL layers; 0 for dense ones.
        budget: What its size was chosen for, in words.
        every: The places that are trained on, see `decoder.loss`.
    """

    model: str
    width: int
    rank: int = 0
    budget: str = ""
    every: int = TILE


class Experiment(NamedTuple):
    """What all trainings share.

    Attributes:
        given: The command line.
        text: In bytes.
        pieces: Windows of the held-out text, shape (windows, length + 1).
    """

    given: argparse.Namespace
    text: Text
    pieces: Tensor


def built(setup: Setup, given: argparse.Namespace, seed: int) -> Decoder:
    """A fresh decoder; each STL layer has a basis of its own, which is learned."""
    model = decoder.fresh(setup.width, given.depth, given.heads, seed)
    if setup.rank:
        replaced = low_rank if setup.model == LOW_RANK else stl
        layers = [module for name, module in model.named_modules() if in_blocks(module, name)]
        swap(model, {layer: replaced(layer, setup.rank) for layer in layers if isinstance(layer, nn.Linear)})
    return model


def stl(layer: nn.Linear, rank: int) -> nn.Module:
    """A fresh STL layer in the place of a dense one."""
    return STLLinear(layer.in_features, layer.out_features, start(rank), layer.bias is not None, learnable_basis=True)


@cache
def start(rank: int) -> Basis:
    """The basis that the layers begin from: the default of `STLConfig`."""
    return initial_basis(START, TILE, rank)


@torch.no_grad()
def low_rank(layer: nn.Linear, rank: int) -> nn.Module:
    """Two fresh layers in the place of one, scaled so that the variance of their output is that layer's."""
    first = nn.Linear(layer.in_features, rank, bias=False)
    second = nn.Linear(rank, layer.out_features, bias=layer.bias is not None)
    second.weight.mul_(math.sqrt(3))
    return nn.Sequential(first, second)


def flops(setup: Setup, given: argparse.Namespace) -> int:
    """Of one window forward."""
    return counted_flops(built(setup, given, 0), torch.zeros(1, given.length, dtype=torch.long))


def parameters(setup: Setup, given: argparse.Namespace) -> int:
    """Learned numbers, the bases among them."""
    return count(built(setup, given, 0))


def setups(given: argparse.Namespace) -> list[Setup]:
    """Every row of the table, the dense decoder first.

    Raises:
        BilinearError: If sizes do not make a decoder, or no basis has a rank.
    """
    step = 2 * given.heads
    dense = Setup(DENSE, given.width)
    found = [dense, replace(dense, budget="all places", every=1)]
    built(dense, given, 0)
    widths = [Setup(DENSE, width) for width in range(step, WIDEST * given.width, step)]
    ranks = [Setup(LOW_RANK, given.width, rank) for rank in range(1, given.width)]
    for rank in given.ranks:
        wanted = Setup(STL, given.width, rank)
        cheap = partial(flops, given=given)
        narrow, thin = (largest(some, cheap, cheap(wanted)) for some in (widths, ranks))
        wide = largest(widths, partial(parameters, given=given), parameters(wanted, given))
        found += [wanted, *(replace(one, budget=f"flops of r={rank}") for one in (narrow, thin))]
        if wide != dense:
            found.append(replace(wide, budget=f"parameters of r={rank}"))
    return found


def largest(candidates: list[Setup], cost: Callable[[Setup], int], budget: int) -> Setup:
    """The last of them, in growing order, that costs no more than the budget; the first if all do."""
    return candidates[max(0, bisect_right(candidates, budget, key=cost) - 1)]


def trained(setup: Setup, experiment: Experiment, seed: int, steps: int, heard: Callable[[], None]) -> float:
    """Held-out bits a byte of a decoder that is trained from the beginning."""
    given = experiment.given
    model = built(setup, given, seed)
    recipe = Recipe(steps, given.rate, given.batch, given.length, setup.every, seed)
    decoder.train(model, experiment.text.train, recipe, list(basis_of(model)), heard)
    return decoder.held_out_loss(model, experiment.pieces, TILE) / math.log(2)


def paces(wanted: list[Setup], experiment: Experiment) -> dict[Setup, float]:
    """Processor time of a step of training, relative to that of the first decoder: the median over rounds.

    They take turns, so that what else the machine does slows all of them alike.
    """
    given = experiment.given
    models = {setup: built(setup, given, 0) for setup in wanted}
    rounds: dict[Setup, list[float]] = {setup: [] for setup in wanted}
    for _ in range(ROUNDS):
        for setup, model in models.items():
            times: list[float] = []
            recipe = Recipe(2, given.rate, given.batch, given.length, setup.every)
            told = partial(_note, times)
            decoder.train(model, experiment.text.train, recipe, list(basis_of(model)), told)
            rounds[setup].append(times[1] - times[0])  # the first step also makes the optimiser's state
    dense = rounds[wanted[0]]
    return {
        setup: statistics.median(own / its for own, its in zip(found, dense, strict=True))
        for setup, found in rounds.items()
    }


def _note(times: list[float]) -> None:
    times.append(time.process_time())


def prepared(given: argparse.Namespace) -> Experiment:
    """The text, and windows of it."""
    name = REFERENCE if given.text is None else str(given.text)
    text = decoder.as_bytes(name, language_reference() if given.text is None else read_text(given.text), given.length)
    generator = torch.Generator().manual_seed(given.seed)
    pieces = decoder.windows(text.held_out, given.windows, given.length, generator)
    print(f"{name}: {len(text.train)} bytes to train on, {len(text.held_out)} held out")
    return Experiment(text=text, given=given, pieces=pieces)


def compare(experiment: Experiment, table: Table) -> None:
    """One line for each seed and decoder."""
    given = experiment.given
    done = resumed(given) if given.resume else {}
    wanted = setups(given)
    whole = flops(wanted[0], given)
    pace = paces(wanted, experiment)
    table.head()
    with counted("training") as tick:
        for seed in range(given.seed, given.seed + given.seeds):
            for setup in wanted:
                row = done.get(identity({"seed": seed, **described(setup)}))
                if row is None:
                    told = partial(tick, f"{setup.model} of width {setup.width}")
                    size = {"parameters": parameters(setup, given), "flops": flops(setup, given) / whole}
                    figures = measured(setup, experiment, seed, pace[setup], told)
                    row = {"seed": seed, **described(setup), **size, **figures}
                table.add(**row)


def measured(
    setup: Setup, experiment: Experiment, seed: int, pace: float, heard: Callable[[], None]
) -> dict[str, float]:
    """The figures of one decoder, trained again if another number of its steps fits into the dense one's time."""
    wanted = experiment.given.steps
    reference = setup.model == DENSE and setup.width == experiment.given.width
    fit = wanted if reference else max(1, round(wanted / pace))
    same = timed = trained(setup, experiment, seed, wanted, heard)
    if fit != wanted:
        timed = trained(setup, experiment, seed, fit, heard)
    return dict(zip(MEASURED, (pace, same, fit, timed), strict=True))


def described(setup: Setup) -> dict[str, Any]:
    """The setup in the columns of the table."""
    rank = {"rank": setup.rank} if setup.rank else {}
    return {"model": setup.model, "width": setup.width, **rank, "budget": setup.budget}


def identity(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a run from the others."""
    return tuple(row.get(name) for name in ("seed", *SETUP))


def asked(given: argparse.Namespace) -> dict[str, Any]:
    """The options that a result depends on."""
    options = {name: value for name, value in vars(given).items() if name not in ("json", "resume")}
    return options | {"text": REFERENCE if given.text is None else str(given.text)}


def resumed(given: argparse.Namespace) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The runs that a file of results has.

    Raises:
        TextError: If it is no such file, or of other options than seeds and ranks.
    """
    if not given.json.exists():
        return {}
    try:
        results = json.loads(given.json.read_text())["results"]
        other = {name for name, value in asked(given).items() if results["parameters"][name] != value}
        rows = {identity(row): row for row in results["rows"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TextError(f"{given.json}: no results of this command ({error!r}); leave out --resume") from error
    if other := other - {"ranks", "seeds"}:
        raise TextError(f"{given.json}: made with another --{min(other)}; give the same, or leave out --resume")
    return rows


def means(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Over the seeds, in the order of the first one's rows."""
    of: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault(tuple(row.get(name) for name in SETUP), []).append(row)
    for found in of.values():
        same = {name: found[0][name] for name in SIZES if name in found[0]}
        yield {"runs": len(found), **same, **{name: statistics.mean(row[name] for row in found) for name in MEASURED}}


def arguments() -> argparse.Namespace:
    """What was asked for, sizes checked."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.language.budgets", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help="any text in UTF-8")
    parser.add_argument("--ranks", type=int, nargs="+", default=[24, 16], help="of STL layers, tiles of 4 x 4 x 4")
    parser.add_argument("--steps", type=int, default=240, help="of the dense decoder")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--length", type=int, default=64, help="bytes of a window")
    parser.add_argument("--batch", type=int, default=8, help="windows a step")
    parser.add_argument("--windows", type=int, default=256, help="of the held-out text")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the tables there")
    parser.add_argument("--resume", action="store_true", help="take over the runs that --json's file has")
    given = parser.parse_args()
    sizes = (given.steps, given.length, given.batch, given.windows, given.seeds, given.threads, *given.ranks)
    if min(sizes) < 1 or given.seed < 0 or given.rate <= 0:
        parser.error("sizes and steps must be at least 1, --seed at least 0, --rate above 0")
    if given.resume and given.json is None:
        parser.error("--resume needs --json, the file to go on with")
    if given.length % TILE:
        parser.error(f"--length must be a multiple of {TILE}, so that no tile spans two windows")
    return given


def main() -> int:
    """Run the comparison and print its tables: every run, then the means over the seeds."""
    given = arguments()
    torch.set_num_threads(given.threads)
    runs, table = Table(RUNS), Table(MEANS)

    def results() -> dict[str, Any]:
        if runs.rows:
            print()
            table.head()
        for row in means(runs.rows):
            table.add(**row)
        return {"parameters": asked(given), "rows": runs.rows, "means": table.rows}

    return finished(lambda: compare(prepared(given), runs), results, given.json)


if __name__ == "__main__":
    sys.exit(main())
