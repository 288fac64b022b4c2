"""How far an STL layer is from a dense one on random data, by rank and by what its basis begins from.

    python benchmarks/starts.py --ranks 16 24 32 40 48 --json starts.json

A dense layer of random weights is converted, and fed random tokens; the error is the mean squared one of its outputs
over their mean square. Beside it the largest row of the basis, as `bilinear approximate` bounds it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.row_norms import norms
from bilinear.layers import STLLinear, initial_basis

STARTS = ("best", "kronecker", "pruned-winograd", "pruned-strassen", "pruned-standard", "evaluation", "random")
SIZE, TOKENS = 256, 4096


@torch.no_grad()
def measured(name: str, tile: int, rank: int) -> dict[str, float] | None:
    """Error and largest row of a start; None where it has no such rank."""
    try:
        basis = initial_basis(name, tile, rank)
    except BilinearError:
        return None
    torch.manual_seed(0)
    dense, x = torch.nn.Linear(SIZE, SIZE, bias=False), torch.randn(TOKENS, SIZE)
    torch.nn.init.normal_(dense.weight)
    y = dense(x)
    error = (STLLinear.from_linear(dense, basis)(x) - y).square().mean() / y.square().mean()
    return {"error": float(error), "row": float(norms((basis.u, basis.v, basis.w)).max())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 20, 24, 28, 32, 36, 40, 44, 48, 49])
    parser.add_argument("--tile", type=int, default=4)
    parser.add_argument("--json", type=Path, help="also write the results there")
    given = parser.parse_args()
    print("rank  " + "  ".join(f"{name:>15}" for name in STARTS))
    rows = []
    for rank in given.ranks:
        found = {name: measured(name, given.tile, rank) for name in STARTS}
        cells = ("" if one is None else f"{one['error']:.4f} ({one['row']:.1f})" for one in found.values())
        print(f"{rank:4}  " + "  ".join(f"{cell:>15}" for cell in cells), flush=True)
        rows.append({"rank": rank, "starts": found})
    write(given.json, {"tile": given.tile, "rows": rows})


if __name__ == "__main__":
    main()
