"""Growth factors and measured errors as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bilinear.commands.words.table import table
from bilinear.decompositions.evaluation.filtering import FAMILY, is_filter, points_of
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
    filters = scheme.target.family == FAMILY
    heads = ("axes", "torch.conv") if filters else ("levels", "torch.matmul")
    return [*lines, *points_as_lines(scheme), *table(("floats", heads[0], "error", heads[1]), rows)]


def points_as_lines(scheme: Scheme) -> list[str]:
    """Where a filter's scheme evaluates; nothing of other schemes."""
    points = points_of(scheme) if is_filter(scheme) else None
    return [] if points is None else [f"{'points':10} {', '.join(points)}"]
