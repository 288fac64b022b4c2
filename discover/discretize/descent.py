"""Levenberg-Marquardt steps for a batch of decompositions, some of whose entries may be held fixed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bilinear.decompositions.giving_way import give_way
from bilinear.discover.discretize.equations import Equations, squares

EXACT = 1e-20
"""Squared error at which floats are taken for a solution: quadratic convergence goes on to about 1e-28."""
LEAST_DAMPING, MOST_DAMPING = 1e-13, 1e6
EASED, TIGHTENED = 1 / 4, 6.0


@dataclass(frozen=True)
class Pull:
    """Springs that draw entries: `sum weights |x - aims|^2` is added to the squared error.

    Attributes:
        weights: Not negative, shape (members, unknowns), or one that broadcasts to it.
        aims: Where to, likewise.
    """

    weights: Tensor
    aims: Tensor

    def energy(self, x: Tensor) -> Tensor:
        """What is added to the squared error, shape (members,)."""
        return squares(self.weights.sqrt() * (x - self.aims))


@dataclass
class Batch:
    """Decompositions on their way, and how cautiously each of them steps.

    Attributes:
        x: The unknowns, shape (members, unknowns).
        damping: Levenberg-Marquardt damping, shape (members,).
    """

    x: Tensor
    damping: Tensor

    @classmethod
    def of(cls, x: Tensor, damping: float) -> Batch:
        """A batch at x, all equally cautious."""
        return cls(x, x.real.new_full((len(x),), damping))


def step(equations: Equations, batch: Batch, pull: Pull | None = None, free: Tensor | None = None) -> Tensor:
    """One damped Gauss-Newton step of every member; one that would not lower its sum is not taken, but damped more.

    The damping of a member that advances falls to its squared error at most, so that convergence is quadratic, on
    solution manifolds (singular Jacobians) too.

    Args:
        equations: The equations.
        batch: Changed in place.
        pull: Springs besides the equations.
        free: Which entries may move, shape (members, unknowns); all if not given.

    Returns:
        The squared errors after the step, without the springs, shape (members,).

    Source:
        N. Yamashita, M. Fukushima, "On the rate of convergence of the Levenberg-Marquardt method", Computing Suppl.
        15, 2001, for damping by the squared error.
    """
    give_way()
    x = batch.x
    residual = equations.residual(x)
    error = squares(residual.flatten(1))
    slope, normal = equations.slope(x, residual), equations.normal(x)
    diagonal = torch.diagonal(normal, dim1=1, dim2=2)
    diagonal += batch.damping[:, None]
    before = error
    if pull is not None:
        slope = slope - pull.weights * (x - pull.aims)
        diagonal += pull.weights
        before = error + pull.energy(x)
    trial = x + _solved(normal, slope, free)
    reached = equations.error(trial)
    after = reached if pull is None else reached + pull.energy(trial)
    better = after < before  # false where a number is not finite
    eased = torch.minimum(batch.damping * EASED, reached)
    batch.damping = torch.where(better, eased, batch.damping * TIGHTENED).clamp(LEAST_DAMPING, MOST_DAMPING)
    batch.x = torch.where(better[:, None], trial, x)
    return torch.where(better, reached, error)


def settle(
    equations: Equations, x: Tensor, steps: int, free: Tensor | None = None, damping: float = 1e-3
) -> tuple[Tensor, Tensor]:
    """Descend to solutions, in so many steps at most; members that have arrived rest.

    Returns:
        The unknowns and the squared errors.
    """
    x, errors = x.clone(), equations.error(x)
    batch, moving = Batch.of(x, damping), torch.arange(len(x), device=x.device)
    for _ in range(steps):
        rest = errors[moving] > EXACT
        if not rest.any():
            break
        moving = moving[rest]
        batch = Batch(batch.x[rest], batch.damping[rest])
        errors[moving] = step(equations, batch, free=None if free is None else free[moving])
        x[moving] = batch.x
    return x, errors


def _solved(normal: Tensor, slope: Tensor, free: Tensor | None) -> Tensor:
    """The solutions of the positive definite systems, zero at entries that are not free or where one is singular."""
    if normal.device.type == "cpu":
        return _solved_one_by_one(normal, slope, free)
    if free is not None:
        normal = normal * (free[:, :, None] & free[:, None, :])
        torch.diagonal(normal, dim1=1, dim2=2)[~free] = 1
        slope = slope * free
    factor, failure = torch.linalg.cholesky_ex(normal)
    found = torch.cholesky_solve(slope[..., None], factor)[..., 0]
    return torch.where((failure == 0)[:, None], found, torch.zeros_like(found))


def _solved_one_by_one(normal: Tensor, slope: Tensor, free: Tensor | None) -> Tensor:
    """By LAPACK in place, of the free entries alone: on a CPU faster than torch's own, most of all when few are."""
    from scipy.linalg import lapack

    solve = lapack.zposv if normal.is_complex() else lapack.dposv
    found = torch.zeros_like(slope)
    for member in range(len(slope)):
        give_way()
        places = slice(None) if free is None else free[member].nonzero()[:, 0]
        right = slope[member, places]
        if not len(right):
            continue
        matrix = normal[member] if free is None else normal[member][places][:, places]
        columns = matrix.conj().resolve_conj().numpy().T  # of a Hermitian matrix; Fortran order, so not copied
        _, solution, failure = solve(columns, right.numpy(), lower=0, overwrite_a=1)
        if failure == 0:
            found[member, places] = torch.from_numpy(solution)
    return found
