"""Growth factors and measured errors as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bilinear.commands.words.table import table
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.stability import Growth


def accuracy_as_lines(
    scheme: Scheme, before: Growth, after: Growth, infimum: float | None, errors: Sequence[Any]
) -> list[str]:
    """Growth factors and measured errors for people.

    Args:
        scheme: In the basis that was measured.
        before: Growth in the basis that was asked about.
        after: Growth of the scheme.
        infimum: The lowest gamma met over the real changes of basis; None where none was searched.
        errors: Rows with `dtype`, `levels`, `fast`, `torch`.
    """
    change = "" if infimum is None else f" (was {before.gamma:.4f}; lowest met over the reals {infimum:.4f})"
    lines = [
        f"{scheme.target.short}, rank {scheme.rank} over {scheme.ring}",
        f"gamma      {after.gamma:.4f}{change}",
        f"emax       {after.emax:g}",
        f"qmax       {after.qmax}",
        f"nonzeros   {after.nonzeros}",
    ]
    rows = [(row.dtype, str(row.levels), f"{row.fast:.2e}", f"{row.torch:.2e}") for row in errors]
    return [*lines, *table(("floats", "levels", "error", "torch.matmul"), rows)]
