"""The registry of facts: it names families of targets only, and one that it does not name has a bound too."""

import pytest

from bilinear.decompositions import TARGETS, Ring, Target, parse_target
from bilinear.decompositions.facts import FACTS, Facts, known_ranks, lower_bounds


def renamed(target: Target, name: str) -> Target:
    return Target(name, target.sizes, target.shape, target.indices, target.values, target.names)


@pytest.mark.parametrize("name", FACTS.names())
def test_each_entry_is_the_facts_of_a_family(name: str) -> None:
    assert name in TARGETS
    assert isinstance(FACTS.load(name), Facts)


def test_every_family_of_targets_is_named_but_those_that_are_other_names() -> None:
    assert sorted({*FACTS.names(), "circulant", "convolution", "gf"}) == sorted(TARGETS.names())


def test_a_family_that_is_not_named_has_the_bound_of_every_map() -> None:
    target = renamed(parse_target("3x3x3"), "unheard:3x3x3")
    assert [bound.rank for bound in lower_bounds(target, Ring.Q)] == [9]
    assert known_ranks(target) == []


def test_bounds_fall_and_ranks_rise() -> None:
    target = parse_target("polymul:5x7")
    bounds, known = [fact.rank for fact in lower_bounds(target)], [fact.rank for fact in known_ranks(target)]
    assert bounds == sorted(bounds, reverse=True)
    assert known == sorted(known)
    assert all(Ring.F2 in fact.rings for fact in (*lower_bounds(target, Ring.F2), *known_ranks(target, Ring.F2)))
