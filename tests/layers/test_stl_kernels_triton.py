"""The Triton kernels: by the interpreter on the CPU, compiled for a Hopper chip, and on CUDA where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed")

FOLDER = Path(__file__).parent
BEGIN = f"import sys; sys.path[:0] = [{str(FOLDER)!r}, {str(FOLDER.parents[1])!r}]; import torch\n"
IMPORTS = "import stl_kernel_cases as cases\nfrom bilinear.layers.kernels.triton_ops import TRITON\n"

HOPPER = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from bilinear.layers.kernels import triton_code

sizes = dict.fromkeys(("rows", "columns", "rank", "new_rank", "kept_rows", "kept_columns"), "i32")
constants = dict(a=4, b=4, A=4, B=4, R=32, S=32, BLOCK=128, WIDE=False, BIASED=True, ACTIVATION="gelu")
for kernel in (triton_code.encode_kernel, triton_code.decode_kernel, triton_code.recode_kernel):
    names = kernel.arg_names
    types = {n: "constexpr" if n in constants else sizes.get(n, "*bf16") for n in names}
    fixed = {(names.index(n),): value for n, value in constants.items() if n in names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if types[n] == "*bf16" or n == "columns"}
    source = ASTSource(fn=kernel, signature=types, constexprs=fixed, attrs=aligned)
    ptx = triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    print("mma" in ptx, "ld.global.v2.b32" in ptx, "st.global.v" in ptx)
"""


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "dtype", ["float32", *(pytest.param(dtype, marks=pytest.mark.slow) for dtype in ("bfloat16", "float16"))]
)
def test_the_interpreted_kernels_equal_torch(dtype):
    python(f"{IMPORTS}cases.check_values(TRITON, torch.{dtype})", TRITON_INTERPRET="1")


def test_torch_accepts_the_operators_and_their_gradients():
    code = f"{IMPORTS}cases.check_operators(TRITON)\ncases.check_gradients(TRITON, torch.float32)"
    python(code, TRITON_INTERPRET="1")


@pytest.mark.slow
def test_the_kernels_compile_for_hopper(tmp_path):
    found = python(HOPPER, TRITON_CACHE_DIR=str(tmp_path), TRITON_INTERPRET="0")
    assert found.split() == ["True"] * 9, "tensor cores, and loads and stores of neighbouring numbers at once"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_kernels_on_cuda():
    code = (
        f"{IMPORTS}from bilinear.layers.kernels.dispatch import TRITON_DTYPES\n"
        "draw = cases.normal\ncases.normal = lambda *s, **k: draw(*s, **k).cuda()\n"
        "for dtype in TRITON_DTYPES: cases.check_values(TRITON, dtype)\n"
        "cases.check_gradients(TRITON, torch.float32)"
    )
    python(code, TRITON_INTERPRET="0")
