"""The batched equations against their definitions, and the descent on them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from strategies import file_targets, generators

from bilinear.decompositions import Target, parse_target, strassen
from bilinear.discover.discretize.descent import EXACT, Batch, Pull, settle, step
from bilinear.discover.discretize.equations import Equations
from bilinear.discover.solvers.als.bounding import cut
from bilinear.discover.solvers.als.sweeps import swept

KINDS = [torch.float64, torch.complex128]


def drawn(equations: Equations, rng: np.random.Generator, members: int = 2) -> torch.Tensor:
    real, imag = rng.standard_normal((2, members, equations.unknowns))
    return torch.from_numpy(real + 1j * imag if equations.dtype.is_complex else real)


def jacobian(equations: Equations, x: torch.Tensor) -> torch.Tensor:
    """By differences of the sum, which is affine in each single unknown; shape (entries, unknowns)."""
    own = torch.eye(equations.unknowns, dtype=x.dtype)
    return (equations.residual(x[None]) - equations.residual(x + own)).flatten(1).T


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(target=file_targets(3), rng=generators())
def test_slope_and_normal_matrix_are_those_of_the_jacobian(
    kind: torch.dtype, target: Target, rng: np.random.Generator
) -> None:
    equations = Equations(target, 3, kind)
    x = drawn(equations, rng)
    residual, slope, normal = equations.residual(x), None, equations.normal(x)
    slope = equations.slope(x, residual)
    for member in range(2):
        j = jacobian(equations, x[member])
        assert torch.allclose(normal[member], j.mH @ j)
        assert torch.allclose(slope[member], j.mH @ residual[member].flatten())


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(target=file_targets(3), rng=generators())
def test_the_contraction_over_nonzeros_is_that_of_the_dense_tensor(
    kind: torch.dtype, target: Target, rng: np.random.Generator
) -> None:
    equations = Equations(target, 2, kind)
    factors = equations.split(drawn(equations, rng))
    dense = torch.from_numpy(target.dense()).to(kind)
    conjugates = [factor.conj() for factor in factors]
    for axis, formula in enumerate(("ijk,nqj,nqk->nqi", "ijk,nqi,nqk->nqj", "ijk,nqi,nqj->nqk")):
        others = [conjugates[k] for k in range(3) if k != axis]
        assert torch.allclose(equations.contracted(factors, axis), torch.einsum(formula, dense, *others))


def test_a_scheme_solves_the_equations_and_a_nudged_one_does_not() -> None:
    scheme = strassen()
    equations = Equations(scheme.target, 7)
    x = torch.from_numpy(np.concatenate([factor.ravel() for factor in scheme.factors]).astype(float))[None]
    assert equations.error(x).item() == 0
    x[0, 3] += 1
    assert equations.error(x).item() >= 1


@settings(deadline=None, max_examples=10)
@given(target=file_targets(3), rng=generators())
def test_balancing_keeps_the_products_and_evens_their_rows(target: Target, rng: np.random.Generator) -> None:
    equations = Equations(target, 3)
    x = drawn(equations, rng)
    balanced = equations.balanced(x)
    assert torch.allclose(equations.residual(balanced), equations.residual(x))
    norms = [factor.norm(dim=2) for factor in equations.split(balanced)]
    assert torch.allclose(norms[0], norms[1])
    assert torch.allclose(norms[1], norms[2])
    assert torch.allclose(equations.product_norms(x), norms[0])
    assert equations.product_norms(cut(equations, x, 0.5)).max() <= 0.5 + 1e-12


@settings(deadline=None, max_examples=10)
@given(target=file_targets(3), rng=generators())
def test_sweeps_lower_the_error_with_its_ridge(target: Target, rng: np.random.Generator) -> None:
    equations = Equations(target, 2)
    x = equations.balanced(drawn(equations, rng))
    ridge = 0.1

    def value(x: torch.Tensor) -> torch.Tensor:
        return equations.error(x) + ridge * x.square().sum(1)

    before = value(x)
    for _ in range(3):
        x = swept(equations, x, [ridge])
        after = value(x)
        assert (after <= before + 1e-9).all()
        before = after


@pytest.mark.parametrize("kind", KINDS)
def test_the_descent_converges_quadratically_to_rounding(kind: torch.dtype) -> None:
    scheme = strassen()
    equations = Equations(scheme.target, 7, kind)
    rng = np.random.default_rng(3)
    exact = np.concatenate([factor.ravel() for factor in scheme.factors]).astype(float)
    start = torch.from_numpy(exact + 0.05 * rng.standard_normal((4, 84))).to(kind)
    batch, errors = Batch.of(start, 1e-3), []
    for _ in range(10):
        errors.append(step(equations, batch))
    assert (errors[-1] < 1e-27).all()
    for one, two in zip(errors, errors[1:], strict=False):
        small = (one < 1e-3) & (one > 1e-12)
        assert (two[small] < 30 * one[small] ** 1.5).all()


def test_entries_that_are_not_free_stay() -> None:
    equations = Equations(parse_target("2x2x2"), 8)
    x = drawn(equations, np.random.default_rng(5), 3) / 2
    free = torch.from_numpy(np.random.default_rng(6).random(x.shape) < 0.9)
    found, errors = settle(equations, x, 60, free)
    assert torch.equal(found[~free], x[~free])
    assert (errors < equations.error(x)).all()
    assert (errors <= EXACT).any()


def test_springs_hold_back() -> None:
    equations = Equations(parse_target("2x2x2"), 7)
    x = drawn(equations, np.random.default_rng(1), 1)
    stiff = Batch.of(x, 1e-3)
    step(equations, stiff, Pull(torch.full_like(x, 1e9), x))
    assert (stiff.x - x).abs().max() < 1e-6
