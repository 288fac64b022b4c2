"""Formats put together from smaller ones: known ranks, laws, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import parse_target, standard, strassen
from bilinear.decompositions.composition import cheapest, composed, described
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.operations import permute
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify

STRASSEN = {(2, 2, 2): strassen()}
RANKS = {(2, 2, 2): 7}


@pytest.mark.parametrize(
    ("sizes", "rank", "words"),
    [
        ((4, 4, 4), 49, "2x2x2:7 (x) 2x2x2:7"),
        ((8, 8, 8), 343, None),
        ((2, 2, 3), 11, "1x2x2:4 + 2x2x2:7"),  # Alekseyev 1985: optimal
        ((2, 2, 4), 14, "1x1x2:2 (x) 2x2x2:7"),
        ((4, 2, 6), 42, None),
        ((1, 5, 7), 35, "1x5x7:35"),
        ((3, 3, 3), 26, None),
    ],
)
def test_what_strassen_makes_of_a_format(sizes: tuple[int, int, int], rank: int, words: str | None) -> None:
    recipe = cheapest(sizes, RANKS)
    assert recipe.rank == rank
    assert words is None or described(recipe) == words
    scheme = composed(recipe, STRASSEN)
    assert scheme.rank == rank
    assert scheme.target.sizes == tuple(sorted(sizes))
    assert verify(scheme).ok


@given(st.tuples(*[st.integers(1, 6)] * 3), st.sets(st.sampled_from([(2, 2, 2), (2, 2, 3), (1, 2, 3)])))
def test_the_rank_told_is_the_rank_made(sizes: tuple[int, int, int], known: set[tuple[int, int, int]]) -> None:
    schemes: dict[tuple[int, int, int], Scheme] = {
        (2, 2, 2): strassen(),
        (2, 2, 3): composed(cheapest((2, 2, 3), RANKS), STRASSEN),
        (1, 2, 3): standard(parse_target("1x2x3")),
    }
    held = {key: schemes[key] for key in known}
    recipe = cheapest(sizes, {key: scheme.rank for key, scheme in held.items()})
    made = composed(recipe, held)
    assert made.rank == recipe.rank <= sizes[0] * sizes[1] * sizes[2]
    assert recipe.given <= known
    assert verify(made).ok
    assert recipe.rank == cheapest(sizes[::-1], {key: scheme.rank for key, scheme in held.items()}).rank


@given(st.tuples(*[st.integers(1, 8)] * 3))
def test_more_schemes_never_make_it_worse(sizes: tuple[int, int, int]) -> None:
    assert cheapest(sizes, RANKS).rank <= cheapest(sizes, {}).rank
    assert cheapest(sizes, RANKS | {(2, 3, 3): 15, (3, 3, 3): 23}).rank <= cheapest(sizes, RANKS).rank


def test_rings_are_joined_to_the_larger_one() -> None:
    halves = strassen().to(Ring.Q)
    assert composed(cheapest((4, 4, 4), RANKS), {(2, 2, 2): halves}).ring is Ring.Q


def test_a_scheme_of_the_format_itself_is_taken_as_it_is() -> None:
    turned = permute(strassen(), (1, 2, 0))
    assert composed(cheapest((2, 2, 2), RANKS), {(2, 2, 2): turned}) is turned


def test_sizes_beyond_the_table_are_refused() -> None:
    with pytest.raises(TargetError, match="2x2x33: put together are formats of sizes up to 32"):
        cheapest((33, 2, 2), RANKS)
