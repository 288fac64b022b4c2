"""Fine-tuning of a small language model whose linear layers became STL layers, with and without calibration.

    python -m examples.language.fine_tuning
    python -m examples.language.fine_tuning --text novel.txt --ranks 24 32 --basis frozen learned --json results.json
    python -m examples.language.fine_tuning --text novel.txt --model decoder.safetensors --heads 8 --steps 1000

A decoder of bytes is trained on the text (the language reference that comes with Python, unless --text is given), or
read from a file of its state. Every linear layer of its blocks is then converted to each rank, once by encoding its
weight and once calibrated on the text it was trained on, and both are fine-tuned. The table gives the held-out loss in
nats a byte, at the last place of each tile, where no layer sees what follows.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bilinear.commands.screen import counted
from bilinear.layers import STLConfig, convert_
from bilinear.layers.stl.layer import BASIS, STLLayer
from examples.language import decoder
from examples.language.decoder import Recipe, Text
from examples.language.text import REFERENCE, language_reference, read_text
from examples.models import Decoder
from examples.tables import Table, finished

COLUMNS = {
    "model": ">5s",
    "basis": "7s",
    "plain": ">7.3f",
    "calibrated": ">7.3f",
    "plain, tuned": ">7.3f",
    "calibrated, tuned": ">7.3f",
    "seconds": ">7.0f",
}
HELD_OUT_WINDOWS = 64
TILE = 4
SCHEMES = ("plain", "calibrated")


class Experiment(NamedTuple):
    """What all lines of the table share.

    Attributes:
        text: In bytes.
        pieces: Windows of the held-out text, shape (windows, length + 1).
        calibration: Windows of the training text, shape (windows, length).
        tuning: How a converted model is trained further.
    """

    text: Text
    pieces: Tensor
    calibration: Tensor
    tuning: Recipe


def in_blocks(module: nn.Module, name: str) -> bool:
    """Whether a module is one of the layers that are converted; the output layer is tied to the embedding."""
    return isinstance(module, nn.Linear) and name.startswith("blocks.")


def basis_of(model: nn.Module) -> Iterator[nn.Parameter]:
    """The changes of basis of all layers that are parameters."""
    for module in model.modules():
        if isinstance(module, STLLayer):
            yield from (p for name, p in module.named_parameters(recurse=False) if name in BASIS)


def prepared(given: argparse.Namespace) -> Experiment:
    """The text, and windows of it."""
    name = REFERENCE if given.text is None else str(given.text)
    text = decoder.as_bytes(name, language_reference() if given.text is None else read_text(given.text), given.length)
    generator = torch.Generator().manual_seed(given.seed + 1)
    pieces = decoder.windows(text.held_out, HELD_OUT_WINDOWS, given.length, generator)
    calibration = decoder.windows(text.train, -(-given.tokens // given.length), given.length, generator)[:, :-1]
    print(f"{name}: {len(text.train)} bytes to train on, {len(text.held_out)} held out")
    tuning = Recipe(given.steps, given.rate, given.batch, given.length, TILE, given.seed + 2)
    return Experiment(text, pieces, calibration, tuning)


def pretrained(given: argparse.Namespace, text: Text) -> Decoder:
    """The dense model, from its file or trained here at every place."""
    if given.model is not None:
        return decoder.load(given.model, given.heads)
    model = decoder.fresh(given.width, given.depth, given.heads, given.seed)
    recipe = Recipe(given.pretrain, given.pretrain_rate, given.batch, given.length, seed=given.seed)
    with counted("training the dense model", given.pretrain) as tick:
        decoder.train(model, text.train, recipe, heard=partial(tick, ""))
    return model


def compare(given: argparse.Namespace, experiment: Experiment, model: Decoder, table: Table) -> None:
    """One line for the dense model, and one for each rank and way of fine-tuning."""
    lines = 1 + len(given.ranks) * len(given.basis) * len(SCHEMES)
    with counted("fine-tuning", lines * given.steps) as tick:
        start = time.perf_counter()
        losses = tuned(model, experiment, learned=False, tick=partial(tick, "dense"))
        table.add(model="dense", **{"plain": losses[0], "plain, tuned": losses[1]}, seconds=time.perf_counter() - start)
        for rank in given.ranks:
            config = STLConfig(TILE, rank, given.init, force=True, learnable_basis=True, seed=given.seed)
            models = [converted(model, config, x) for x in (None, experiment.calibration)]
            for basis in given.basis:
                line(rank, basis, models, experiment, table, tick)


def line(
    rank: int, basis: str, models: list[Decoder], experiment: Experiment, table: Table, tick: Callable[[str], None]
) -> None:
    """Fine-tune both models of a rank."""
    start = time.perf_counter()
    row = {}
    for scheme, model in zip(SCHEMES, models, strict=True):
        told = partial(tick, f"rank {rank}, {scheme}, {basis} basis")
        row[scheme], row[f"{scheme}, tuned"] = tuned(model, experiment, basis == "learned", told)
    table.add(model=f"r={rank}", basis=basis, **row, seconds=time.perf_counter() - start)


def converted(model: Decoder, config: STLConfig, calibration: Tensor | None) -> Decoder:
    """A copy with STL layers."""
    copied = copy.deepcopy(model)
    convert_(copied, config, in_blocks, calibration=calibration)
    return copied


def tuned(model: Decoder, experiment: Experiment, learned: bool, tick: Callable[[], None]) -> tuple[float, float]:
    """The held-out loss before and after a copy is trained further, with its changes of basis or without."""
    trained = copy.deepcopy(model)
    basis = list(basis_of(trained))
    for parameter in basis:
        parameter.requires_grad_(learned)
    before = decoder.held_out_loss(trained, experiment.pieces, TILE)
    decoder.train(trained, experiment.text.train, experiment.tuning, basis, tick)
    return before, decoder.held_out_loss(trained, experiment.pieces, TILE)


def arguments() -> argparse.Namespace:
    """What was asked for, sizes checked."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.language.fine_tuning", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help="any text in UTF-8")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a decoder's state in safetensors")
    parser.add_argument("--ranks", type=int, nargs="+", default=[24, 32, 40, 48])
    parser.add_argument("--basis", nargs="+", choices=("frozen", "learned"), default=["frozen"])
    parser.add_argument("--init", default="pruned-strassen", help="where the bases begin")
    parser.add_argument("--steps", type=int, default=60, help="of fine-tuning")
    parser.add_argument("--rate", type=float, default=5e-4, help="of fine-tuning")
    parser.add_argument("--tokens", type=int, default=6144, help="bytes to calibrate on")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--length", type=int, default=64, help="bytes of a window")
    parser.add_argument("--batch", type=int, default=16, help="windows a step")
    parser.add_argument("--pretrain", type=int, default=400, help="steps of the dense model's training")
    parser.add_argument("--pretrain-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the table there")
    given = parser.parse_args()
    counts = (given.steps, given.tokens, given.length, given.batch, given.pretrain, given.threads, *given.ranks)
    if min(counts) < 1 or given.seed < 0:
        parser.error("sizes and steps must be at least 1, --seed at least 0")
    if given.length % TILE:
        parser.error(f"--length must be a multiple of {TILE}, so that no tile spans two windows")
    if min(given.rate, given.pretrain_rate) <= 0:
        parser.error("--rate and --pretrain-rate must be above 0")
    return given


def main() -> int:
    """Run the comparison and print its table."""
    given = arguments()
    torch.set_num_threads(given.threads)
    table = Table(COLUMNS)

    def run() -> None:
        experiment = prepared(given)
        model = pretrained(given, experiment.text)
        table.head()
        compare(given, experiment, model, table)

    parameters = {name: value for name, value in vars(given).items() if name != "json"}
    parameters |= {name: str(parameters[name]) for name in ("text", "model") if parameters[name]}
    return finished(run, lambda: {"parameters": parameters, "rows": table.rows}, given.json)


if __name__ == "__main__":
    sys.exit(main())
