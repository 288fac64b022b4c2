import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import assert_valid, nudge, verified_schemes

from bilinear.decompositions import (
    Ring,
    RingError,
    Scheme,
    SchemeError,
    concatenate,
    kronecker,
    parse_target,
    sandwich,
    standard,
    strassen,
    verify,
    winograd,
)
from bilinear.decompositions.lifting import lift
from bilinear.decompositions.lifting.signs import signed
from bilinear.decompositions.modular import rank as rank_modulo
from bilinear.decompositions.targets.file import from_dense

FINITE = (Ring.F2, Ring.F3)
SQUARED = kronecker(strassen(), winograd())
GROWN = concatenate(strassen(), standard(parse_target("2x1x2")), "m")
KNOWN = [
    strassen(),
    winograd(),
    SQUARED,
    concatenate(GROWN, standard(parse_target("1x3x2")), "n"),
    standard(GROWN.target),
]


def scheme_of(tensor, ring, u, v, w):
    return Scheme(from_dense("file:made.npy", np.array(tensor)), ring, np.array(u), np.array(v), np.array(w))


def assert_lifted(found, scheme, ring=None):
    assert found.scheme is not None, found.detail
    assert (found.scheme.target, found.scheme.rank) == (scheme.target, scheme.rank)
    assert found.ring == found.scheme.ring
    assert found.detail.startswith(f"lifted to {found.ring} after {found.steps} step")
    assert ring is None or found.ring is ring
    assert_valid(found.scheme)


@st.composite
def bases_modulo(draw, scheme):
    """Three invertible matrices modulo the scheme's characteristic."""
    p, found = scheme.ring.characteristic, []
    for size in scheme.target.sizes:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        matrix = rng.integers(0, p, (size, size))
        while rank_modulo(matrix, p) < size:
            matrix = rng.integers(0, p, (size, size))
        found.append(matrix)
    return found


# What has a lift is lifted.


@pytest.mark.parametrize("ring", FINITE)
@pytest.mark.parametrize("scheme", KNOWN, ids=str)
def test_reductions_of_known_schemes_lift_back_to_ternary_ones(scheme, ring):
    assert_lifted(lift(scheme.to(ring)), scheme, Ring.ZT)


@pytest.mark.parametrize("ring", FINITE)
@pytest.mark.parametrize("known", [strassen(), winograd(), KNOWN[3]], ids=str)
@given(data=st.data())
def test_every_basis_lifts_back_to_ternary(known, ring, data):
    scheme = known.to(ring)
    changed = sandwich(scheme, *data.draw(bases_modulo(scheme)))
    assert_lifted(lift(changed), known, Ring.ZT)


@pytest.mark.parametrize("ring", FINITE)
@given(data=st.data())
def test_without_change_of_basis_the_result_reduces_to_the_scheme_given(ring, data):
    scheme = strassen().to(ring)
    changed = sandwich(scheme, *data.draw(bases_modulo(scheme)))
    found = lift(changed, "q", rebase=False)
    assert_lifted(found, changed)
    for ours, theirs in zip(_outer(found.scheme.to(ring)), _outer(changed), strict=True):
        assert (ours == theirs).all()


def _outer(scheme):
    """The rank-one tensors of the products: what is left when scalars move between factors."""
    tensors = [
        np.einsum("i,j,k->ijk", *rows) % scheme.ring.characteristic for rows in zip(*scheme.factors, strict=True)
    ]
    return sorted(tensors, key=lambda t: t.ravel().tolist())


@given(verified_schemes(FINITE))
def test_a_reduction_is_never_said_not_to_lift(scheme):
    found = lift(scheme, choices=2)
    assert not found.detail.startswith("does not lift")
    if found.scheme is not None:
        assert_lifted(found, scheme)


def test_a_large_scheme_in_a_random_basis():
    scheme = SQUARED.to("f2")
    rng = np.random.default_rng(3)
    lower, upper = (np.eye(4, dtype=int) + np.tril(rng.integers(0, 2, (4, 4)), -1) for _ in range(2))
    changed = sandwich(scheme, lower @ upper.T, upper.T @ lower, lower.T @ upper)
    assert lift(changed, "zt", rebase=False).scheme is None
    assert_lifted(lift(changed), scheme, Ring.ZT)


# Coefficients other than signs.


def toom():
    """x of 2 and y of 3 coefficients multiplied as polynomials with 4 products, at 0, 1, -1 and infinity."""
    tensor = np.zeros((2, 3, 4), int)
    for i, j in itertools.product(range(2), range(3)):
        tensor[i, j, i + j] = 1
    u, v = [[1, 0], [1, 1], [1, -1], [0, 1]], [[1, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 1]]
    w = [[2, 0, -2, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -2, 0, 2]]
    return replace(scheme_of(tensor, "q", u, v, w), denominators=np.full(4, 2))


def test_halves_come_from_f3():
    """Four points of the line over the integers are never pairwise independent modulo 2, so no scheme is over z."""
    known = toom()
    assert verify(known).ok
    found = lift(known.to("f3"))
    assert_lifted(found, known, Ring.Q)
    assert all(d & (d - 1) == 0 for d in found.scheme.denominators.tolist())
    assert max(found.scheme.denominators.tolist()) > 1


def test_a_two_is_found_and_a_smaller_set_refused():
    scheme = scheme_of([[[2]]], "f3", [[1]], [[1]], [[2]])
    assert_lifted(lift(scheme), scheme, Ring.Z)
    assert_lifted(lift(scheme, "q"), scheme, Ring.Z)
    refused = lift(scheme, "zt")
    assert (refused.scheme, refused.ring, refused.choices) == (None, None, 8)
    assert refused.detail == "not lifted to zt after 1 step and 8 choices, but to z; ask for z, or try another seed"


def test_signs_that_modulo_4_does_not_decide_are_searched():
    """Twelve equal products must cancel: modulo 4 they may sum to 0, 4, 8 or 12, and to negatives of these."""
    copies = [np.repeat(np.eye(1, 4, dtype=int), 12, axis=0)] * 3
    u, v, w = (np.concatenate([f % 2, more]) for f, more in zip(strassen().factors, copies, strict=True))
    scheme = Scheme(strassen().target, "f2", u, v, w)
    found = lift(scheme, "zt", choices=1)
    assert_lifted(found, scheme, Ring.ZT)
    assert found.steps == 1


def test_the_search_for_signs_ends_without_any_vector_to_walk_along():
    class Rigid:
        free = np.empty(0, np.int64)

    scheme = scheme_of([[[3]]], "z", [[1]], [[1]], [[-1]])
    assert signed(scheme.target, np.array([1, 1, -1]), Rigid(), np.random.default_rng(0), 5) is None


# What has none is not.


@pytest.mark.parametrize(
    "scheme",
    [
        scheme_of([[[1], [1]], [[1], [-1]]], "f2", [[1, 1]], [[1, 1]], [[1]]),
        scheme_of([[[1], [1]], [[1], [-2]]], "f3", [[1, 1]], [[1, 1]], [[1]]),
        scheme_of([[[2]]], "f2", np.zeros((0, 1), int), np.zeros((0, 1), int), np.zeros((0, 1), int)),
    ],
    ids=["rank 2 over q, 1 modulo 2", "rank 2 over q, 1 modulo 3", "zero modulo 2"],
)
def test_a_scheme_below_the_rank_in_characteristic_0_does_not_lift(scheme):
    p = scheme.ring.characteristic
    assert verify(scheme).ok
    found = lift(scheme)
    assert (found.scheme, found.ring, found.steps, found.choices) == (None, None, 0, 1)
    assert found.detail == (
        f"does not lift: the first step has no solution, so no scheme modulo {p * p} reduces to this one"
    )


@given(st.sampled_from(FINITE), st.integers(0, 2**32 - 1))
def test_the_verdict_agrees_with_all_residues_tried_one_by_one(ring, seed):
    p, rng = ring.characteristic, np.random.default_rng(seed)
    rank = 2 if p == 2 else 1
    factors = [rng.integers(0, p, (rank, 2)) for _ in range(3)]
    tensor = np.einsum("qi,qj,qk->ijk", *factors) + p * rng.integers(0, 2, (2, 2, 2)) * (rng.random((2, 2, 2)) < 0.3)
    if not tensor.any():
        tensor[0, 0, 0] = p
    scheme = scheme_of(tensor, ring, *factors)
    said = lift(scheme, choices=1, steps=4).detail.startswith("does not lift")
    assert said == (not _any_modulo_square(tensor, factors, p))


def _any_modulo_square(tensor, factors, p):
    """Whether some x = factors + p d is right modulo p^2, every d tried."""
    rank = len(factors[0])
    steps = np.array(list(itertools.product(range(p), repeat=6 * rank))).reshape(-1, 3, rank, 2)
    u, v, w = (factors[k] + p * steps[:, k] for k in range(3))
    sums = np.einsum("nqi,nqj,nqk->nijk", u, v, w)
    return bool(((sums - tensor) % (p * p) == 0).all(axis=(1, 2, 3)).any())


def test_no_steps_is_not_lifted_rather_than_impossible():
    found = lift(strassen().to("f2"), steps=0, choices=2)
    assert (found.scheme, found.choices) == (None, 2)
    assert found.detail == "not lifted after 0 steps and 2 choices; raise steps or choices, or try another seed"


# Input.


def test_the_same_seed_gives_the_same_scheme():
    first, second = (lift(SQUARED.to("f2"), seed=5).scheme for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.factors, second.factors, strict=True))


def test_a_wrong_scheme_is_refused():
    with pytest.raises(SchemeError, match=r"2x2x2 over f2: not a scheme to lift: \d+ of 64 tensor entries are wrong"):
        lift(nudge(strassen().to("f2"), 0, 0, 1))


def test_a_scheme_of_characteristic_0_is_refused():
    with pytest.raises(RingError, match="2x2x2 over zt: only schemes over f2 and f3 are lifted"):
        lift(strassen())


@pytest.mark.parametrize("ring", ["qi", "f3"])
def test_a_set_that_is_not_offered_is_refused(ring):
    with pytest.raises(RingError, match=f"lifting to {ring} is not offered; choose zt, z or q"):
        lift(strassen().to("f2"), ring)


@pytest.mark.parametrize(("steps", "choices", "flips"), [(-1, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_numbers_out_of_range_are_refused(steps, choices, flips):
    with pytest.raises(SchemeError, match=f"lifting with {steps} steps, {choices} choices and {flips} flips"):
        lift(strassen().to("f2"), steps=steps, choices=choices, flips=flips)


def test_numba_is_loaded_by_a_lift_and_not_before():
    code = (
        "import sys; from bilinear.decompositions import strassen; from bilinear.decompositions.lifting import lift\n"
        "before = 'numba' in sys.modules; lift(strassen().to('f2')); print(before, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["False", "True"], done.stderr
