"""The basis that is taken where none is named, and what `catalog:` finds."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import linear, normal
from torch import nn

from bilinear.catalog.store import Catalog
from bilinear.decompositions import BilinearError
from bilinear.layers import STLConfig, STLLinear, convert_, initial_basis


@pytest.mark.parametrize(("rank", "most"), [(24, 0.474), (32, 0.314), (40, 0.143)])
def test_the_default_has_the_error_of_the_catalogs_approximation(rank, most):
    basis = STLConfig(rank=rank).basis()
    assert basis.residual < most
    assert basis.entry_id.startswith(f"4x4x4-r{rank}-approx-")
    dense, x = linear(64, 64, bias=False), normal(2048, 64, seed=3)
    with torch.no_grad():
        dense.weight.copy_(normal(64, 64, seed=4))
        error = STLLinear.from_linear(dense, basis)(x) - dense(x)
        assert error.square().mean() / dense(x).square().mean() == pytest.approx(basis.residual, rel=0.1)


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.integers(1, 3)] * 3), st.data())
def test_nothing_that_is_named_is_nearer(tile, data):
    rank = data.draw(st.integers(1, math.prod(tile)))
    best = initial_basis("best", tile, rank)
    assert best.tile == tile
    assert best.rank <= rank
    for name in ("pruned-strassen", "pruned-winograd", "pruned-standard"):
        try:
            other = initial_basis(name, tile, rank)
        except BilinearError:
            continue
        assert best.residual <= other.residual + 1e-6


@pytest.mark.parametrize(
    ("tile", "rank", "begins"),
    [(4, 49, "4x4x4-r49-zt-"), (4, 60, "4x4x4-r49-zt-"), (3, 23, "3x3x3-r23-"), ((4, 2, 4), 20, "2x4x4-r20-approx-")],
)
def test_what_the_catalog_has_goes_first(tile, rank, begins):
    basis = initial_basis("best", tile, rank)
    assert basis.entry_id.startswith(begins)
    assert (basis.residual == 0) == ("approx" not in begins)


def test_without_a_catalog_it_is_a_seed(tmp_path):
    basis = initial_basis("best", 4, 32, catalog=Catalog(tmp_path, None))
    assert (basis.entry_id, basis.seed) == (None, "kronecker")
    assert basis.residual < 0.314


def test_of_a_rank_without_schemes_the_catalogs_approximation_is_meant():
    found = initial_basis("catalog:4x4x4:32", 4, 32)
    assert found.entry_id == initial_basis("catalog:approximation:4x4x4:32", 4, 32).entry_id
    with pytest.raises(BilinearError, match="4x4x4:5: no scheme of that rank here; ranks here"):
        initial_basis("catalog:4x4x4:5", 4, 5)
    assert initial_basis("catalog:4x4x4:49", 4, 49).residual == 0


def test_the_report_names_it():
    report = convert_(nn.Sequential(nn.Linear(8, 8)), STLConfig(force=True, rank=24))
    assert report.notes[0].startswith("basis 4x4x4-r24-approx-")
    assert report.notes[0].endswith("24 products, relative squared error 0.470 on random data")
    assert report.notes[0] in str(report)
