"""From float solutions to exact schemes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilinear.decompositions.errors import RingError, SchemeError
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.discretize.descent import EXACT, settle
from bilinear.discover.discretize.drawing import attracted, sparsified
from bilinear.discover.discretize.equations import AXES, Equations
from bilinear.discover.discretize.exact import assembled
from bilinear.discover.discretize.grids import grids
from bilinear.discover.discretize.rounding import rounded

FloatFactors = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""U, V and W as floats or complex numbers, shapes (rank, left | right | out)."""

POLISHING = 60
BATCH_BYTES = 1 << 28
EMPHASIS = 0.4, 1.6
"""Range of the random weights that all tries but the first give to the absolute values."""
SHAKEN = 0.1
"""Standard deviation by which those tries move the solution first, before it settles again."""


HALVES = 2
"""Largest denominator of the grids to which all three factors are rounded; beyond, the output factor is solved for."""


@dataclass(frozen=True)
class Discretized:
    """What became of one float solution.

    Attributes:
        scheme: An exact, verified scheme of the target over the ring asked for, or None.
        detail: The outcome in words.
    """

    scheme: Scheme | None
    detail: str


def discretize(
    solutions: Sequence[Approximation | FloatFactors],
    target: Target,
    ring: Ring | str = Ring.ZT,
    seed: int = 0,
    tries: int = 2,
    device: str = "cpu",
) -> list[Discretized]:
    """Turn float solutions of the Brent equations into exact schemes.

    A solution is moved along the manifold of solutions to a sparse one, from there to one with most entries on a grid
    (of signs; then, where the ring has them, of halves or integers, then of small fractions; of Gaussian ones over
    `qi`); entries are fixed in order of confidence while the rest is solved for again; over `q` and `qi` two rational
    factors suffice, the third is the exact solution of a linear system. What comes out is verified.

    Args:
        solutions: Float factors that meet the equations nearly; complex ones only over `qi`.
        target: The bilinear map.
        ring: `zt`, `z`, `q` or `qi`; it decides which grids are tried.
        seed: Of what is drawn.
        tries: Most tries; all but the first begin by shaking the solution.
        device: `cpu` or `cuda`.

    Raises:
        RingError: If the ring is `f2` or `f3`, or complex factors are to become real.
        SchemeError: If factors do not have the target's shape, or ranks differ.
        TooLargeError: If the normal equations would not fit into memory.
    """
    ring = parse_ring(ring)
    if not grids(ring):
        raise RingError(f"floats cannot be rounded to {ring}; discretize over z or q and reduce")
    if not solutions:
        return []
    equations, x = _stacked(solutions, target, ring, device)
    rng = np.random.default_rng(seed)
    size = equations.members_within(BATCH_BYTES)
    return [found for part in torch.split(x, size) for found in _discretized(equations, part, ring, rng, tries)]


def _stacked(
    solutions: Sequence[Approximation | FloatFactors], target: Target, ring: Ring, device: str
) -> tuple[Equations, Tensor]:
    """The equations and the unknowns, shape (members, unknowns)."""
    factors = [s.factors if isinstance(s, Approximation) else s for s in solutions]
    rank = len(factors[0][0])
    for member in factors:
        shapes = [np.shape(factor) for factor in member]
        if shapes != [(rank, side) for side in target.shape]:
            raise SchemeError(f"{target.short}: factors of shapes {shapes}; {rank} rows of {target.shape} are needed")
    rows = np.array([np.concatenate([np.ravel(factor) for factor in member]) for member in factors])
    if ring is not Ring.QI and np.iscomplexobj(rows):
        raise RingError(f"{target.short}: complex factors cannot be rounded to {ring}; ask for qi")
    dtype = torch.complex128 if ring is Ring.QI else torch.float64
    return Equations(target, rank, dtype, device), torch.from_numpy(rows).to(device, dtype)


def _discretized(
    equations: Equations, x: Tensor, ring: Ring, rng: np.random.Generator, tries: int
) -> list[Discretized]:
    """The outcomes of a batch."""
    x, errors = settle(equations, x, POLISHING)
    found: list[Discretized] = [
        Discretized(None, "no rounding met the equations; try more tries, another seed or a larger ring")
        if error <= EXACT
        else Discretized(None, f"no solution of the equations: squared error {error:.1e}")
        for error in errors.tolist()
    ]
    left = (errors <= EXACT).nonzero()[:, 0]
    for number in range(tries):
        if not len(left):
            break
        begun = _begun(equations, x[left], rng, number)
        for grid in grids(ring):
            schemes = list(_on_grid(equations, begun, ring, grid))
            for member, scheme in zip(left.tolist(), schemes, strict=True):
                if scheme is not None:
                    found[member] = Discretized(scheme, f"a scheme over {scheme.ring}, verified")
            missing = torch.tensor([scheme is None for scheme in schemes], dtype=torch.bool, device=x.device)
            begun, left = begun[missing], left[missing]
            if not len(left):
                break
    return found


def _begun(equations: Equations, x: Tensor, rng: np.random.Generator, number: int) -> Tensor:
    """Sparse solutions; from the second try on shaken ones, made sparse with random weights."""
    emphasis = torch.ones(x.shape, dtype=torch.float64, device=x.device)
    if number:
        low, high = EMPHASIS
        emphasis = torch.from_numpy(rng.uniform(low, high, x.shape)).to(x.device)
        noise = torch.from_numpy(SHAKEN * rng.standard_normal(x.shape)).to(x.device)
        moved, errors = settle(equations, x + noise, POLISHING)
        x = torch.where((errors <= EXACT)[:, None], moved, x)
    return sparsified(equations, x, emphasis)


def _on_grid(equations: Equations, x: Tensor, ring: Ring, grid: tuple[Fraction, ...]) -> Iterator[Scheme | None]:
    """The schemes that rounding to a grid leads to, one or None for each member."""
    axes = AXES if ring in (Ring.ZT, Ring.Z) or max(number.denominator for number in grid) <= HALVES else AXES[:2]
    state = rounded(equations, attracted(equations, x, grid), grid, axes)
    whole = state.complete
    factors = [part.cpu().numpy() for part in equations.split(state.x)]
    for member in range(len(x)):
        own = [factor[member] for factor in factors]
        yield assembled(equations.target, ring, own) if bool(whole[member]) or ring in (Ring.Q, Ring.QI) else None
