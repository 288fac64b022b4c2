"""The Triton kernel of a butterfly factor: by the interpreter on the CPU, and on CUDA where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed")

ROOT = Path(__file__).parents[2]
CASES = """
import itertools, torch
from bilinear.layers.butterfly.factors import mixed
from bilinear.layers.butterfly.fused import mix

def fused(x, blocks):
    a, c, j, o, b, s = blocks.shape
    right = blocks.permute(0, 2, 4, 5, 1, 3).reshape(a * j, b * s, c * o)
    return mix(x.contiguous(), right.contiguous(), c, j)

SHAPES = [(1, 2, 4, 1, 2, 1), (4, 2, 1, 1, 2, 1), (2, 3, 2, 2, 3, 1), (1, 4, 2, 5, 3, 2), (2, 8, 2, 4, 8, 4)]
generator = torch.Generator().manual_seed(0)

def normal(*shape):
    return torch.randn(*shape, generator=generator)
"""
VALUES = """
for (a, c, j, o, b, s), tokens in itertools.product(SHAPES, (1, 70)):
    x, blocks = normal(tokens, a * j * b * s).to(torch.{dtype}), normal(a, c, j, o, b, s).to(torch.{dtype})
    wanted = mixed(x.double(), blocks.double())
    error = (fused(x, blocks).double() - wanted).norm() / wanted.norm()
    assert error < {bound}, (a, c, j, o, b, s, tokens, error)
"""
GRADIENTS = """
for shape in SHAPES:
    a, c, j, o, b, s = shape
    tensors = [normal(5, a * j * b * s).requires_grad_(), normal(*shape).requires_grad_()]
    weight = normal(5, a * c * j * o)
    wanted = torch.autograd.grad((mixed(*tensors) * weight).sum(), tensors)
    found = torch.autograd.grad((fused(*tensors) * weight).sum(), tensors)
    for one, other in zip(wanted, found):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
a, c, j, o, b, s = SHAPES[3]
x = normal(5, a * j * b * s).requires_grad_()
torch.library.opcheck(mix, (x, normal(a * j, b * s, c * o).requires_grad_(), c, j))
"""
HOPPER = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from bilinear.layers.butterfly.fused import mix_kernel

constants = dict(inputs=32, children=2, width=16, K=32, M=32, TOKENS=64, WIDE=False)
sizes = dict.fromkeys(("tokens", "blocks", "nodes"), "i32")
names = mix_kernel.arg_names
types = {n: "constexpr" if n in constants else sizes.get(n, "*bf16") for n in names}
fixed = {(names.index(n),): value for n, value in constants.items()}
aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if types[n] == "*bf16"}
source = ASTSource(fn=mix_kernel, signature=types, constexprs=fixed, attrs=aligned)
assert "mma" in triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
"""


def python(code: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr


def interpreted(code: str) -> None:
    python(CASES + code, TRITON_INTERPRET="1")


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-6), ("bfloat16", 1e-2), ("float16", 2e-3)])
def test_the_interpreted_kernel_equals_the_batched_product(dtype: str, bound: float) -> None:
    interpreted(VALUES.format(dtype=dtype, bound=bound))


def test_gradients_and_what_torch_asks_of_an_operator() -> None:
    interpreted(GRADIENTS)


@pytest.mark.slow
def test_the_kernel_compiles_for_hopper(tmp_path: Path) -> None:
    python(HOPPER, TRITON_CACHE_DIR=str(tmp_path), TRITON_INTERPRET="0")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_layer_on_cuda_equals_the_one_on_the_cpu() -> None:
    from bilinear.layers import ButterflyLinear

    torch.manual_seed(0)
    layer, x = ButterflyLinear(256, 512), torch.randn(70, 256)
    wanted = layer(x)
    torch.testing.assert_close(layer.cuda()(x.cuda()).cpu(), wanted, rtol=1e-4, atol=1e-4)
