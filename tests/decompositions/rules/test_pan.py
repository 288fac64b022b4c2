"""Pan's pair: two disjoint products, proved in one large product and by numbers, and what must be refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import Ring, Scheme, standard, verify
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rules import pan
from bilinear.decompositions.targets.matmul import matmul


@given(st.tuples(*[st.integers(1, 4)] * 3), st.integers(0, 2**32 - 1))
def test_both_products_come_out(sizes: tuple[int, int, int], seed: int) -> None:
    n, r, p = sizes
    rng = np.random.default_rng(seed)
    one, two = (rng.integers(-9, 10, shape) for shape in ((n, r), (r, p)))
    three, four = (rng.integers(-9, 10, shape) for shape in ((p, n), (n, r)))
    first, second = pan.build(n, r, p)
    products = (first.u @ one.ravel() + second.u @ three.ravel()) * (first.v @ two.ravel() + second.v @ four.ravel())
    assert len(products) == pan.rank(n, r, p)
    assert (first.w.T @ products).tolist() == (one @ two).ravel().tolist()
    assert (second.w.T @ products).tolist() == (three @ four).ravel().tolist()


def test_pairs_inside_a_large_product_prove() -> None:
    """3 x 2 x 4 on one set of rows and inner indices, 4 x 3 x 2 on another; the rest of 7 x 5 x 4 by definition."""
    sizes = (7, 5, 4)
    first, second = (range(3), range(2), range(4)), (range(3, 7), range(2, 5), range(2))
    found = pan.placed(sizes, pan.build(3, 2, 4), first, second)
    target = matmul(*sizes)
    plain = standard(target)
    held = {(i, j, k) for part in (first, second) for i in part[0] for j in part[1] for k in part[2]}
    rest = [(i, j, k) not in held for i in range(7) for j in range(5) for k in range(4)]
    order = np.lexsort((plain.v.argmax(axis=1), plain.u.argmax(axis=1)))
    u, v, w = (np.concatenate([a, f[order][rest]]) for a, f in zip(found, plain.factors, strict=True))
    scheme = Scheme(target, Ring.ZT, u, v, w)
    assert scheme.rank == pan.rank(3, 2, 4) + 7 * 5 * 4 - 48
    assert verify(scheme).ok


def test_where_it_pays() -> None:
    """From n = 7 against the published ranks: 490 < 2 * 249."""
    assert pan.rank(7, 7, 7) == 490
    assert pan.rank(11, 11, 11) == 1694


def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(TargetError, match="a pair 0x2x2 and 2x0x2: sizes from 1 on are needed"):
        pan.build(0, 2, 2)
