import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import assert_valid, assert_wrong, bases_of, file_schemes, nudge, positions, steps, verified_schemes

from bilinear.decompositions import (
    Ring,
    RingError,
    Scheme,
    SchemeError,
    TargetError,
    TooLargeError,
    concatenate,
    content_hash,
    kronecker,
    memory,
    parse_target,
    permute,
    project,
    sandwich,
    standard,
    strassen,
    verify,
)
from bilinear.decompositions.operations import (
    ORDERS,
    canonical,
    order_to,
    tightened,
    with_outputs_transposed,
    without_zero_products,
)

CHARACTERISTIC_0 = (Ring.ZT, Ring.Z, Ring.Q, Ring.QI)
SMALL = verified_schemes(moves=1)


def same(first, second):
    """Equal number for number."""
    return (
        first.target == second.target
        and first.ring == second.ring
        and first.denominators.tolist() == second.denominators.tolist()
        and [(r.tolist(), i is not None and i.any() and i.tolist()) for r, i in first.parts]
        == [(r.tolist(), i is not None and i.any() and i.tolist()) for r, i in second.parts]
    )


def nothing(name="2x3x1", ring="z"):
    """The scheme without products."""
    target = parse_target(name)
    return Scheme(target, ring, *(np.zeros((0, side), int) for side in target.shape))


# Permutations.


@given(verified_schemes(), st.sampled_from(ORDERS))
def test_permuting_keeps_a_scheme_valid(scheme, order):
    permuted = permute(scheme, order)
    assert permuted.target.sizes == tuple(scheme.target.sizes[axis] for axis in order)
    assert (permuted.rank, permuted.ring) == (scheme.rank, scheme.ring)
    assert_valid(permuted)


@given(verified_schemes(), st.data())
def test_permuting_keeps_a_wrong_scheme_wrong(scheme, data):
    broken = nudge(scheme, *data.draw(positions(scheme)), data.draw(steps(scheme.ring)))
    assert_wrong(permute(broken, data.draw(st.sampled_from(ORDERS))))


@given(verified_schemes())
def test_turning_three_times_or_transposing_twice_is_the_identity(scheme):
    turned = scheme
    for _ in range(3):
        turned = permute(turned, (1, 2, 0))
    assert same(turned, scheme)
    for swap in ((0, 2, 1), (1, 0, 2), (2, 1, 0)):
        assert same(permute(permute(scheme, swap), swap), scheme)
    assert same(permute(scheme, (0, 1, 2)), scheme)


@given(verified_schemes(moves=1), st.sampled_from(list(itertools.product(ORDERS, ORDERS))))
def test_the_six_permutations_form_a_group(scheme, orders):
    first, second = orders
    both = tuple(first[axis] for axis in second)
    assert same(permute(permute(scheme, first), second), permute(scheme, both))


def test_transposing_is_the_transpose_of_the_product():
    # C^T = B^T A^T: the left factor of p x m x n is that of B, transposed.
    scheme = permute(standard(parse_target("2x3x4")), (2, 1, 0))
    assert scheme.target.name == "matmul:4x3x2"
    first = standard(parse_target("2x3x4"))
    assert scheme.u.reshape(-1, 4, 3).tolist() == first.v.reshape(-1, 3, 4).transpose(0, 2, 1).tolist()
    assert scheme.w.reshape(-1, 4, 2).tolist() == first.w.reshape(-1, 2, 4).transpose(0, 2, 1).tolist()


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 1), (1, 2, 3), ()])
def test_what_is_no_permutation(order):
    with pytest.raises(TargetError, match=r"is no permutation of \(0, 1, 2\)"):
        permute(strassen(), order)


def test_the_order_that_leads_from_one_format_to_another():
    source, target = parse_target("2x3x4"), parse_target("4x2x3")
    assert permute(standard(source), order_to(source, target)).target == target
    assert order_to(source, parse_target("2x3x5")) is None
    assert canonical(target).name == "matmul:2x3x4"


# Kronecker products and concatenation.


@given(SMALL, SMALL)
def test_ranks_of_products_multiply(first, second):
    assume((first.ring in CHARACTERISTIC_0) == (second.ring in CHARACTERISTIC_0) or first.ring == second.ring)
    assume(first.ring == second.ring or first.ring in CHARACTERISTIC_0)
    assume(first.rank * second.rank <= 70)
    product = kronecker(first, second)
    assert product.rank == first.rank * second.rank
    assert product.target.sizes == tuple(x * y for x, y in zip(first.target.sizes, second.target.sizes, strict=True))
    assert_valid(product)


@given(verified_schemes(rings=[Ring.ZT, Ring.Q]), verified_schemes(rings=[Ring.F3]), st.booleans())
def test_a_product_with_a_modular_scheme_is_modular(first, second, swap):
    assume(all(d % 3 for d in first.denominators.tolist()) and first.rank * second.rank <= 70)
    product = kronecker(second, first) if swap else kronecker(first, second)
    assert product.ring is Ring.F3
    assert_valid(product)


def test_no_common_ring():
    with pytest.raises(RingError, match="over f3: cannot be read modulo 2"):
        kronecker(strassen().to("f2"), strassen().to("f3"))


def test_products_of_huge_coefficients_do_not_wrap():
    one = parse_target("1x1x1")
    big = Scheme(one, "z", [[2**40], [2**40], [1]], [[2**40], [-(2**40)], [1]], [[1], [1], [1]])
    assert_valid(kronecker(big, big))
    assert int(kronecker(big, big).u[0, 0]) == 2**80


def test_products_larger_than_memory_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 20_000)
    with pytest.raises(TooLargeError, match="a scheme of matmul:4x4x4 needs about"):
        kronecker(strassen(), strassen())


@given(SMALL, st.sampled_from("nmp"), st.integers(1, 2), st.sampled_from(Ring), st.booleans())
def test_ranks_of_concatenations_add(scheme, axis, size, ring, swap):
    sizes = [size if name == axis else old for name, old in zip("nmp", scheme.target.sizes, strict=True)]
    other = standard(parse_target("x".join(map(str, sizes))))
    if ring in CHARACTERISTIC_0 and scheme.ring in CHARACTERISTIC_0:
        other = other.to(ring)
    joined = concatenate(other, scheme, axis) if swap else concatenate(scheme, other, axis)
    assert joined.rank == scheme.rank + other.rank
    position = "nmp".index(axis)
    assert joined.target.sizes[position] == scheme.target.sizes[position] + size
    assert_valid(joined)


def test_concatenation_needs_equal_sizes_and_an_axis():
    with pytest.raises(TargetError, match="2x2x2 and 2x3x2 cannot be joined along n: sizes differ"):
        concatenate(strassen(), standard(parse_target("2x3x2")), "n")
    with pytest.raises(TargetError, match="axis 'k': one of n, m, p is needed"):
        concatenate(strassen(), strassen(), "k")


# Projection.


@given(verified_schemes(), st.sampled_from("nmp"), st.data())
def test_projecting_keeps_a_scheme_valid(scheme, axis, data):
    size = scheme.target.sizes["nmp".index(axis)]
    assume(size > 1)
    smaller = project(scheme, axis, data.draw(st.integers(0, size - 1)))
    assert smaller.target.sizes["nmp".index(axis)] == size - 1
    assert smaller.rank <= scheme.rank
    assert smaller.ring is scheme.ring
    assert_valid(smaller)


@given(SMALL, st.sampled_from("nmp"))
def test_projection_undoes_concatenation(scheme, axis):
    sizes = [1 if name == axis else old for name, old in zip("nmp", scheme.target.sizes, strict=True)]
    joined = concatenate(scheme, standard(parse_target("x".join(map(str, sizes)))), axis)
    back = project(joined, axis, scheme.target.sizes["nmp".index(axis)])
    assert content_hash(back) == content_hash(without_zero_products(scheme))


@pytest.mark.parametrize("index", [-1, 2])
def test_projecting_what_is_not_there(index):
    with pytest.raises(TargetError, match=f"2x2x2: cannot leave out n = {index}; 2 are there"):
        project(strassen(), "n", index)


def test_projecting_the_last_row():
    with pytest.raises(TargetError, match="1x2x2: cannot leave out n = 0; 1 are there"):
        project(standard(parse_target("1x2x2")), "n", 0)


# Change of basis.


@given(verified_schemes(rings=[ring for ring in Ring if ring is not Ring.QI]), st.data())
def test_a_change_of_basis_keeps_a_scheme_valid(scheme, data):
    left, middle, right = data.draw(bases_of(scheme))
    changed = sandwich(scheme, left, middle, right)
    assert changed.rank == scheme.rank
    assert_valid(changed)
    inverse = sandwich_back(changed, left, middle, right)
    if inverse is not None:
        assert content_hash(inverse) == content_hash(tightened(scheme))


def sandwich_back(scheme, *matrices):
    """The inverse change of basis, where its matrices are integers."""
    inverses = [np.linalg.inv(matrix) for matrix in matrices]
    rounded = [np.rint(matrix).astype(int) for matrix in inverses]
    if any((m @ r != np.eye(len(m))).any() for m, r in zip(matrices, rounded, strict=True)):
        return None
    return sandwich(scheme, *rounded)


def test_a_change_of_basis_is_the_one_it_says():
    # B R^-1 = (b1, b2 - b1) and C = P R = (p1, p1 + p2); 2 and 3 cancel.
    scheme = sandwich(standard(parse_target("1x1x2")), [[2]], [[3]], [[1, 1], [0, 1]])
    assert_valid(scheme)
    assert scheme.ring is Ring.ZT
    assert (scheme.v.tolist(), scheme.w.tolist()) == ([[1, -1], [1, 0]], [[0, -1], [1, 1]])


def test_denominators_beyond_64_bits_are_exact():
    primes = [101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151]
    changed = sandwich(standard(parse_target("11x1x1")), np.diag(primes), [[1]], [[1]])
    assert_valid(changed)
    ones = np.tril(np.ones((11, 11), int), -1)
    assert_valid(sandwich(standard(parse_target("11x1x1")), np.diag(primes) + ones, [[1]], [[1]]))


@pytest.mark.parametrize(
    ("ring", "matrix", "text"),
    [
        ("z", [[1, 2], [2, 4]], "not invertible over q"),
        ("f2", [[1, 1], [1, -1]], "not invertible over f2"),
        ("f3", [[3, 0], [0, 1]], "not invertible over f3"),
        ("z", [[1, 0, 0], [0, 1, 0]], r"a change of basis of shape \(2, 3\): \(2, 2\) is needed"),
        ("z", [[1.0, 0.0], [0.0, 1.0]], "no exact integer"),
        ("z", [[1, 0], [1]], "rows differ in length"),
        ("qi", [[1, 0], [0, 1]], "a change of basis over qi is not offered"),
    ],
)
def test_bad_bases(ring, matrix, text):
    scheme = strassen() if ring == "zt" else strassen().to(ring)
    with pytest.raises(SchemeError, match=text):
        sandwich(scheme, matrix, np.eye(2, dtype=int), np.eye(2, dtype=int))


# All of them.


@given(verified_schemes(rings=CHARACTERISTIC_0))
def test_tightening_finds_the_smallest_set(scheme):
    tight = tightened(scheme)
    assert CHARACTERISTIC_0.index(tight.ring) <= CHARACTERISTIC_0.index(scheme.ring)
    assert content_hash(tight) == content_hash(scheme)
    assert_valid(tight)


def test_a_scheme_without_products_goes_through_everything():
    for ring in ("z", "f2", "qi"):
        empty = nothing(ring=ring)
        assert permute(empty, (2, 0, 1)).target.name == "matmul:1x2x3"
        assert project(empty, "m", 1).rank == 0
        assert kronecker(empty, strassen()).rank == 0
        assert concatenate(empty, standard(parse_target("2x3x2")), "p").rank == 12
        assert content_hash(empty)
        assert_wrong(empty)
    assert sandwich(nothing(), np.eye(2, dtype=int), np.eye(3, dtype=int), [[1]]).rank == 0


@given(file_schemes())
def test_other_targets_have_no_matrices_to_permute(scheme):
    for operation in (
        lambda: permute(scheme, (1, 2, 0)),
        lambda: kronecker(scheme, scheme),
        lambda: concatenate(scheme, scheme, "n"),
        lambda: project(scheme, "n", 0),
        lambda: sandwich(scheme.to(scheme.ring), [[1]], [[1]], [[1]]),
    ):
        with pytest.raises(
            (TargetError, SchemeError), match=r"this operation is defined for matmul only|over qi is not"
        ):
            operation()


def test_blocks_of_operations_reach_known_ranks():
    # 4x4x4:49 by Strassen twice; 2x2x3:11 by concatenation, which is optimal (Alekseyev 1985).
    twice = kronecker(strassen(), strassen())
    assert (twice.rank, verify(twice).ok) == (49, True)
    assert concatenate(strassen(), standard(parse_target("2x2x1")), "p").rank == 11
    cut = project(project(project(twice, "n", 3), "m", 3), "p", 3)
    assert cut.target.name == "matmul:3x3x3"
    assert verify(cut).ok


def test_outputs_are_transposed_and_back():
    w = np.arange(12).reshape(2, 6)
    turned = with_outputs_transposed(w, 2, 3)
    assert turned.tolist() == [[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]
    assert (with_outputs_transposed(turned, 3, 2) == w).all()
    assert with_outputs_transposed(w[:0], 2, 3).shape == (0, 6)
