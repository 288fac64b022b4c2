"""The closure: published ranks it must reach, laws it must keep, and every recipe built and proved."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import content_hash, standard, strassen
from bilinear.decompositions.atlas.bases import changed
from bilinear.decompositions.atlas.closure import Closure, close, every_format, improved
from bilinear.decompositions.atlas.gains import gains
from bilinear.decompositions.atlas.outers import Outer, outers, partitions
from bilinear.decompositions.atlas.table import atlas, from_document, to_document
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import hopcroft_kerr
from bilinear.decompositions.rules.recipe import RecipeError, Step, build
from bilinear.decompositions.rules.support import SIDES
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify import verify

STRASSEN = Step("leaf", (2, 2, 2), 7, hash=content_hash(strassen()))


def leaf(sizes: Sizes, rank: int) -> Step:
    """A scheme that somebody has."""
    return Step("leaf", sizes, rank, hash=f"{rank:064x}")


def of_strassen(ring: Ring = Ring.ZT) -> list[Outer]:
    return list(outers([STRASSEN], strassen().to(ring), ring))


def closed(ring: Ring, largest: int, leaves: Sequence[Step] = (STRASSEN,), more: Sequence[Outer] = ()) -> Closure:
    return close(ring, largest, leaves, [*of_strassen(ring), *more])


def held(content: str) -> Scheme:
    return {STRASSEN.hash: strassen()}[content]


@pytest.mark.parametrize("ring", [Ring.ZT, Ring.Z, Ring.F2])
def test_pairs_pay_where_cubes_are_dear(ring: Ring) -> None:
    found = atlas(close(ring, 14, [STRASSEN, leaf((7, 7, 7), 250)], []))
    line = found.line((14, 14, 14))
    assert (line.step.rule, line.step.rank) == ("pairs", 3 * 490 + 250)
    assert line.rank({(2, 2, 2): 7, (7, 7, 7): 249}) == line.step.rank - 1


@pytest.mark.parametrize("ring", [Ring.ZT, Ring.Q, Ring.F2])
def test_every_recipe_is_what_it_says(ring: Ring) -> None:
    pairs = hopcroft_kerr.build(2, 2, 4, ring)
    more = list(outers([Step("hopcroft-kerr", (2, 2, 4), 14)], pairs, ring))
    found = atlas(closed(ring, 7, more=more))
    rules = set()
    for sizes, line in found.lines.items():
        recipe = found.recipe(sizes)
        scheme = build(recipe, held)
        rules.add(line.step.rule)
        assert (scheme.target.sizes, scheme.rank, scheme.ring) == (sizes, found.rank(sizes), ring)
        assert verify(scheme).ok
    assert rules >= {"blocks", "leaf", "split", "standard", "hopcroft-kerr"}


def test_published_ranks_that_follow_from_leaves() -> None:
    small = [leaf((3, 3, 4), 29), leaf((3, 4, 4), 38), STRASSEN, leaf((3, 3, 3), 23), leaf((3, 3, 6), 40)]
    assert closed(Ring.Q, 7, small).rank((7, 7, 7)) == 250  # A. Sedoglavic
    assert closed(Ring.Q, 7, [*small, leaf((4, 4, 4), 48)]).rank((7, 7, 7)) == 249
    naive = list(outers([Step("standard", (2, 2, 2), 8)], standard(matmul(2, 2, 2)), Ring.Q))
    assert close(Ring.Q, 6, small, naive).rank((6, 6, 6)) == 160  # 4 of 3x3x6, less than 7 of 3x3x3
    assert closed(Ring.Q, 4).rank((4, 4, 4)) == 49


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(every_format(6)), st.integers(1, 3))
def test_a_better_leaf_is_as_if_it_had_been_there(sizes: Sizes, less: int) -> None:
    first = closed(Ring.ZT, 6)
    better = leaf(sizes, max(1, first.rank(sizes) - less))
    anew, updated = closed(Ring.ZT, 6, [STRASSEN, better]), improved(first, better)
    assert (anew.ranks == updated.ranks).all()
    assert (updated.ranks <= first.ranks).all()
    assert improved(first, leaf(sizes, first.rank(sizes))) is first
    updated_table = atlas(updated)
    for other in every_format(6):
        assert updated_table.recipe(other).rank == updated.rank(other)


def swapped(rows: list[list[int]], sides: tuple[int, int]) -> list[list[int]]:
    """The two blocks along one size exchanged."""
    other = [0, 2, 1, 3]
    return [[other[x] if side in sides else x for side, x in enumerate(row)] for row in rows]


def test_support_patterns_of_strassen_are_counted_as_elsewhere() -> None:
    """Under bases of -1, 0 and 1, in every order of the blocks; and the ternary ones among them."""
    for ring, patterns in ((Ring.Q, 284), (Ring.ZT, 36)):
        seen = set()
        for _, scheme in changed(strassen(), ring):
            found = [next(outers([STRASSEN], scheme, ring)).masks.tolist()]
            for sides in SIDES:
                found += [swapped(rows, sides) for rows in found]
            seen.update(tuple(sorted(map(tuple, rows))) for rows in found)
        assert len(seen) == patterns


def test_what_falls_if_a_leaf_falls() -> None:
    found = gains(atlas(closed(Ring.ZT, 4)))
    best = next(gain for gain in found if gain.leaf.sizes == (2, 2, 2))
    fallen = closed(Ring.ZT, 4, [leaf((2, 2, 2), 6)])
    whole = closed(Ring.ZT, 4)
    lost = [whole.rank(sizes) - fallen.rank(sizes) for sizes in every_format(4) if sizes != (2, 2, 2)]
    assert 0 < best.formats <= sum(loss > 0 for loss in lost)
    assert 0 < best.products <= sum(lost)


def test_an_atlas_is_the_same_in_json() -> None:
    found = atlas(closed(Ring.F2, 5))
    again = from_document(json.loads(json.dumps(to_document(found))))
    assert again == found


def test_partitions_are_partitions() -> None:
    table, rows = partitions()
    for count in range(1, 33):
        for size in range(count, 33):
            first, many = table[count, size]
            part = rows[first : first + many]
            assert many
            assert (part[:, :count] > 0).all()
            assert (part.sum(axis=1) == size).all()
            assert not part[:, count:].any()


def test_sizes_beyond_are_refused() -> None:
    with pytest.raises(TargetError, match="an atlas up to 33: sizes from 1 to 32 are closed"):
        close(Ring.Q, 33, [], [])
    with pytest.raises(RecipeError, match="2x2x5: this atlas holds sizes from 1 to 4"):
        atlas(closed(Ring.ZT, 4)).recipe((5, 2, 2))
