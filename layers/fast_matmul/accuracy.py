"""How far a fast product, and torch's own, are from the product in float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bilinear.decompositions import Scheme
from bilinear.decompositions.programs import SchemeProgram
from bilinear.layers.fast_matmul.matmul import fast_matmul


@dataclass(frozen=True)
class Accuracy:
    """Errors against `torch.matmul` in float64, relative to its norm; `str` gives one line.

    Attributes:
        fast: `||C' - C||_F / ||C||_F` of `fast_matmul`.
        torch: Likewise of `torch.matmul` in the same dtype.
        fast_max: Largest `|C' - C|` over largest `|C|`, of `fast_matmul`.
        torch_max: Likewise of `torch.matmul`.
    """

    fast: float
    torch: float
    fast_max: float
    torch_max: float

    def __str__(self) -> str:
        return f"relative error against float64: {self.fast:.2e}, torch.matmul's {self.torch:.2e}"


@torch.no_grad()
def measure_accuracy(
    a: Tensor, b: Tensor, scheme: Scheme, levels: int = 1, program: SchemeProgram | None = None
) -> Accuracy:
    """Multiply three times: by the scheme, by torch, and by torch in float64.

    Args:
        a: As for `fast_matmul`.
        b: Likewise.
        scheme: Likewise.
        levels: Likewise.
        program: Likewise.

    Raises:
        BilinearError: As `fast_matmul`.
    """
    found = fast_matmul(a, b, scheme, levels, program), torch.matmul(a, b)
    exact = torch.matmul(a.double(), b.double())
    norm, largest = (float(exact.norm()), float(exact.abs().max())) if exact.numel() else (0.0, 0.0)
    errors = [(c.double() - exact) for c in found]
    norms = [_ratio(float(e.norm()), norm) for e in errors]
    maxima = [_ratio(float(e.abs().max()) if e.numel() else 0.0, largest) for e in errors]
    return Accuracy(*norms, *maxima)


def _ratio(error: float, size: float) -> float:
    return error / size if size else (float("inf") if error else 0.0)
