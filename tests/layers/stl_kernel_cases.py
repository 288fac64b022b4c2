"""What every family of kernels must do, whoever computes: the compiled ones here, Triton's in a process of its own."""

from __future__ import annotations

import torch
from layer_cases import normal
from torch import Tensor
from torch.autograd import gradcheck
from torch.library import opcheck

from bilinear.layers.kernels import ACTIVATIONS, plain
from bilinear.layers.kernels.registration import Family

CASES = [(4, 4, 3, 130, 24), (2, 3, 2, 5, 7), (3, 5, 2, 9, 17), (1, 1, 1, 257, 1), (4, 4, 2, 9, 70)]
"""(a, b, rows and columns of tiles, rank): one and several blocks, sides and ranks that are no powers of two."""

ROUNDING = {torch.float64: 1e-15, torch.float32: 5e-7, torch.float16: 1e-3, torch.bfloat16: 1e-2}


def near(found: Tensor, expected: Tensor) -> None:
    """Whether a result is that of float64, relative to its norm."""
    assert found.shape == expected.shape
    assert float((found.double() - expected).norm()) <= ROUNDING[found.dtype] * float(expected.norm())


def check_values(family: Family, dtype: torch.dtype) -> None:
    """Every operator and activation against torch's own operations in float64."""
    for a, b, rows, columns, rank in CASES:
        x, bias = normal(rows * a, columns * b, dtype=dtype), normal(columns * b, dtype=dtype, seed=1)
        u, w, v = (normal(*shape, dtype=dtype, seed=2) for shape in ((rank, a * b), (a * b, rank), (rank + 3, a * b)))
        hat = family.encode(x, u, a, b)
        near(hat, plain.encode(x.double(), u.double(), (a, b)))
        wide, shape = (hat.double(), w.double(), (a, b)), (rows * a - 1, columns * b - 2)
        for added in (None, bias):
            same = None if added is None else added.double()
            for activation in ACTIVATIONS:
                near(family.decode(hat, w, a, b, added, activation), plain.decode(*wide, same, activation))
            found = family.recode(hat, w, a, b, added, "silu", v, *shape)
            if min(shape) > 0:
                near(found, plain.recode(*wide, same, "silu", v.double(), shape))


def check_operators(family: Family) -> None:
    """torch's own checks: schema, shapes without data, autograd, the compiler."""
    x, u, hat, w, bias, v = (t.float().requires_grad_() for t in operands())
    assert set(opcheck(family.encode, (x, u, 2, 3)).values()) == {"SUCCESS"}
    for activation in ("none", "gelu"):
        assert set(opcheck(family.decode, (hat, w, 2, 3, bias, activation)).values()) == {"SUCCESS"}
    assert set(opcheck(family.recode, (hat, w, 2, 3, bias, "gelu", v, 5, 7)).values()) == {"SUCCESS"}


def check_gradients(family: Family, dtype: torch.dtype) -> None:
    """Against differences, or in float32 against torch's own operations in float64."""
    x, u, hat, w, bias, v = (t.requires_grad_() for t in operands())
    calls = [
        (lambda f, *t: f.encode(*t, 2, 3), lambda *t: plain.encode(*t, (2, 3)), (x, u)),
        (
            lambda f, h, d, c, e: f.recode(h, d, 2, 3, c, "gelu", e, 5, 7),
            lambda h, d, c, e: plain.recode(h, d, (2, 3), c, "gelu", e, (5, 7)),
            (hat, w, bias, v),
        ),
    ]
    for name in ACTIVATIONS:
        calls.append(
            (
                lambda f, h, d, c, k=name: f.decode(h, d, 2, 3, c, k),
                lambda h, d, c, k=name: plain.decode(h, d, (2, 3), c, k),
                (hat, w, bias),
            )
        )
    for kernel, expected, inputs in calls:
        if dtype == torch.float64:
            assert gradcheck(lambda *t, k=kernel: k(family, *t), inputs)
        narrow = [t.detach().to(dtype).requires_grad_() for t in inputs]
        weights = expected(*inputs).detach().cos()
        wanted = torch.autograd.grad((expected(*inputs) * weights).sum(), inputs)
        found = torch.autograd.grad((kernel(family, *narrow) * weights.to(dtype)).sum(), narrow)
        for one, other in zip(found, wanted, strict=True):
            near(one, other)


def operands() -> list[Tensor]:
    """Matrix, encoder, products, decoder, bias and the next encoder, for tiles of 2 x 3 and rank 4."""
    shapes = ((6, 9), (4, 6), (4, 3, 3), (6, 4), (9,), (5, 6))
    return [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
