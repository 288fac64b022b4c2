"""The additions of `fast_matmul` follow a program: same products, fewer additions, and as many as are known."""

from __future__ import annotations

import pytest
import torch
from layer_cases import EXACT, normal

from bilinear.catalog.store import Catalog
from bilinear.decompositions import Scheme, kronecker, strassen, winograd
from bilinear.decompositions.programs import plain_program, short_program
from bilinear.decompositions.programs.basis import rebased_program
from bilinear.decompositions.programs.program import ProgramError
from bilinear.discover.optimize.programs import program_of
from bilinear.layers import LayerError, count_additions, fast_matmul, measure_accuracy
from bilinear.layers.fast_matmul import additions
from bilinear.layers.fast_matmul.plan import PRODUCT, groups_of, plan_of

TINY = (64, 64, 64)
ENTRIES = ("2x2x3-r11-zt-5a987373", "3x3x3-r23-zt-3ba64fe7", "4x4x4-r49-zt-6be24669")


def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch make the additions, as it does where nothing is compiled."""
    monkeypatch.setattr(additions, "COMPILED", ())


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("name", "levels"), [("strassen", 3), ("strassen2", 1), ("denominators", 2), ("rectangular", 2)]
)
def test_any_program_gives_the_product_and_its_gradients(name, levels, compiled, monkeypatch):
    if not compiled:
        by_torch(monkeypatch)
    scheme = EXACT[name]
    for program in (None, plain_program(scheme)):
        a, b = normal(37, 41).requires_grad_(), normal(41, 50, seed=1).requires_grad_()
        found, expected = fast_matmul(a, b, scheme, levels, program), a @ b
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        for own, theirs in zip(*(torch.autograd.grad(y.cos().sum(), (a, b)) for y in (found, expected)), strict=True):
            torch.testing.assert_close(own, theirs, rtol=0, atol=1e-8)


@pytest.mark.parametrize("entry", ENTRIES)
def test_programs_of_the_catalog_serve(entry, monkeypatch):
    catalog = Catalog()
    scheme = catalog.scheme(entry).value
    program = program_of(catalog, scheme)
    n, m, p = scheme.target.sizes
    a, b = normal(8 * n, 8 * m), normal(8 * m, 8 * p, seed=1)
    for _ in range(2):
        torch.testing.assert_close(fast_matmul(a, b, scheme, 1, program), a @ b)
        by_torch(monkeypatch)


def test_a_level_takes_the_additions_of_its_program():
    """With all products together: 15 for Winograd's scheme, 156 for the entry of 4x4x4."""
    assert count_additions(TINY, winograd(), device="cuda") == 15 * 32 * 32
    assert count_additions(TINY, winograd(), program=plain_program(winograd()), device="cuda") == 24 * 32 * 32
    catalog = Catalog()
    scheme = catalog.scheme(ENTRIES[2]).value
    assert count_additions(TINY, scheme, program=program_of(catalog, scheme), device="cuda") == 156 * 16 * 16


def test_few_products_at_a_time_share_fewer_sums():
    scheme = kronecker(strassen(), strassen())
    together, apart = (count_additions(TINY, scheme, device=kind) for kind in ("cuda", "cpu"))
    assert together < apart < count_additions(TINY, scheme, program=plain_program(scheme))


def test_additions_of_uneven_sizes_leave_the_borders_out():
    assert count_additions((65, 66, 67), winograd()) == count_additions((64, 66, 66), winograd())
    assert count_additions((1, 64, 64), winograd()) == count_additions(TINY, winograd(), 0) == 0


@pytest.mark.parametrize("size", [1, 3, 7, 49])
def test_rows_are_the_factors_whatever_they_share(size):
    """Run on unit blocks, rows give back the flattened factors."""
    plan = plan_of(EXACT["denominators"], 2)
    for group, first in zip(groups_of(plan, PRODUCT, size), range(0, 49, size), strict=True):
        part = slice(first, first + group.size)
        for rows, wanted in ((group.left, plan.factors["a"][part]), (group.right, plan.factors["b"][part])):
            source = additions.Blocks(torch.eye(16, dtype=torch.float64)[:, None])
            target = torch.full((group.size, 1, 16), torch.nan, dtype=torch.float64)
            additions.combine(source, additions.Blocks(target), rows)
            torch.testing.assert_close(target[:, 0], torch.from_numpy(wanted))


def test_coefficients_beyond_half_precision_are_balanced():
    """The factors are scaled to be near 1, so that the products stay within float16."""
    u, v, w = (factor.astype(object) for factor in strassen().factors)
    large = Scheme(strassen().target, "q", u * 2**12, v * 2**12, w, [2**24] * 7)
    a, b = normal(16, 16, dtype=torch.float16), normal(16, 16, dtype=torch.float16, seed=1)
    accuracy = measure_accuracy(a, b, large, 1, short_program(large))
    assert accuracy.fast < 1e-2


def test_programs_that_do_not_fit():
    a = normal(8, 8)
    with pytest.raises(ProgramError, match="program of 2x2x2: u"):
        fast_matmul(a, a, strassen(), program=short_program(winograd()))
    with pytest.raises(LayerError, match="a program in an alternative basis; give one in the scheme's own"):
        fast_matmul(a, a, winograd(), program=rebased_program(winograd()))
