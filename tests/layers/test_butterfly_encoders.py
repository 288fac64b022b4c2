"""Changes of basis by parts: factors of Kronecker products, their operations, and the same products as the whole."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import normal

from bilinear.decompositions import kronecker, parse_target, standard, strassen, winograd
from bilinear.layers import LayerError
from bilinear.layers.butterfly.encoders import (
    FastEncoders,
    additions,
    kronecker_parts,
    multiplications,
    multiply_by_parts,
)
from bilinear.layers.stl import Basis, Encoders
from bilinear.layers.stl.functional import encode_weight, multiply_encoded

PRODUCTS = {
    "strassen2": [strassen(), strassen()],
    "winograd3": [winograd()] * 3,
    "mixed": [winograd(), standard(parse_target("3x2x1"))],
    "rectangular": [standard(parse_target("1x2x3")), strassen()],
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("shape", [(16, 24, 48), (13, 7, 5)])
def test_parts_compute_what_the_whole_computes(name: str, shape: tuple[int, int, int]) -> None:
    scheme = reduce(kronecker, PRODUCTS[name])
    rows, inner, columns = shape
    x, w = normal(rows, inner), normal(inner, columns, seed=1)
    whole = Encoders.of(scheme, dtype=torch.float64)
    weight = encode_weight(w, whole)
    found = multiply_by_parts(x, weight, FastEncoders.of(scheme, dtype=torch.float64))
    torch.testing.assert_close(found, multiply_encoded(x, weight, whole))
    torch.testing.assert_close(found[:rows, :columns], x @ w)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_parts_multiply_to_the_encoder(data: st.DataObject) -> None:
    """Every Kronecker product of integer matrices on tiles is taken apart, and its parts give it back."""
    side = st.integers(1, 3)
    outer, inner = (data.draw(st.tuples(side, side)) for _ in range(2))
    ranks = [data.draw(st.integers(1, 4)) for _ in range(2)]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a, b = (rng.integers(-3, 4, (r, n, m)) for r, (n, m) in zip(ranks, (outer, inner), strict=True))
    a[0, 0, 0] = b[0, 0, 0] = 1
    product = np.einsum("qij,rkl->qrikjl", a, b).reshape(ranks[0] * ranks[1], -1).astype(float)
    parts = kronecker_parts(product, (outer[0] * inner[0], outer[1] * inner[1]))
    again = np.ones((1, 1, 1))
    for part in parts:
        again = np.einsum("qij,rkl->qrikjl", again, part.matrix.reshape(-1, *part.sides)).reshape(
            len(again) * len(part.matrix), again.shape[1] * part.sides[0], -1
        )
    np.testing.assert_allclose(again.reshape(product.shape), product, atol=1e-9)


def test_counts_of_strassens_and_winograds_encoders() -> None:
    """Strassen's encoder takes 5 additions, Winograd's 7 as written; twice: 4 + 7 times these."""
    for scheme, once in ((strassen(), 5), (winograd(), 7)):
        basis = Basis.of(kronecker(scheme, scheme))
        parts = kronecker_parts(basis.u, (4, 4))
        assert [part.matrix.shape for part in parts] == [(7, 4), (7, 4)]
        assert additions(parts) == (4 + 7) * once
        assert multiplications(parts) == (4 + 7) * 28
        assert additions(kronecker_parts(scheme.u.astype(float), (2, 2))) == once


def test_a_scheme_that_is_no_product() -> None:
    for scheme in (strassen(), winograd()):
        with pytest.raises(LayerError, match="its 7 products are no Kronecker product of schemes"):
            FastEncoders.of(scheme)


def test_one_changed_entry_is_no_product() -> None:
    encoder = Basis.of(kronecker(strassen(), strassen())).u.copy()
    encoder[5, 3] += 1e-6
    assert len(kronecker_parts(encoder, (4, 4))) == 1
