"""Changes of basis applied by parts, beside the whole ones: operations and times.

    python benchmarks/fast_encoders.py products --sizes 512 1024 --json fast_encoders.json
    python benchmarks/fast_encoders.py encoders --cases cyclic:16:q cyclic:2^5:q --json fast_encoders_exact.json

`products` computes the same product of x (tokens, K) with an encoded weight in both ways, in turn; times are the least
processor times, so take one thread. Operations are those of one activation tile: `entries` are multiplications of a
dense encoder (rank * n * m), `additions` those of its nonzero entries; by parts, the same of all steps; `program` is
the number of additions of a straight-line program with shared sums.

`encoders` factors encoders and decoders exactly and counts multiplications and additions of the dense matrix, of a
program with shared sums and of the factors; the times are those of U on 4096 columns in float64, dense and factor by
factor as sparse matrices of PyTorch.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.decompositions import Scheme, kronecker, parse_target, strassen, winograd
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.programs import GREEDY, short_program
from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.transforms.encoders import factored
from bilinear.discover.transforms.encoders import encoder_costs
from bilinear.layers.butterfly.encoders import (
    FastEncoders,
    additions,
    kronecker_parts,
    multiplications,
    multiply_by_parts,
)
from bilinear.layers.stl import Basis, Encoders
from bilinear.layers.stl.functional import encode_weight, multiply_encoded

COLUMNS = 4096
CASES = {
    "products": ["strassen:2", "winograd:2", "strassen:3", "winograd:3"],
    "encoders": [
        *(f"cyclic:{size}:q" for size in ("8", "16", "32", "2^3", "2^5", "2^6")),
        *(f"cyclic:{size}:qi" for size in (8, 16, 32)),
        *(f"polymul:{n}x{n}:q" for n in (4, 8, 16)),
        "correlation:4x3:q",
        "strassen:2",
        "strassen:3",
        "winograd:2",
    ],
}
SCHEMES: dict[str, Callable[[], Scheme]] = {"strassen": strassen, "winograd": winograd}


def scheme_of(case: str) -> Scheme:
    """`winograd:2` is Winograd's scheme times itself."""
    name, levels = case.split(":")
    return reduce(kronecker, [SCHEMES[name]() for _ in range(int(levels))])


def exact_scheme(case: str) -> Scheme:
    """`winograd:2` as above, `cyclic:16:qi` the evaluation scheme over that ring."""
    name, _, ring = case.rpartition(":")
    return scheme_of(case) if name in SCHEMES else evaluated(parse_target(name), parse_ring(ring))


@torch.inference_mode()
def measure_encoders(case: str, rounds: int) -> dict[str, Any]:
    """One row: all changes of basis of a scheme."""
    scheme = exact_scheme(case)
    start = time.process_time()
    costs = encoder_costs(scheme)
    seconds = time.process_time() - start
    matrix = scheme.u.astype(float) if scheme.imag is None else scheme.u + 1j * scheme.imag[0]
    parts = factored(scheme.u, None if scheme.imag is None else scheme.imag[0]).parts
    whole = torch.tensor(matrix)
    steps = [torch.tensor(part.array()).to(whole.dtype).to_sparse_csr() for part in parts]
    x = torch.randn(whole.shape[1], COLUMNS, dtype=whole.dtype)
    times = least([lambda: whole @ x, lambda: reduce(lambda y, step: step @ y, steps, x)], rounds)
    milliseconds = dict(zip(("dense", "factored"), (1e3 * t for t in times), strict=True))
    encoders = [{**asdict(each), "gain": each.gain} for each in costs]
    return {
        "scheme": case,
        "rank": scheme.rank,
        "encoders": encoders,
        "milliseconds": milliseconds,
        "seconds": seconds,
        "load_average": os.getloadavg()[0],
    }


def print_encoders(row: dict[str, Any]) -> None:
    """A line for each change of basis."""
    times = row["milliseconds"]
    for each in row["encoders"]:
        counts = [each[key] for key in ("dense", "program", "factored")]
        shown = " -> ".join("none" if pair is None else f"{pair[0]}+{pair[1]}" for pair in counts)
        print(
            f"{row['scheme']:12} {each['name']:7} {each['shape'][0]}x{each['shape'][1]} dense, program, factored: "
            f"{shown} in {each['parts']} parts, gain {each['gain']:.2f}, error {each['relative_error']:.1e}",
            flush=True,
        )
    print(f"{row['scheme']:12} U on {COLUMNS} columns: dense {times['dense']:.2f}, factored {times['factored']:.2f} ms")


def least(tried: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Least processor seconds of each, run in turn after one round that is not counted."""
    found = [float("inf")] * len(tried)
    for turn in range(rounds + 1):
        for position, function in enumerate(tried):
            start = time.process_time()
            function()
            if turn:
                found[position] = min(found[position], time.process_time() - start)
    return found


@torch.inference_mode()
def measure(case: str, size: int, rounds: int) -> dict[str, Any]:
    """One row: a square product of standard normal matrices."""
    scheme = scheme_of(case)
    basis = Basis.of(scheme)
    whole, parted = Encoders.of(scheme), FastEncoders.of(scheme)
    torch.manual_seed(0)
    x, w = torch.randn(size, size), torch.randn(size, size)
    weight, expected = encode_weight(w, whole), x.double() @ w.double()
    times = least(
        [lambda: x @ w, lambda: multiply_encoded(x, weight, whole), lambda: multiply_by_parts(x, weight, parted)],
        rounds,
    )
    results = multiply_encoded(x, weight, whole), multiply_by_parts(x, weight, parted)
    errors = [((y[:size, :size] - expected).norm() / expected.norm()).item() for y in results]
    parts = kronecker_parts(basis.u, basis.tile[:2])
    program = short_program(scheme, GREEDY).u.operations.additions
    return {
        "scheme": case,
        "size": size,
        "entries": {"whole": basis.u.size, "parts": multiplications(parts)},
        "additions": {
            "whole": int(np.count_nonzero(basis.u)) - basis.rank,
            "parts": additions(parts),
            "program": program,
        },
        "milliseconds": dict(zip(("matmul", "whole", "parts"), (1e3 * t for t in times), strict=True)),
        "relative_error": dict(zip(("whole", "parts"), errors, strict=True)),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", nargs="?", choices=sorted(CASES), default="products")
    parser.add_argument("--cases", nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows: list[dict[str, Any]] = []
    cases = asked.cases or CASES[asked.what]
    if asked.what == "encoders":
        for case in cases:
            rows.append(measure_encoders(case, asked.rounds))
            print_encoders(rows[-1])
        write(asked.json, rows)
        return
    for case in cases:
        for size in asked.sizes:
            row = measure(case, size, asked.rounds)
            rows.append(row)
            entries, added, took, wrong = row["entries"], row["additions"], row["milliseconds"], row["relative_error"]
            print(
                f"{case:11} size {size:5} entries {entries['whole']:6} -> {entries['parts']:5}  additions "
                f"{added['whole']:5} -> {added['parts']:4} (program {added['program']:4})  matmul {took['matmul']:.1f} "
                f"whole {took['whole']:.1f} parts {took['parts']:.1f} ms  errors "
                f"{wrong['whole']:.1e} {wrong['parts']:.1e} (load {row['load_average']:.1f})",
                flush=True,
            )
    write(asked.json, rows)


if __name__ == "__main__":
    main()
