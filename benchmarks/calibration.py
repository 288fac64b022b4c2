"""How much calibration improves a converted language model, on text that it was not calibrated on.

    python benchmarks/calibration.py --ranks 24 32 40 48 --json calibration.json

A small byte-level decoder is trained on the guides in docs/; every linear layer of its blocks is then converted to each
rank, once with plainly encoded weights and once calibrated on training text. The error is the mean relative squared one
of the layers' outputs on held-out text, each fed what the converted model feeds it; the loss is in nats a byte.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from examples.models import Decoder, DecoderConfig
from layers import STLConfig, convert_
from layers.convert.measure import inputs

DOCS = Path(__file__).parents[1] / "docs"
HELD_OUT = 0.1
RATE = 2e-3
VALIDATION = 32


def guides() -> Tensor:
    """The guides, as bytes."""
    data = b"\n".join(path.read_bytes() for path in sorted(DOCS.glob("*.md")))
    return torch.tensor(list(data), dtype=torch.int64)


def windows(data: Tensor, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Pieces of the text, shape (count, length + 1)."""
    starts = torch.randint(len(data) - length - 1, (count,), generator=generator)
    return data[starts[:, None] + torch.arange(length + 1)]


def loss_of(model: nn.Module, pieces: Tensor) -> Tensor:
    return functional.cross_entropy(model(pieces[:, :-1]).flatten(0, 1), pieces[:, 1:].flatten())


def trained(data: Tensor, given: argparse.Namespace) -> Decoder:
    """A model trained with a rate that falls to zero along a cosine."""
    generator = torch.Generator().manual_seed(given.seed)
    torch.manual_seed(given.seed)
    model = Decoder(DecoderConfig(width=given.width, depth=given.depth))
    optimiser = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / given.steps)
    )
    for _ in range(given.steps):
        optimiser.zero_grad()
        loss_of(model, windows(data, 16, given.length, generator)).backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def in_blocks(module: nn.Module, name: str) -> bool:
    return isinstance(module, nn.Linear) and name.startswith("blocks.")


@torch.no_grad()
def measure(model: Decoder, config: STLConfig, calibration: Tensor | None, held_out: Tensor) -> dict[str, float]:
    """Mean relative squared error of the layers' outputs on held-out text, and the converted model's loss there."""
    converted, start = copy.deepcopy(model), time.perf_counter()
    replaced = convert_(converted, config, in_blocks, calibration=calibration).replaced
    seconds, errors = time.perf_counter() - start, []
    for name in replaced:
        layer = converted.get_submodule(name)
        x = inputs(converted, name, layer, held_out[:, :-1])
        expected = model.get_submodule(name)(x)
        errors.append(float((layer(x) - expected).square().sum() / expected.square().sum()))
    return {"error": sum(errors) / len(errors), "loss": float(loss_of(converted, held_out)), "seconds": seconds}


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
    data = guides()
    split = int(len(data) * (1 - HELD_OUT))
    model = trained(data[:split], given)
    generator = torch.Generator().manual_seed(given.seed + 1)
    held_out = windows(data[split:], VALIDATION, given.length, generator)
    with torch.no_grad():
        dense = float(loss_of(model, held_out))
    print(f"dense model: held-out loss {dense:.3f}\nrank  tokens  plain error  calibrated  plain loss  calibrated")
    rows: list[dict[str, Any]] = []
    for rank in given.ranks:
        config = STLConfig(given.tile, rank, given.init, seed=given.seed)
        for tokens in given.tokens:
            pieces = windows(data[:split], -(-tokens // given.length), given.length, generator)
            plain, calibrated = (measure(model, config, text, held_out) for text in (None, pieces[:, :-1]))
            print(
                f"{rank:4} {tokens:7} {plain['error']:12.4f} {calibrated['error']:11.4f} "
                f"{plain['loss']:11.3f} {calibrated['loss']:11.3f}",
                flush=True,
            )
            rows.append({"rank": rank, "tokens": tokens, "plain": plain, "calibrated": calibrated})
    write(
        given.json,
        {"parameters": {k: v for k, v in vars(given).items() if k != "json"}, "dense_loss": dense, "rows": rows},
    )


if __name__ == "__main__":
    main()
