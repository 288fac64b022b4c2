"""Entries rounded in order of confidence, the rest solved for again after each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from bilinear.discover.discretize.descent import EXACT, settle
from bilinear.discover.discretize.equations import Equations
from bilinear.discover.discretize.grids import nearest

CONFIDENT = 0.02
"""Entries nearer to the grid than this are rounded together."""
CAUTION = 1 / 4
"""After a failure only entries this much nearer are rounded together."""
CAUTIONS = 2
"""Failures after which only the nearest is rounded, with what lies equally near."""
REFUSALS = 12
"""Entries of a member that may fail to round before the member is given up."""
ROUNDS = 500
SETTLING = 12
DAMPING = 1e-4
LARGEST = 100.0
"""Entries beyond this are a sign that the rest of the equations can only be met at infinity."""


@dataclass
class Rounding:
    """Members whose entries become fixed one after the other.

    Attributes:
        x: The unknowns; those fixed are on the grid, shape (members, unknowns).
        fixed: Which are, of that shape.
        wanted: Which are to be, shape (unknowns,).
        refused: Which could not be rounded since the last success, of that shape.
        refusals: How often that happened, shape (members,).
        reach: Distance up to which entries are rounded together, shape (members,).
        rounds: Rounds made.
    """

    x: Tensor
    fixed: Tensor
    wanted: Tensor
    refused: Tensor
    refusals: Tensor
    reach: Tensor
    rounds: int = 0

    @property
    def complete(self) -> Tensor:
        """Which members have all entries fixed that are wanted, shape (members,)."""
        return (self.fixed | ~self.wanted).all(1)

    @classmethod
    def of(cls, x: Tensor, wanted: Tensor) -> Rounding:
        """Nothing fixed yet."""
        none = torch.zeros(x.shape, dtype=torch.bool, device=x.device)
        counts = torch.zeros(len(x), dtype=torch.long, device=x.device)
        return cls(x.clone(), none, wanted, none.clone(), counts, x.real.new_full((len(x),), CONFIDENT))


def rounded(equations: Equations, x: Tensor, grid: tuple[Fraction, ...], axes: tuple[int, ...]) -> Rounding:
    """Fix entries on the grid, the nearest first, as long as the equations can still be met.

    Args:
        equations: The equations.
        x: Solutions, shape (members, unknowns).
        grid: The numbers rounded to.
        axes: The factors whose entries are rounded; the others follow.
    """
    parts = equations.split(torch.zeros_like(x[:1], dtype=torch.bool))
    wanted = equations.join([part | (axis in axes) for axis, part in enumerate(parts)])[0]
    state = Rounding.of(x, wanted)
    while state.rounds < ROUNDS:
        going = (state.refusals <= REFUSALS) & ~(state.fixed | state.refused | ~state.wanted).all(1)
        members = going.nonzero()[:, 0]
        if not len(members):
            break
        _round(equations, state, members, grid)
        state.rounds += 1
    return state


def _round(equations: Equations, state: Rounding, members: Tensor, grid: tuple[Fraction, ...]) -> None:
    """Fix the most confident entries of these members and solve for the rest; take it back where that fails."""
    x = state.x[members]
    aims = nearest(x, grid)
    distances = (x - aims).abs()
    distances[state.fixed[members] | state.refused[members] | ~state.wanted] = torch.inf
    reach = torch.maximum(distances.amin(1), state.reach[members])
    chosen = (distances <= reach[:, None]) & distances.isfinite()
    fixed = state.fixed[members] | chosen
    found, errors = settle(equations, torch.where(chosen, aims, x), SETTLING, ~fixed, DAMPING)
    good = (errors <= EXACT) & (found.abs().amax(1) < LARGEST)
    state.x[members] = torch.where(good[:, None], found, x)
    state.fixed[members] = torch.where(good[:, None], fixed, state.fixed[members])
    _judge(state, members, chosen, good)


def _judge(state: Rounding, members: Tensor, chosen: Tensor, good: Tensor) -> None:
    """After a success all entries may be tried again; after a failure fewer are, and the nearest alone is refused."""
    reach = state.reach[members]
    refused = ~good & ((reach == 0) | (chosen.sum(1) == 1))
    state.refused[members] = ~good[:, None] & (state.refused[members] | (chosen & refused[:, None]))
    state.refusals[members] += refused.long()
    less = reach * CAUTION
    narrower = torch.where(less < CONFIDENT * CAUTION**CAUTIONS, torch.zeros_like(less), less)
    state.reach[members] = torch.where(good, torch.full_like(reach, CONFIDENT), narrower)
