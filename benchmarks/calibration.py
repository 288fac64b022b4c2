"""How much calibration improves a converted language model, on text that it was not calibrated on.

    python benchmarks/calibration.py --ranks 24 32 40 48 --json calibration.json

A small byte-level decoder is trained on the language reference that comes with Python; every linear layer of its blocks
is then converted to each rank, once with plainly encoded weights and once calibrated on training text. Errors are mean
relative squared ones of the layers' outputs on held-out text: `layer` of each layer alone, fed what the dense model
feeds it; `model` against the dense model's outputs, each fed what the converted model feeds it. The loss is in nats a
byte, at the last place of each tile, where no layer sees what follows.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.layers import STLConfig, STLLinear, convert_
from bilinear.layers.convert.measure import inputs
from examples.language import decoder
from examples.language.fine_tuning import in_blocks
from examples.language.text import REFERENCE, language_reference

RATE = 2e-3
VALIDATION = 64
HEADS = 4


def relative(found: Tensor, expected: Tensor) -> float:
    """Squared error over squared norm."""
    return float((found - expected).square().sum() / expected.square().sum())


@torch.no_grad()
def measure(model: nn.Module, config: STLConfig, calibration: Tensor | None, held_out: Tensor) -> dict[str, float]:
    """Errors on held-out text, and the converted model's loss there."""
    converted, start = copy.deepcopy(model), time.perf_counter()
    replaced = convert_(converted, config, in_blocks, calibration=calibration).replaced
    seconds = time.perf_counter() - start
    error = [whole_error(model, converted, name, held_out) for name in replaced]
    alone = [layer_error(model, name, config, calibration, held_out) for name in replaced]
    return {
        "layer": sum(alone) / len(alone),
        "model": sum(error) / len(error),
        "loss": decoder.held_out_loss(converted, held_out, config.sides[0]),
        "seconds": seconds,
    }


def whole_error(model: nn.Module, converted: nn.Module, name: str, held_out: Tensor) -> float:
    """Of a layer of the converted model, against the dense model's."""
    dense, layer = model.get_submodule(name), converted.get_submodule(name)
    x, expected = inputs(converted, name, layer, held_out[:, :-1]), inputs(model, name, dense, held_out[:, :-1])
    return relative(layer(x), dense(expected))


def layer_error(model: nn.Module, name: str, config: STLConfig, calibration: Tensor | None, held_out: Tensor) -> float:
    """Of a layer converted alone, on what the dense model feeds it."""
    dense = model.get_submodule(name)
    assert isinstance(dense, nn.Linear)
    own = None if calibration is None else inputs(model, name, dense, calibration)
    layer = STLLinear.from_linear(dense, config.basis(), calibration=own)
    x = inputs(model, name, dense, held_out[:, :-1])
    return relative(layer(x), dense(x))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 24, 32, 40, 48, 49])
    parser.add_argument("--tile", type=int, default=4)
    parser.add_argument("--init", default="pruned-strassen", help="a name of the registry")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--length", type=int, default=128, help="bytes of a window")
    parser.add_argument("--steps", type=int, default=600, help="of training")
    parser.add_argument("--tokens", type=int, nargs="+", default=[16384], help="to calibrate on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the results there")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    text = decoder.as_bytes(REFERENCE, language_reference(), given.length)
    model = decoder.fresh(given.width, given.depth, HEADS, given.seed)
    decoder.train(model, text.train, decoder.Recipe(given.steps, RATE, length=given.length, seed=given.seed))
    generator = torch.Generator().manual_seed(given.seed + 1)
    held_out = decoder.windows(text.held_out, VALIDATION, given.length, generator)
    dense = decoder.held_out_loss(model, held_out, given.tile)
    print(f"dense model: held-out loss {dense:.3f}; each figure plain, then calibrated")
    print(f"rank  tokens  {'layer error':^15}  {'model error':^15}  {'loss':^15}")
    rows: list[dict[str, Any]] = []
    for rank in given.ranks:
        config = STLConfig(given.tile, rank, given.init, force=True, seed=given.seed)
        for tokens in given.tokens:
            pieces = decoder.windows(text.train, -(-tokens // given.length), given.length, generator)
            both = [measure(model, config, calibration, held_out) for calibration in (None, pieces[:, :-1])]
            figures = ("  ".join(f"{part[name]:6.3f}" for part in both) for name in ("layer", "model", "loss"))
            print(f"{rank:4} {tokens:7}  {'   '.join(figures)}", flush=True)
            rows.append({"rank": rank, "tokens": tokens, "plain": both[0], "calibrated": both[1]})
    write(
        given.json,
        {"parameters": {k: v for k, v in vars(given).items() if k != "json"}, "dense_loss": dense, "rows": rows},
    )


if __name__ == "__main__":
    main()
