"""Pan's pair: two disjoint products by numbers, and what must be refused; proved in `test_pairs`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rules import pan


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


def test_where_it_pays() -> None:
    """From n = 7 against the published ranks: 490 < 2 * 249."""
    assert pan.rank(7, 7, 7) == 490
    assert pan.rank(11, 11, 11) == 1694


def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(TargetError, match="a pair 0x2x2 and 2x0x2: sizes from 1 on are needed"):
        pan.build(0, 2, 2)
