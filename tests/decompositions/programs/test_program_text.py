"""Programs as JSON: round trips, and one line for everything that can be wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import verified_schemes

from bilinear.decompositions import Ring, Scheme, strassen, winograd
from bilinear.decompositions.programs import ProgramError, Strategy, short_program
from bilinear.decompositions.programs.basis import rebased_program
from bilinear.decompositions.programs.text import dumps, loads

REAL = tuple(ring for ring in Ring if ring is not Ring.QI)
GOOD = dumps(short_program(strassen()))


@given(scheme=verified_schemes(rings=REAL))
def test_a_program_survives_writing_and_reading(scheme: Scheme) -> None:
    program = short_program(scheme, Strategy(rounds=4))
    data = dumps(program)
    assert loads(data, "file", scheme) == program
    assert dumps(loads(data, "file", scheme)) == data


def test_a_program_in_another_basis_survives() -> None:
    program = rebased_program(strassen(), restarts=2)
    assert loads(dumps(program), "file", strassen()) == program


@given(cut=st.integers(0, len(GOOD) - 3))
def test_a_cut_file_is_refused(cut: int) -> None:
    with pytest.raises(ProgramError, match=r"^file: no JSON"):
        loads(GOOD[:cut], "file", strassen())


@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProgramError, match=r"^file: "):
        loads(data, "file", strassen())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "scheme"}, "no program"),
        ({"format_version": 2}, "format_version 2; 1 is needed"),
        ({"u": 3}, "u: an object with inputs, outputs and steps"),
        ({"characteristic": -1}, "characteristic: -1; a number from 0"),
        ({"u": {"inputs": 10**9, "outputs": [], "steps": []}}, "u.inputs: 1000000000; a number"),
        ({"u": {"inputs": 4, "outputs": [], "steps": {}}}, "u.steps: {}; a list is needed"),
        ({"u": {"inputs": 4, "outputs": [], "steps": [[[0, 1, 2]]]}}, r"u.steps\[0\]: \[0, 1, 2\] is no term"),
        ({"u": {"inputs": 4, "outputs": [], "steps": [[[0, 0.5]]]}}, "constant 0.5; an integer"),
        ({"u": {"inputs": 4, "outputs": [], "steps": [[[0, "1/0"]]]}}, "constant '1/0'"),
        ({"u": {"inputs": 4, "outputs": [], "steps": [[[0, "1e999999999"]]]}}, "constant 1e999999999; an integer"),
        ({"u": {"inputs": 4, "outputs": [], "steps": [[[9, 1]]]}}, "u: step 0: value 9 is not known"),
        ({"u": {"inputs": 4, "outputs": [], "steps": []}}, "programs of 0 and 7 forms for 7 products"),
        ({"x": None}, "x: an object with inputs"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], text: str) -> None:
    document = json.loads(GOOD) | change
    with pytest.raises(ProgramError, match=text):
        loads(json.dumps(document).encode(), "file", strassen())


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ProgramError, match="no JSON"):
        loads(b"[" * 10**6, "file", strassen())


def test_a_program_of_another_scheme_is_refused() -> None:
    with pytest.raises(ProgramError, match=r"file: program of 2x2x2: u\[\d,\d\] comes out as"):
        loads(GOOD, "file", winograd())
