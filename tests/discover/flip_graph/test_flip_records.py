"""A walk that is rebuilt from its two schemes, its orders and its counters makes the flips that it would have made."""

import dataclasses

import numpy as np
import pytest
from flip_cases import RINGS, rows

from bilinear.discover.solvers.flip_graph.orbits import orbit_rows
from bilinear.discover.solvers.flip_graph.records import WalkRecord, rebuilt, recorded
from bilinear.discover.solvers.flip_graph.walking import Factors, Settings, current, start, walk

RESTLESS = Settings(plus_min=20, plus_max=200, plus_diff=3)


def factors(name: str) -> Factors:
    """The standard algorithm, or one row of each of its orbits."""
    if "orbits" in name:
        n = int(name[-1])
        return orbit_rows(n, tuple((i,) for i in range(n)), orbit_of(name))
    return rows(name)


def orbit_of(name: str) -> int:
    """Products that a row stands for."""
    return 1 if "orbits" not in name else 6 if name.startswith("reflected") else 3


def assert_same(one: WalkRecord, two: WalkRecord) -> None:
    for field in dataclasses.fields(WalkRecord):
        assert np.array_equal(getattr(one, field.name), getattr(two, field.name)), field.name


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("name", ["2x2x2", "2x3x3", "3x3x3", "orbits of 2", "orbits of 3", "reflected orbits of 4"])
def test_a_rebuilt_walk_goes_on_as_the_one_that_was_recorded(ring: str, name: str) -> None:
    rng = np.random.default_rng(1)
    for seed in range(3):
        whole, parts = (start(factors(name), ring, seed, RESTLESS, orbit_of(name)) for _ in range(2))
        for _ in range(5):
            flips = int(rng.integers(1, 20_000))
            walk(whole, flips)
            walk(parts, flips)
            assert_same(recorded(whole), recorded(parts))
            parts = rebuilt(recorded(parts))
            assert_same(recorded(whole), recorded(parts))
            assert all(np.array_equal(x, y) for x, y in zip(current(whole), current(parts), strict=True))


def test_a_record_is_rebuilt_whatever_it_holds_or_refused() -> None:
    state = start(rows("2x2x3"), "zt", 5, RESTLESS)
    walk(state, 3000)
    record = recorded(state)
    turned = dataclasses.replace(record, entered=record.entered[::-1].copy(), active=record.active[::-1].copy())
    walk(rebuilt(turned), 3000)
    for change, reason in (
        ({"v": record.v[1:]}, "do not fit together"),
        ({"orbit": 3}, "cannot rotate"),
        ({"orbit": 2}, "stands for none or too many"),
        ({"capacity": 3}, "more rows than room"),
        ({"counters": record.counters[1:]}, "do not fit together"),
        ({"best": np.zeros_like(record.best)}, "a factor of the walk is zero"),
        ({"active": record.active[1:]}, "draws flips from factors that none equals"),
    ):
        with pytest.raises(ValueError, match=reason):
            rebuilt(dataclasses.replace(record, **change))  # type: ignore[arg-type]
