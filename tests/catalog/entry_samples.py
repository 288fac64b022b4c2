"""Entries and schemes that the tests of the catalog start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bilinear.catalog import Catalog, Provenance, dumps, entry_from_scheme
from bilinear.catalog.entries import SchemeEntry
from bilinear.catalog.text import AnyEntry
from bilinear.decompositions import Ring, Scheme, parse_target, sandwich, standard, strassen
from bilinear.decompositions.targets.file import from_dense

PROVENANCE = Provenance(
    solver="ternary-sgd",
    parameters={"learning_rate": 0.01, "batch": 1024, "schedule": ["ramp", 0.3]},
    seed=7,
    steps=5000,
    threads=2,
    cpu_seconds=0.25,
    version="0.1.0",
    command="bilinear search 2x2x2 --rank 7 --solver ternary-sgd --seed 7 --budget 5000steps",
)
HUGE = st.integers(min_value=-(2**4000), max_value=2**4000)
BIG = st.integers(min_value=-(2**54), max_value=2**54)


def entry_of(scheme: Scheme) -> SchemeEntry:
    return entry_from_scheme(scheme, PROVENANCE)


def strassen_entry() -> SchemeEntry:
    return entry_of(strassen())


def another_strassen(step: int) -> Scheme:
    """A scheme of 2x2x2 of rank 7, different for each step: Strassen's in another basis."""
    return sandwich(strassen(), [[1, step], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]])


def wrong_strassen() -> Scheme:
    """Strassen's products with one coefficient changed."""
    s = strassen()
    w = np.array(s.w)
    w[0, 0] = -1
    return Scheme(s.target, s.ring, s.u, s.v, w)


def small_file_target() -> Any:
    """A `file:` target with a value above 1."""
    return from_dense("file:map.npy", np.array([[[1, 0], [0, 2]], [[0, 0], [-1, 0]], [[0, 3], [0, 0]]]))


def written(tmp_path: Path, change: Callable[[bytes], bytes], entry: AnyEntry | None = None) -> Path:
    """A file whose bytes were changed after it was written."""
    path = tmp_path / "entry.json"
    before = dumps(entry or strassen_entry())
    after = change(before)
    assert after != before
    path.write_bytes(after)
    return path


def users_catalog(root: Path) -> Catalog:
    """A catalog with nothing shipped."""
    return Catalog(root, shipped=None)


def leftovers(root: Path) -> list[Path]:
    return list(root.rglob(".tmp-*"))


@st.composite
def any_schemes(draw: st.DrawFn) -> Scheme:
    """Well formed schemes over every coefficient set, seldom right ones."""
    ring = draw(st.sampled_from(list(Ring)))
    target = draw(st.sampled_from([parse_target("1x2x2"), parse_target("2x1x1"), small_file_target()]))
    rank = draw(st.integers(0, 3))
    low, high = {Ring.ZT: (-1, 1), Ring.F2: (0, 1), Ring.F3: (0, 2)}.get(ring, (0, 0))
    numbers = st.integers(low, high) if high else st.one_of(st.just(0), st.integers(-3, 3), BIG, HUGE)
    u, v, w = (draw(_arrays(numbers, rank, side)) for side in target.shape)
    denominators = imag = None
    if ring in (Ring.Q, Ring.QI) and draw(st.booleans()):
        positive = st.one_of(st.integers(1, 6), st.integers(2**53 - 1, 2**53 + 1))
        denominators = np.array(draw(st.lists(positive, min_size=rank, max_size=rank)), dtype=object)
    if ring is Ring.QI and draw(st.booleans()):
        a, b, c = (draw(_arrays(numbers, rank, side)) for side in target.shape)
        imag = (a, b, c)
    return Scheme(target, ring, u, v, w, denominators, imag)  # type: ignore[arg-type]  # None: ones


@st.composite
def _arrays(draw: st.DrawFn, numbers: st.SearchStrategy[int], rank: int, side: int) -> Any:
    values = draw(st.lists(numbers, min_size=rank * side, max_size=rank * side))
    array = np.empty(rank * side, dtype=object)
    array[:] = values
    return array.reshape(rank, side)


def file_scheme() -> Scheme:
    return standard(small_file_target())
