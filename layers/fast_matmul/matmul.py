"""`torch.matmul`, computed with an exact scheme: what is given or chosen, checked before anything is computed."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bilinear.decompositions import Scheme
from bilinear.decompositions.programs import SchemeProgram
from bilinear.layers.checks import require_float
from bilinear.layers.errors import LayerError
from bilinear.layers.fast_matmul.choice import choose
from bilinear.layers.fast_matmul.plan import plan_of
from bilinear.layers.fast_matmul.product import broadcast, multiply


@torch.compiler.disable  # type: ignore[untyped-decorator]
def fast_matmul(
    a: Tensor,
    b: Tensor,
    scheme: Scheme | None = None,
    levels: int | Literal["auto"] = 1,
    program: SchemeProgram | None = None,
) -> Tensor:
    """`torch.matmul(a, b)`, computed with an exact scheme; gradients of any order are computed with it too.

    The scheme multiplies a grid of n^levels x m^levels x p^levels blocks. Rows and columns that no block covers are
    peeled off and multiplied by torch, so any size will do. The workspace is about half the memory of a, b and the
    result, or one block of each where that is more; on other devices than the CPU at least rank blocks of each.

    Args:
        a: Shape (..., M, K); leading axes are broadcast against those of b.
        b: Shape (..., K, N), of the same dtype and on the same device.
        scheme: A verified scheme of n x m x p over `zt`, `z` or `q`; it is not verified again here. None leaves scheme
            and levels to `choose`, which takes `torch.matmul` where no scheme is faster.
        levels: How many times the scheme is applied; 0 is `torch.matmul`. `auto` asks `choose`.
        program: How the sums of one level are made: one that a catalog keeps with the scheme, say, or
            `plain_program(scheme)`, which shares none. It is compared with the scheme when it is first used. If None,
            `short_program(scheme)`.

    Returns:
        Shape (..., M, N). The error is that of the dtype, larger than `torch.matmul`'s by a factor that grows with the
        levels; `measure_accuracy` measures it.

    Raises:
        LayerError: If shapes, dtypes or devices do not fit each other, a dtype is not floating, `levels` is negative,
            the scheme is no exact real one of matrix multiplication, it has too many products, or the program is in an
            alternative basis.
        ProgramError: If the program is of another scheme.
    """
    _check(a, b, 0 if levels == "auto" else levels)
    if scheme is None and program is not None:
        raise LayerError("fast_matmul: a program without its scheme; give both")
    if scheme is None or levels == "auto":
        found = choose(_sizes(a, b), a.dtype, a.device, None if scheme is None else (scheme,))
        scheme, levels = found.scheme or scheme, found.levels
    if scheme is None:
        return torch.matmul(a, b)
    plan = plan_of(scheme, levels, program)
    if levels == 0 or 0 in (*a.shape, *b.shape):
        return torch.matmul(a, b)
    return multiply(a, b, plan)


def _sizes(a: Tensor, b: Tensor) -> tuple[int, int, int]:
    """M, K and N of the matrices that are multiplied at once: one b for all rows of a, or pairs of matrices."""
    rows = a.shape[:-1].numel() if b.ndim == 2 else a.shape[-2]
    return rows, a.shape[-1], b.shape[-1]


def _check(a: Tensor, b: Tensor, levels: int) -> None:
    shapes = f"fast_matmul of shapes {tuple(a.shape)} and {tuple(b.shape)}"
    if a.ndim < 2 or b.ndim < 2:
        raise LayerError(f"{shapes}: both need at least two axes; add one with unsqueeze")
    if a.shape[-1] != b.shape[-2]:
        raise LayerError(f"{shapes}: the inner sizes {a.shape[-1]} and {b.shape[-2]} must agree")
    try:
        broadcast(a, b)
    except RuntimeError:
        raise LayerError(f"{shapes}: the leading axes cannot be broadcast; make them equal or 1") from None
    if a.device != b.device:
        raise LayerError(f"fast_matmul of tensors on {a.device} and {b.device}; move one to the other's device")
    if a.dtype != b.dtype:
        raise LayerError(f"fast_matmul of {a.dtype} and {b.dtype}; convert one")
    require_float("fast_matmul of", a.dtype)
    if isinstance(levels, bool) or not isinstance(levels, int) or levels < 0:
        raise LayerError(f"fast_matmul at {levels!r} levels; a whole number of at least 0 is needed")
