"""`fast_matmul` is `torch.matmul`: for exact schemes of any kind, any shape, dtype and derivative, within a bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import EXACT, normal, relative_rms, rounding

from bilinear.decompositions import Scheme, standard, strassen
from bilinear.layers import Basis, fast_matmul, measure_accuracy
from bilinear.layers.fast_matmul import additions, plan
from bilinear.layers.fast_matmul.plan import PRODUCT, groups_of, plan_of

TWICE = ("strassen", "rectangular", "denominators")
CASES = [(name, 1) for name in EXACT] + [(name, 2) for name in TWICE] + [("strassen", 3)]


def tolerance(scheme: Scheme, inner: int, dtype: torch.dtype, levels: int) -> float:
    """The layers' bound on one level, once more for each further one: a level amplifies the errors of those below."""
    return rounding(scheme, inner, dtype) ** levels / torch.finfo(dtype).eps ** (levels - 1) if levels else 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("name", "levels"), CASES)
def test_it_is_the_matrix_product(name, levels, dtype):
    scheme = EXACT[name]
    a, b = normal(37, 41, dtype=dtype), normal(41, 50, dtype=dtype, seed=1)
    found = fast_matmul(a, b, scheme, levels)
    assert found.dtype == dtype
    assert relative_rms(found, a.double() @ b.double()) < tolerance(scheme, 41, dtype, levels)


def test_integers_in_floats_come_out_exactly():
    a = torch.arange(24.0 * 31).reshape(24, 31) % 7 - 3
    b = torch.arange(31.0 * 18).reshape(31, 18) % 5 - 2
    for name in ("strassen", "strassen2", "standard3", "rectangular"):
        assert torch.equal(fast_matmul(a, b, EXACT[name]), a @ b)
    assert torch.equal(fast_matmul(a, b, strassen(), 3), a @ b)


def test_a_wrong_scheme_is_seen():
    right = strassen()
    w = right.w.copy()
    w[3, 0] += 1
    wrong = Scheme(right.target, "z", right.u, right.v, w)
    a, b = normal(8, 8), normal(8, 8, seed=1)
    assert relative_rms(fast_matmul(a, b, wrong), a @ b) > 0.1


@settings(max_examples=30, deadline=None)
@given(sizes=st.tuples(*[st.integers(1, 20)] * 3), levels=st.integers(0, 2), name=st.sampled_from(TWICE))
def test_any_sizes(sizes, levels, name):
    rows, inner, columns = sizes
    a, b = normal(rows, inner), normal(inner, columns, seed=1)
    torch.testing.assert_close(fast_matmul(a, b, EXACT[name], levels), a @ b, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "shapes", [((3, 6, 4), (4, 6)), ((2, 3, 6, 4), (3, 4, 6)), ((6, 4), (5, 4, 6)), ((1, 6, 4), (5, 4, 6))]
)
def test_leading_axes_are_broadcast_as_torch_does(shapes):
    a, b = normal(*shapes[0]).requires_grad_(), normal(*shapes[1], seed=1).requires_grad_()
    found, expected = fast_matmul(a, b, strassen()), a @ b
    torch.testing.assert_close(found, expected)
    weights = normal(*expected.shape, seed=2)
    for own, theirs in zip(
        torch.autograd.grad(found, (a, b), weights), torch.autograd.grad(expected, (a, b), weights), strict=True
    ):
        torch.testing.assert_close(own, theirs)


@pytest.mark.parametrize(
    "shapes", [((0, 4), (4, 6)), ((4, 0), (0, 6)), ((4, 4), (4, 0)), ((0, 4, 4), (4, 4)), ((0, 4, 4), (0, 4, 4))]
)
def test_empty_operands(shapes):
    a, b = torch.ones(shapes[0]), torch.ones(shapes[1])
    assert torch.equal(fast_matmul(a, b, strassen()), a @ b)


@pytest.mark.parametrize(
    ("name", "levels"), [("strassen", 1), ("strassen", 2), ("rectangular", 1), ("denominators", 1)]
)
def test_derivatives_of_both_orders(name, levels):
    a, b = normal(5, 6).requires_grad_(), normal(6, 5, seed=1).requires_grad_()

    def product(x, y):
        return fast_matmul(x, y, EXACT[name], levels)

    assert torch.autograd.gradcheck(product, (a, b), fast_mode=True)
    assert torch.autograd.gradgradcheck(product, (a, b), fast_mode=True)


def test_only_the_gradients_asked_for_are_computed():
    a, b = normal(8, 8).requires_grad_(), normal(8, 8, seed=1)
    fast_matmul(a, b, strassen()).sum().backward()
    torch.testing.assert_close(a.grad, b.sum(1).expand(8, 8))
    assert b.grad is None


def test_memory_that_is_not_contiguous():
    a, b = normal(20, 24)[::2, 2:14], normal(30, 12, seed=1).mT
    torch.testing.assert_close(fast_matmul(a, b, strassen()), a @ b)
    torch.testing.assert_close(
        fast_matmul(normal(12, 1).expand(12, 8), b[:8], strassen()), normal(12, 1).expand(12, 8) @ b[:8]
    )


@pytest.mark.parametrize("share", [1e-9, 0.05, 0.2, 1.0])
def test_any_workspace_gives_the_same_product(share, monkeypatch):
    monkeypatch.setattr(plan, "WORKSPACE", share)
    a, b = normal(32, 32), normal(32, 32, seed=1)
    torch.testing.assert_close(fast_matmul(a, b, strassen(), 2), a @ b)


def test_groups_hold_every_product_once_and_write_every_block():
    twice = plan_of(strassen(), 2)
    for size in (1, 4, 7, 49):
        groups = groups_of(twice, PRODUCT, size)
        assert sum(group.size for group in groups) == 49
        out = groups[0].out
        assert sorted(out.targets[~out.aside].tolist()) == list(range(16))  # in the order of the program
        assert not out.gains.any()


def test_groups_are_whole_last_levels_where_they_fit():
    twice = plan_of(strassen(), 2)
    assert [twice.group_size(share) for share in (1.0, 0.26, 1 / 16, 1 / 98)] == [1, 1, 7, 49]
    assert plan_of(EXACT["strassen2"], 1).group_size(1 / 16) == 8


def test_flattening_is_the_kronecker_product():
    twice, whole = plan_of(strassen(), 2), Basis.of(EXACT["strassen2"])
    for name, factor in (("a", whole.u), ("b", whole.v), ("c", whole.w)):
        assert np.array_equal(twice.factors[name], factor)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_and_plain_additions_agree(dtype, monkeypatch):
    a, b = normal(40, 40, dtype=dtype), normal(40, 40, dtype=dtype, seed=1)
    compiled = fast_matmul(a, b, EXACT["denominators"], 2)
    monkeypatch.setattr(additions, "COMPILED", ())
    plain = fast_matmul(a, b, EXACT["denominators"], 2)
    assert relative_rms(plain, compiled) < 2 * tolerance(EXACT["denominators"], 40, dtype, 2)
    assert not torch.equal(plain, compiled)  # they add in another order


def test_threads_of_numba_are_left_as_they_were():
    import numba

    before = numba.get_num_threads()
    fast_matmul(normal(8, 8), normal(8, 8), strassen())
    assert numba.get_num_threads() == before


def test_accuracy_of_known_errors():
    a, b = normal(64, 64, dtype=torch.float32), normal(64, 64, dtype=torch.float32, seed=1)
    accuracy = measure_accuracy(a, b, strassen(), 2)
    exact = a.double() @ b.double()
    own = fast_matmul(a, b, strassen(), 2)
    assert accuracy.fast == pytest.approx(float((own.double() - exact).norm() / exact.norm()))
    assert accuracy.torch == pytest.approx(float(((a @ b).double() - exact).norm() / exact.norm()))
    assert accuracy.torch < accuracy.fast < 1e-5
    assert str(accuracy).startswith("relative error against float64: ")
    assert measure_accuracy(a, torch.zeros(64, 3), strassen()).fast == 0
    assert measure_accuracy(a[:0], b, strassen()).fast_max == 0


def test_plans_are_made_once():
    scheme = standard(strassen().target)
    assert plan_of(scheme, 1) is plan_of(scheme, 1)


def test_it_stands_inside_a_compiled_function():
    scheme = strassen()

    def model(x, y):
        return torch.relu(fast_matmul(x, y, scheme) + 1)

    a, b = normal(8, 8), normal(8, 8, seed=1)
    torch.testing.assert_close(torch.compile(model, backend="eager")(a, b), model(a, b))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_on_cuda(dtype):
    a, b = normal(133, 170, dtype=dtype).cuda(), normal(170, 201, dtype=dtype, seed=1).cuda()
    found = fast_matmul(a, b, strassen(), 2)
    assert found.is_cuda
    assert relative_rms(found, a.double() @ b.double()) < tolerance(strassen(), 170, dtype, 2)
