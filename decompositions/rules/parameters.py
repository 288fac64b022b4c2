"""What rules ask of their parts and parameters, which come from files of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.scheme import Scheme

LARGEST_NUMBER = 1 << 20


def only(parts: Sequence[Scheme]) -> Scheme:
    """The one part.

    Raises:
        RecipeError: If there are more.
    """
    (part,) = several(parts, 1)
    return part


def several(parts: Sequence[Scheme], count: int) -> Sequence[Scheme]:
    """The parts, as many as the rule takes.

    Raises:
        RecipeError: If there are more or fewer.
    """
    if len(parts) != count:
        raise RecipeError(f"{len(parts)} parts given; {count} {'is' if count == 1 else 'are'} needed")
    return parts


def table(value: object, depth: int, what: str) -> Any:
    """Lists of whole numbers, nested `depth` deep; the number itself at depth 0.

    Raises:
        RecipeError: If it is something else, or a number is beyond 2^20.
    """
    if depth:
        if not isinstance(value, list):
            raise RecipeError(f"{what}: {str(value)[:40]!r}; a list is needed")
        return [table(part, depth - 1, what) for part in value]
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
        raise RecipeError(f"{what}: {str(value)[:40]!r}; a whole number of at most 2^20 is needed")
    return value
