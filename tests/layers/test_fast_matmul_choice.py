"""What the model chooses: torch's product where nothing gains, more levels where memory is fast, and why."""

from __future__ import annotations

import pytest
import torch
from layer_cases import normal

from bilinear.decompositions import strassen, winograd
from bilinear.layers import LayerError, count_additions, fast_matmul
from bilinear.layers.fast_matmul import choose
from bilinear.layers.fast_matmul.choice import Rates

QUICK = Rates((1e11, 1e11, 1e11), 1e12)
SLOW = Rates((1e11, 1e11, 1e11), 1e8)


def test_levels_grow_with_the_size_where_memory_is_fast() -> None:
    levels = [choose((n, n, n), rates=QUICK).levels for n in (1024, 2048, 4096)]
    assert levels == [1, 2, 3]
    found = choose((4096, 4096, 4096), rates=QUICK)
    assert found.scheme is not None
    assert str(found).startswith("4096x4096x4096: 2x2x2 of rank 7, 3 levels, 1.4")


def test_torch_multiplies_where_nothing_gains() -> None:
    found = choose((4096, 4096, 4096), rates=SLOW)
    assert (found.scheme, found.levels) == (None, 0)
    assert "4096x4096x4096: torch.matmul; the best scheme would be 0." in str(found)
    thin = choose((64, 4096, 4096), rates=QUICK)
    assert str(thin) == "64x4096x4096: torch.matmul, as a side is below 1024"
    assert choose((1500, 1024, 1024), schemes=[strassen()], rates=QUICK).levels == 1


def test_products_whose_small_blocks_are_slow_stay_whole() -> None:
    """Torch's product of 512 is three times as slow as that of 1024."""
    assert choose((1024, 1024, 1024), rates=Rates((3e10, 1e11, 1e11), 1e12)).levels == 0


def test_without_a_scheme_the_product_is_chosen() -> None:
    a, b = normal(2, 30, 40), normal(40, 50)
    assert torch.equal(fast_matmul(a, b), a @ b)
    assert torch.equal(fast_matmul(a, b, strassen(), "auto"), a @ b)
    with pytest.raises(LayerError, match="a program without its scheme; give both"):
        fast_matmul(a, b, program=object())  # type: ignore[arg-type]


@pytest.mark.slow
def test_rates_are_measured_where_sizes_ask_for_it() -> None:
    a, b = (normal(1024, 1024, dtype=torch.float32, seed=s) for s in (0, 1))
    near = fast_matmul(a, b).double() - a.double() @ b.double()
    assert float(near.norm() / (a.double() @ b.double()).norm()) < 1e-5


def test_winograds_form_adds_its_products_where_they_belong() -> None:
    """At one level, from large blocks on; odd sides are peeled off, and gradients are the scheme's as before."""
    a, b = normal(2049, 96), normal(96, 2050, seed=1)
    product = fast_matmul(a, b, winograd())
    near = product - a @ b
    assert float(near.norm() / (a @ b).norm()) < 1e-14
    assert count_additions((2048, 96, 2048), winograd()) == 1024 * (4 * 48 + 4 * 48 + 3 * 1024)
    assert torch.equal(fast_matmul(a.T.contiguous().T, b, winograd()), product)
