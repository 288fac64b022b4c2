"""Everything that wants a GPU, in one command and ten minutes at most: correctness first, then speeds, as JSON.

    python benchmarks/gpu.py --json gpu.json
    python benchmarks/gpu.py --compile            (no GPU: registers and shared memory of the kernels for sm_90)

The parts run in this order until the budget is spent; what was not reached, or did not fit, is said. Speeds are the
best of some runs in turn with torch's own operation, with the relative error beside each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write

BUDGET = 570.0
"""Seconds, of the ten minutes."""
CORRECT = {torch.float32: 1e-5, torch.bfloat16: 6e-2, torch.float16: 2e-2}

Row = dict[str, Any]


def correctness() -> Iterator[Row]:
    """Every path on CUDA against float64: encode, decode, layers, butterflies, convolutions, exact products."""
    from bilinear.decompositions import kronecker, strassen
    from bilinear.layers import (
        ButterflyLinear,
        MonarchLinear,
        STLConv2d,
        STLLinear,
        WinogradConv1d,
        WinogradConv2d,
        fast_matmul,
    )

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    scheme = kronecker(strassen(), strassen())
    makers: dict[str, tuple[Callable[..., torch.nn.Module], tuple[int, ...]]] = {
        "STLLinear": (lambda **o: STLLinear(256, 192, scheme, **o), (128, 256)),
        "STLConv2d": (lambda **o: STLConv2d(32, 48, 3, strassen(), padding=1, **o), (2, 32, 16, 16)),
        "ButterflyLinear": (lambda **o: ButterflyLinear(256, 256, **o), (64, 256)),
        "MonarchLinear": (lambda **o: MonarchLinear(256, 256, **o), (64, 256)),
        "WinogradConv2d": (lambda **o: WinogradConv2d(64, 48, 3, padding=1, groups=2, **o), (2, 64, 19, 21)),
        "WinogradConv1d": (lambda **o: WinogradConv1d(64, 48, 5, padding=2, **o), (2, 64, 50)),
    }
    for dtype in CORRECT:
        for name, (make, shape) in makers.items():
            torch.manual_seed(0)
            layer = make(dtype=dtype)
            x = torch.randn(shape, dtype=dtype)
            exact = layer.double()(x.double())
            there, seen = layer.to("cuda", dtype), x.cuda().requires_grad_()
            y = there(seen)
            y.sum().backward()
            yield _checked(f"{name} {dtype}", relative(y, exact), dtype, bool(seen.grad.isfinite().all()))
        a, b = (torch.randn(300, 300, dtype=dtype, device="cuda") for _ in range(2))
        for levels in (1, 2):
            error = relative(fast_matmul(a, b, strassen(), levels), a.double() @ b.double())
            yield _checked(f"fast_matmul {levels} {dtype}", error, dtype, True)


def _checked(what: str, error: float, dtype: torch.dtype, finite: bool) -> Row:
    return {"what": what, "relative_error": error, "right": finite and error < CORRECT[dtype]}


def relative(found: torch.Tensor, exact: torch.Tensor) -> float:
    exact = exact.to(found.device)
    return float((found.double() - exact).norm() / exact.norm())


def layers() -> Iterator[Row]:
    """STL layers against cuBLAS."""
    from benchmarks.stl_layer import measure

    for n in (4096, 8192, 16384):
        for dtype in (torch.bfloat16, torch.float16):
            for rank in (16, 24, 32):
                yield {"dtype": str(dtype), **measure((n, n, n), rank, 5, dtype, "cuda", False)}


def products() -> Iterator[Row]:
    """Exact products against cuBLAS."""
    from benchmarks.fast_matmul import measure

    for n in (8192, 16384):
        for dtype in (torch.float32, torch.bfloat16):
            for case in ("strassen:1", "strassen:2", "winograd:1", "winograd:2"):
                yield {"dtype": str(dtype), **measure((n, n, n), case, 3, dtype, "cuda")}


def convolutions() -> Iterator[Row]:
    """`WinogradConv2d` against cuDNN."""
    from benchmarks.winograd import LAYERS, measure

    for name in LAYERS:
        side, channels = map(int, name.split("x"))
        for dtype in (torch.float32, torch.bfloat16):
            for outputs in (2, 4):
                yield {"dtype": str(dtype), **measure(side, channels, 64, outputs, 10, dtype, "cuda")}


def butterflies() -> Iterator[Row]:
    """Butterfly and Monarch layers against a dense one."""
    from benchmarks.products import best
    from bilinear.layers import ButterflyLinear, MonarchLinear

    for n in (1024, 4096, 16384):
        dense = torch.nn.Linear(n, n, bias=False, device="cuda")
        x = torch.randn(256, n, device="cuda")
        for kind in (ButterflyLinear, MonarchLinear):
            layer = kind(n, n, bias=False, device="cuda")
            with torch.no_grad():
                (wall, _), (own, _) = best([partial(dense, x), partial(layer, x)], 10)
            yield {"layer": kind.__name__, "n": n, "tokens": 256, "dense_s": wall, "layer_s": own, "ratio": wall / own}


def training() -> Iterator[Row]:
    """Training steps and memory of STL layers against dense ones."""
    from benchmarks.stl_training import measure

    for n in (4096, 8192):
        for rank in (24, 32):
            yield measure((n, n, n), rank, 3, torch.bfloat16, "cuda")


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "correctness": correctness,
    "stl": layers,
    "fast_matmul": products,
    "winograd": convolutions,
    "butterflies": butterflies,
    "training": training,
}


def measured(names: list[str], budget: float, path: Path | None) -> dict[str, Any]:
    """The rows of every part; what was left out, and why."""
    start, left = time.monotonic(), []
    found: dict[str, Any] = {"gpu": torch.cuda.get_device_name(), "parts": {}, "not_measured": left}
    for name in names:
        rows = found["parts"].setdefault(name, [])
        steps = PARTS[name]()
        while True:
            if time.monotonic() - start > budget:
                left.append(f"{name} from row {len(rows)} on: {budget:.0f} s are spent")
                break
            try:
                row = next(steps, None)
            except (RuntimeError, ValueError) as error:
                left.append(f"{name} from row {len(rows)} on: {str(error).splitlines()[0]}")
                break
            if row is None:
                break
            rows.append(row)
            print(name, json.dumps(row, default=str), flush=True)
        torch.cuda.empty_cache()
        write(path, found)
    return found


def compiled(begin: str) -> Iterator[Row]:
    """Registers and shared memory of the kernels whose names begin so, for a Hopper chip; needs Triton, and no GPU."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    folder = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    for name, kernel, types, fixed in _kernels():
        if not name.startswith(begin):
            continue
        names = kernel.arg_names
        signature = {n: "constexpr" if n in fixed else types.get(n, "i32") for n in names}
        constants = {(names.index(n),): value for n, value in fixed.items()}
        attributes = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if signature[n].startswith("*")}
        source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes)
        binary = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
            file.write(binary.asm["cubin"])
            file.flush()
            told = subprocess.run([folder / "cuobjdump", "-res-usage", file.name], capture_output=True, text=True)
        usage = dict(part.split(":") for part in told.stdout.split() if part.count(":") == 1 and part[-1].isdigit())
        figures = {"registers": int(usage["REG"]), "spilled": int(usage["LOCAL"]), "shared": binary.metadata.shared}
        yield {"kernel": name, **figures, "warps": binary.metadata.num_warps}


def _kernels() -> Iterator[tuple[str, Any, dict[str, str], dict[str, Any]]]:
    """Name, kernel, types of pointers, constants."""
    import triton.language as tl

    from bilinear.layers.kernels import triton_code
    from bilinear.layers.winograd import winograd_scheme
    from bilinear.layers.winograd.schemes import axes_of
    from bilinear.layers.winograd.triton_ops import BLOCK, kernels

    tile = {"a": 4, "b": 4, "A": 4, "B": 4, "R": 32, "S": 32, "BLOCK": 128, "WIDE": False}
    tile |= {"BIASED": True, "ACTIVATION": "gelu"}
    numbers = ("rows", "columns", "rank", "new_rank", "kept_rows", "kept_columns")
    for kernel in (triton_code.encode_kernel, triton_code.decode_kernel, triton_code.recode_kernel):
        own = {n: value for n, value in tile.items() if n in kernel.arg_names}
        types = {n: "*bf16" for n in kernel.arg_names if n not in own and n not in numbers}
        yield kernel.__name__, kernel, types, own
    for outputs in (2, 4, 6):
        code = kernels(axes_of((3, 3), [winograd_scheme(outputs, 3)] * 2, "gpu"))
        for kernel in (code.into_kernel, code.out_kernel):
            own = {"NUMBER": tl.float32, "BLOCK": BLOCK, "BIASED": True}
            own = {n: value for n, value in own.items() if n in kernel.arg_names}
            types = dict.fromkeys(("image", "forms", "bias"), "*bf16")
            yield f"F({outputs}, 3) {kernel.__name__}", kernel, types, own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds")
    parser.add_argument("--compile", action="store_true", help="only compile for sm_90, without a GPU")
    parser.add_argument("--kernels", default="", help="with --compile: those whose names begin so")
    parser.add_argument("--json", type=Path, help="also write the results there")
    given = parser.parse_args()
    if given.compile:
        rows = []
        print(f"{'kernel':24} registers  spilled bytes  shared bytes  warps")
        for row in compiled(given.kernels):
            rows.append(row)
            print("{kernel:24} {registers:9} {spilled:14} {shared:13} {warps:6}".format(**row), flush=True)
        write(given.json, {"compiled for": "sm_90", "rows": rows, "not_measured": "no speed"})
        return
    if not torch.cuda.is_available():
        print("gpu.py: torch sees no CUDA device here; run it where one is, or with --compile", file=sys.stderr)
        raise SystemExit(2)
    found = measured(given.parts, given.budget, given.json)
    wrong = [row["what"] for row in found["parts"].get("correctness", []) if not row["right"]]
    print(f"wrong: {', '.join(wrong) or 'nothing'}; not measured: {'; '.join(found['not_measured']) or 'nothing'}")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
