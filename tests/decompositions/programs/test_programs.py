"""Programs: execution, cost, shared sums, transposition; and what they refuse."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import verified_schemes

from bilinear.decompositions import Ring, Scheme, SchemeError, parse_target, standard, strassen, winograd
from bilinear.decompositions.programs import (
    GREEDY,
    MIXED,
    Program,
    ProgramError,
    SchemeProgram,
    Strategy,
    Term,
    plain,
    plain_program,
    require_program,
    short_program,
    shorten,
    transposed,
)
from bilinear.decompositions.programs.signs import flipped, positive

REAL = tuple(ring for ring in Ring if ring is not Ring.QI)
ONE = Fraction(1)
FEW = Strategy(rounds=12)


@st.composite
def matrices(draw: st.DrawFn) -> tuple[NDArray[Any], int]:
    """Sparse matrices of coefficients of some ring, and its characteristic."""
    kind = draw(st.sampled_from(["ternary", "integer", "rational", "f2", "f3"]))
    values: dict[str, list[Any]] = {
        "ternary": [-1, 1],
        "integer": [-4, -2, -1, 1, 2, 3],
        "rational": [Fraction(1, 2), Fraction(-1, 3), -1, 1, 2],
        "f2": [1],
        "f3": [-1, 1],
    }
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 6)))
    cells = draw(st.lists(st.sampled_from([0, 0, *values[kind]]), min_size=shape[0] * shape[1], max_size=54))
    matrix = np.empty(len(cells), dtype=object)
    matrix[:] = cells
    return matrix[: shape[0] * shape[1]].reshape(shape), {"f2": 2, "f3": 3}.get(kind, 0)


POTENTIAL = Strategy(rounds=1, foresight=1.0, mix=0.0)


def same(found: NDArray[Any], wanted: NDArray[Any], characteristic: int) -> bool:
    difference = found - wanted
    return not (difference % characteristic if characteristic else difference).any()


@pytest.mark.parametrize("strategy", [GREEDY, MIXED, POTENTIAL])
@given(case=matrices(), seed=st.integers(0, 2**32))
def test_a_short_program_computes_its_matrix_and_is_no_longer(
    strategy: Strategy, case: tuple[NDArray[Any], int], seed: int
) -> None:
    matrix, p = case
    short, long = shorten(matrix, p, strategy, seed), plain(matrix, p)
    assert same(short.matrix(), matrix, p)
    assert same(long.matrix(), matrix, p)
    assert short.operations.additions <= long.operations.additions


@given(case=matrices())
def test_transposing_gives_the_transpose_and_shifts_additions_by_rows_less_columns(
    case: tuple[NDArray[Any], int],
) -> None:
    matrix, p = case
    program = shorten(matrix, p, FEW)
    other = transposed(program)
    assert same(other.matrix(), matrix.T, p)
    if (matrix != 0).any(axis=0).all() and (matrix != 0).any(axis=1).all():
        shift = matrix.shape[0] - matrix.shape[1]
        assert other.operations.additions == program.operations.additions + shift


@given(case=matrices(), data=st.data())
def test_flipped_inputs_and_positive_outputs_keep_the_forms(
    case: tuple[NDArray[Any], int], data: st.DataObject
) -> None:
    matrix, p = case
    program = shorten(matrix, p, FEW)
    signs = data.draw(st.lists(st.sampled_from([1, -1]), min_size=matrix.shape[1], max_size=matrix.shape[1]))
    if p == 2:
        signs = [1] * len(signs)
    flipped_program = flipped(program, signs)
    assert same(flipped_program.matrix() * np.array(signs, dtype=object), matrix, p)
    assert flipped_program.operations.additions == program.operations.additions
    plus, outer = positive(program)
    assert same(np.array(outer, dtype=object)[:, None] * plus.matrix(), matrix, p)
    assert all(output is None or output.scale > 0 for output in plus.outputs)


@given(scheme=verified_schemes(rings=REAL))
def test_the_program_of_a_scheme_computes_its_map(scheme: Scheme) -> None:
    program = short_program(scheme, FEW)
    require_program(program, scheme)
    assert program.operations.additions <= plain_program(scheme).operations.additions
    rng = np.random.default_rng(0)
    left, right, _ = scheme.target.shape
    x, y = (rng.integers(-9, 9, (side, 3)).astype(object) for side in (left, right))
    wanted = np.einsum("ijk,ib,jb->kb", scheme.target.dense().astype(object), x, y)
    assert same(program(x, y), wanted, scheme.ring.characteristic)


@given(scheme=verified_schemes(rings=REAL, moves=1), data=st.data())
def test_a_changed_constant_is_caught(scheme: Scheme, data: st.DataObject) -> None:
    program = short_program(scheme, FEW)
    part = data.draw(st.sampled_from(["u", "v", "w"]))
    own = getattr(program, part)
    place = data.draw(st.integers(0, len(own.outputs) - 1))
    if own.outputs[place] is None:
        return
    outputs = [*own.outputs]
    outputs[place] = None
    broken = Program(own.inputs, own.steps, tuple(outputs), own.characteristic)
    parts = {name: getattr(program, name) for name in "uvw"} | {part: broken}
    with pytest.raises(ProgramError, match=r"comes out as"):
        require_program(SchemeProgram(**parts), scheme)


def test_a_wrong_sign_of_one_product_is_caught() -> None:
    scheme = strassen()
    program = short_program(scheme)
    signs = [-1, *[1] * 6]
    wrong = SchemeProgram(program.u, program.v, flipped(program.w, signs))
    with pytest.raises(ProgramError, match="product 0 comes out with the wrong sign"):
        require_program(wrong, scheme)


def test_known_counts() -> None:
    """Winograd's form has 15 additions (4 + 4 + 7), Strassen's 18, and the standard algorithm n p (m - 1)."""
    assert short_program(winograd()).operations.additions == 15
    assert [p.operations.additions for p in short_program(winograd()).programs] == [4, 4, 7]
    assert short_program(strassen()).operations.additions == 18
    assert short_program(standard(parse_target("3x4x2"))).operations.additions == 18


def test_constants_are_counted_apart() -> None:
    program = plain(np.array([[2, Fraction(1, 4), 3], [0, 0, -1]], dtype=object))
    assert program.operations == (2, 2, 1, 1)


def test_the_same_seed_gives_the_same_program() -> None:
    matrix = np.random.default_rng(5).integers(-1, 2, (20, 9)).astype(object)
    assert shorten(matrix, seed=3) == shorten(matrix, seed=3)


def test_floats_are_computed_as_floats() -> None:
    program = plain(np.array([[Fraction(1, 2), 1]], dtype=object))
    assert program(np.array([3.0, 1.0])).tolist() == [2.5]
    assert program(np.array([3, 1])).tolist() == [Fraction(5, 2)]


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (lambda: Program(1, ((Term(1, ONE), Term(0, ONE)),), ()), "step 0: value 1 is not known there"),
        (lambda: Program(1, ((),), ()), "step 0: 0 terms"),
        (lambda: Program(1, (), (Term(0, Fraction(0)),)), "output 0: constant 0"),
        (lambda: Program(1, (), (Term(0, -ONE),), 2), "output 0: constant -1 in characteristic 2"),
        (lambda: Program(0, (), ()), "a program of 0 inputs"),
        (lambda: plain(np.ones((2, 2), dtype=object))(np.zeros(3)), r"values of shape \(3,\)"),
    ],
)
def test_what_is_no_program_is_refused(program: Any, text: str) -> None:
    with pytest.raises(ProgramError, match=text):
        program()


def test_programs_that_do_not_fit_together_are_refused() -> None:
    program = short_program(strassen())
    with pytest.raises(ProgramError, match="programs of 7 and 7 forms for 4 products"):
        SchemeProgram(program.u, program.v, program.u)


def test_complex_schemes_are_refused() -> None:
    with pytest.raises(SchemeError, match="over qi: programs hold real coefficients"):
        short_program(strassen().to("qi"))


def test_a_program_over_another_ring_is_refused() -> None:
    with pytest.raises(ProgramError, match="program in characteristic 0 for 2x2x2 over f2"):
        require_program(short_program(strassen()), strassen().to("f2"))
