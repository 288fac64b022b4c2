"""Changes of basis of 2x2x2 under which its products touch other blocks: 284 patterns for Strassen's seven products."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.recipe import Step
from bilinear.decompositions.scheme import Scheme

Rows = list[list[int]]


def changed(scheme: Scheme, ring: Ring) -> Iterator[tuple[Step, Scheme]]:
    """A scheme of 2x2x2 in other bases, where the ring still holds it, with the step that makes each.

    Args:
        scheme: Of 2x2x2.
        ring: The coefficient set.
    """
    for left, middle, right in itertools.product(_bases(), repeat=3):
        try:
            other = normal_form(sandwich(scheme, left, middle, right)).to(ring)
        except SchemeError:  # singular modulo 2, or no longer ternary
            continue
        parameters = {"left": left, "middle": middle, "right": right}
        yield Step("basis", (2, 2, 2), scheme.rank, parameters=parameters), other


def _bases() -> list[Rows]:
    """Invertible matrices of -1, 0 and 1, one of those that differ by the order and signs of their rows."""
    rows = [(0, 1), (1, -1), (1, 0), (1, 1)]
    return [[list(one), list(two)] for one, two in itertools.combinations(rows, 2)]
