"""Equivalence: symmetries are recognised and proved, different schemes are told apart, invariants do not move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import generators

from bilinear.decompositions import (
    Ring,
    Scheme,
    SchemeError,
    kronecker,
    parse_target,
    permute,
    sandwich,
    standard,
    strassen,
    winograd,
)
from bilinear.decompositions.equivalence import Verdict, colours, equivalent, invariant
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.operations import ORDERS


def unimodular(size: int, rng: np.random.Generator) -> np.ndarray:
    """A product of a few shears and a permutation of signs."""
    matrix = np.diag(rng.choice([-1, 1], size))[rng.permutation(size)]
    for _ in range(size):
        shear = np.eye(size, dtype=np.int64)
        i, j = rng.permutation(size)[:2]
        shear[i, j] = rng.choice([-1, 1])
        matrix = matrix @ shear
    return matrix


def moved(scheme: Scheme, rng: np.random.Generator) -> Scheme:
    """The scheme after a change of basis, its products in another order, some signs changed."""
    changed = sandwich(scheme, *(unimodular(size, rng) for size in scheme.target.sizes))
    order, signs = rng.permutation(changed.rank), rng.choice([-1, 1], (changed.rank, 1))
    u, v, w = (factor[order] for factor in changed.factors)
    if changed.ring.characteristic:
        signs = signs % changed.ring.characteristic
        u, v = u * signs % changed.ring.characteristic, v * signs % changed.ring.characteristic
        return Scheme(changed.target, changed.ring, u, v, w)
    return Scheme(changed.target, changed.ring, u * signs, v * signs, w, changed.denominators[order])


def grown(name: str, ring: Ring) -> Scheme:
    return {
        "strassen": strassen,
        "winograd": winograd,
        "standard": lambda: standard(parse_target("2x3x2")),
        "square": lambda: kronecker(strassen(), winograd()),
    }[name]().to(ring)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["strassen", "winograd", "standard", "square"]),
    st.sampled_from([Ring.ZT, Ring.F2, Ring.F3]),
    generators(),
)
def test_a_moved_scheme_is_equivalent_and_the_proof_holds(name: str, ring: Ring, rng: np.random.Generator) -> None:
    first = grown(name, ring)
    second = moved(first, rng)
    found = equivalent(first, second)
    assert found.verdict is Verdict.SAME
    back = sandwich(permute(first, found.order), *found.changes)
    assert content_hash(back) == content_hash(second)
    assert invariant(first) == invariant(second)


def test_strassen_and_winograd_are_one_class() -> None:
    """Every scheme of 2x2x2 with seven products is equivalent to Strassen's: H. F. de Groote, 1978."""
    assert equivalent(strassen(), winograd()).verdict is Verdict.SAME


def test_a_permutation_of_the_factors_is_found() -> None:
    scheme = grown("square", Ring.ZT)
    assert all(equivalent(scheme, permute(scheme, order)).verdict is Verdict.SAME for order in ORDERS)
    wide = standard(parse_target("2x3x4"))
    assert equivalent(wide, permute(wide, (2, 0, 1))).order == (2, 0, 1)


def test_different_schemes_are_told_apart() -> None:
    """Strassen over 2x2x1 blocks, and 2x2x1 blocks over Strassen's in another place, use other products."""
    one = kronecker(strassen(), standard(parse_target("1x1x2")))
    two = Scheme(one.target, one.ring, *_with_standard_block())
    assert one.rank == 14
    assert equivalent(one, two).verdict is Verdict.DIFFERENT
    assert equivalent(strassen(), standard(parse_target("2x2x2"))).verdict is Verdict.DIFFERENT


def _with_standard_block() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """2x2x4 with 14 products: columns 1 and 2 by one scheme, columns 3 and 4 by the other, their bases moved apart."""
    from bilinear.decompositions import concatenate

    apart = sandwich(strassen(), [[1, 1], [0, 1]], [[1, 0], [1, 1]], [[1, 0], [0, 1]])
    joined = concatenate(strassen(), apart.to(Ring.Z), "p")
    return joined.factors


def test_colours_do_not_depend_on_the_order_of_the_products() -> None:
    scheme = grown("square", Ring.F2)
    turned = Scheme(scheme.target, scheme.ring, *(factor[::-1].copy() for factor in scheme.factors))
    assert colours(turned).products.tolist() == colours(scheme).products[::-1].tolist()


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SchemeError, match="schemes over zt and f2: one characteristic is needed"):
        equivalent(strassen(), strassen().to(Ring.F2))
    with pytest.raises(SchemeError, match="schemes of 2x2x2 and 1x2x2: one format is needed"):
        equivalent(strassen(), standard(parse_target("1x2x2")))
    with pytest.raises(SchemeError, match="equivalence over qi is not offered"):
        equivalent(strassen().to(Ring.QI), strassen().to(Ring.QI))
    with pytest.raises(SchemeError, match="512 products: equivalence is decided up to 400"):
        invariant(standard(parse_target("8x8x8")))
