"""The rules of cuts and span reduction: what they make of a part, and what a recipe must not ask of them."""

from typing import Any

import pytest

from bilinear.decompositions import Ring, standard, strassen, verify
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.rules import cut, span
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.targets.matmul import matmul


def test_a_part_is_cut_along_a_line() -> None:
    smaller = cut.build((2, 2, 1), Ring.ZT, [strassen()], axis="p", form=[1, 0], line=[1, 1])
    assert smaller.target.sizes == (2, 2, 1)
    assert verify(smaller).ok
    assert span.build((2, 2, 1), Ring.ZT, [smaller]).rank == 4


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"axis": "x", "form": [1, 0], "line": [1, 0]}, "axis 'x'; n, m or p is needed"),
        ({"axis": "n", "form": [1, 0], "line": [0, 1]}, "the form vanishes on the line"),
        ({"axis": "n", "form": [1], "line": [0, 1]}, "a form and a line of 2 numbers are needed"),
        ({"axis": "n", "form": "10", "line": [0, 1]}, "form: '10'; a list is needed"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        cut.build((1, 2, 2), Ring.ZT, [strassen()], **parameters)


def test_nothing_is_cut_off_a_size_of_one() -> None:
    with pytest.raises(RecipeError, match="1x2x2 has nothing to cut along n"):
        cut.build((1, 2, 2), Ring.ZT, [standard(matmul(1, 2, 2))], axis="n", form=[1], line=[1])


def test_a_cut_that_leaves_the_ring_is_refused() -> None:
    with pytest.raises(RingError):
        cut.build((1, 2, 2), Ring.ZT, [strassen()], axis="n", form=[2, 1], line=[1, 3])


def test_rules_take_one_part() -> None:
    with pytest.raises(RecipeError, match="2 parts given; 1 is needed"):
        span.build((2, 2, 2), Ring.ZT, [strassen(), strassen()])
