"""Entries round trip: bytes for bytes, coefficient for coefficient."""

from __future__ import annotations

import json

import numpy as np
import pytest
from entry_samples import PROVENANCE, any_schemes, entry_of, file_scheme, small_file_target, strassen_entry
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.catalog import (
    CatalogError,
    Lineage,
    dumps,
    entry_from_approximation,
    loads,
    prove,
    to_approximation,
    to_scheme,
)
from bilinear.catalog.entries import ApproximationEntry, SchemeEntry
from bilinear.decompositions import Approximation, Scheme, content_hash, parse_target, strassen, verify


def same(first: Scheme, second: Scheme) -> bool:
    """Equal in every part; an imaginary part of zeros is none."""
    for (real, imag), (other, other_imag) in zip(first.parts, second.parts, strict=True):
        zero = np.zeros(real.shape, dtype=np.int64)
        pairs = ((real, other), (zero if imag is None else imag, zero if other_imag is None else other_imag))
        if not all(a.shape == b.shape and (a == b).all() for a, b in pairs):
            return False
    denominators = (first.denominators == second.denominators).all()
    return first.target == second.target and first.ring == second.ring and bool(denominators)


@settings(max_examples=60, deadline=None)
@given(any_schemes())
def test_a_scheme_survives_being_written_and_read(scheme: Scheme) -> None:
    entry = entry_of(scheme)
    data = dumps(entry)
    again = loads(data, "test")
    assert again == entry
    assert dumps(again) == data
    assert isinstance(again, SchemeEntry)
    assert again == SchemeEntry.model_validate_json(data), "what is built from a scheme keeps to every rule"
    written = json.loads(data)
    for factor in "uvw":
        rows = [json.dumps(row, separators=(",", ":")) for row in written[factor]]
        assert (",\n".join(rows)).encode() in data
    assert same(to_scheme(again), scheme)
    assert again.hash == content_hash(scheme)


def test_written_bytes_are_plain_and_end_with_a_newline() -> None:
    data = dumps(strassen_entry())
    assert data.endswith(b"}\n")
    assert data.count(b"\n[[0,1],[3,1]],\n") == 3, "one product a line"
    assert list(json.loads(data)) == [
        *("format_version", "kind", "target", "ring", "rank", "hash", "u", "v", "w"),
        *("provenance", "lineage", "verification"),
    ]


def test_verifications_are_kept_without_their_times() -> None:
    from bilinear.catalog import entry_from_scheme

    checks = [verify(strassen()), verify(strassen(), "symbolic")]
    entry = entry_from_scheme(strassen(), PROVENANCE, Lineage(), checks)
    assert [known.method for known in entry.verification] == ["exact", "symbolic"]
    assert b"seconds" not in dumps(entry).replace(b"cpu_seconds", b"")


def test_a_file_target_is_carried_inside_and_under_its_last_name_only() -> None:
    entry = entry_of(file_scheme())
    assert entry.target.name == "file:map.npy"
    assert entry.target.key == small_file_target().key
    assert to_scheme(entry).target == small_file_target()
    prove(entry, "test")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=12, max_size=12))
def test_an_approximation_survives_float_for_float(numbers: list[float]) -> None:
    target = parse_target("1x1x2")
    u, v, w = np.array(numbers[:2]), np.array(numbers[2:6]), np.array(numbers[6:10])
    approximation = Approximation(target, u.reshape(2, 1), v.reshape(2, 2), w.reshape(2, 2))
    if approximation.residual >= 1:
        with pytest.raises(CatalogError, match="no better than zero factors"):
            entry_from_approximation(approximation, PROVENANCE)
        return
    entry = entry_from_approximation(approximation, PROVENANCE)
    again = loads(dumps(entry), "test")
    assert isinstance(again, ApproximationEntry)
    assert dumps(again) == dumps(entry)
    for one, two in zip(to_approximation(again).factors, approximation.factors, strict=True):
        assert one.tobytes() == two.tobytes()
    assert prove(again, "test").verification.ok
