"""The solver `composition`: no search, the best that products and joined blocks of given schemes make of a format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bilinear.decompositions.composition import LARGEST, Recipe, Sizes, cheapest, composed, described, ordered, rising
from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.fields import sound
from bilinear.discover.engine.problem import Problem, ProblemError

COMPOSITION = "composition"
"""The solver's name in the registry."""


@dataclass
class CompositionState:
    """What was put together.

    Attributes:
        problem: What is asked for.
        recipe: How, in words.
        u: Its first factor, shape (rank, n * m).
        v: Its second factor, shape (rank, m * p).
        w: Its third factor, shape (rank, n * p).
        denominators: Of each product, shape (rank,).
        steps: 0 before it was given, 1 after.
        exhausted: Whether it was given.
    """

    problem: Problem
    recipe: str
    u: IntArray
    v: IntArray
    w: IntArray
    denominators: IntArray
    steps: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        """How it was put together."""
        return {"recipe": self.recipe}


@dataclass(frozen=True)
class Composition:
    """Put a matrix product together from smaller schemes: those given, and the standard algorithm.

    Of every format inside the target the cheapest way is taken: a scheme given, a Kronecker product of two formats, or
    two blocks joined along one size. The command `search` gives it the best schemes of the catalog if none are named.

    Source:
        V. Strassen, "Gaussian elimination is not optimal" (Numerische Mathematik 13, 1969), for products by recursion;
        A. Sedoglavic, the catalogue fmm.univ-lille.fr, for tables of what products and blocks reach.
    """

    state_type: ClassVar[type[CompositionState]] = CompositionState
    any_format: ClassVar[bool] = True

    def start(
        self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()
    ) -> CompositionState:
        """Put the scheme together.

        Args:
            problem: A matrix product with sizes up to 32.
            rng: Not used: there is nothing to draw.
            starts: Schemes of matrix products; of several of one format the first of the lowest rank is taken.

        Raises:
            ProblemError: If the target or a start is no matrix product or not real, or the rank cannot be reached.
            TargetError: If a size is beyond 32.
            RingError: If a start cannot be brought to the ring.
        """
        schemes = _by_format(problem, starts)
        recipe = cheapest(problem.target.sizes, {sizes: scheme.rank for sizes, scheme in schemes.items()})
        if problem.rank is not None and recipe.rank > problem.rank:
            raise ProblemError(
                f"{problem.short}: the schemes given reach {recipe.rank} products ({described(recipe)}), "
                f"not {problem.rank}; give better parts with --start, or choose another solver"
            )
        scheme = ordered(composed(recipe, schemes), problem.target.sizes)
        return CompositionState(problem, described(recipe), scheme.u, scheme.v, scheme.w, scheme.denominators)

    def advance(self, state: CompositionState) -> CompositionState:
        """Nothing is left to do."""
        state.steps, state.exhausted = 1, True
        return state

    def candidates(self, state: CompositionState) -> Iterator[Scheme | Approximation]:
        """The scheme, over the ring asked for."""
        if state.steps:
            yield _whole(state)

    def check(self, state: CompositionState) -> None:
        """See `Checking`."""
        sound(state.steps in (0, 1) and state.exhausted == bool(state.steps), "it was put together more than once")
        sound(state.recipe.isprintable(), "its recipe is no text")
        proof = verify(_whole(state))
        sound(proof.ok, f"its scheme is wrong: {proof.detail}")


def _whole(state: CompositionState) -> Scheme:
    return Scheme(state.problem.target, state.problem.ring, state.u, state.v, state.w, state.denominators)


def reached(problem: Problem, starts: Sequence[Scheme | Approximation]) -> Recipe | None:
    """How schemes of smaller formats make one of the rank asked for; None if they do not."""
    if problem.rank is None or problem.target.family != "matmul" or not starts:
        return None
    sizes = rising(problem.target.sizes)
    if sizes[-1] > LARGEST or any(not _is_part(start, sizes) for start in starts):
        return None
    recipe = cheapest(sizes, {rising(start.target.sizes): start.rank for start in starts})
    return recipe if recipe.rank <= problem.rank else None


def _is_part(start: Scheme | Approximation, sizes: Sizes) -> bool:
    """Whether a start is a real scheme of a matrix product of another format."""
    real = isinstance(start, Scheme) and start.target.family == "matmul" and start.imag is None
    return real and rising(start.target.sizes) != sizes


def _by_format(problem: Problem, starts: Sequence[Scheme | Approximation]) -> dict[Sizes, Scheme]:
    """The best start of each format, its sizes rising, over the ring asked for."""
    if problem.target.family != "matmul":
        raise ProblemError(f"composition puts matrix products together, not {problem.target.short}")
    found: dict[Sizes, Scheme] = {}
    for start in starts:
        if not isinstance(start, Scheme) or start.target.family != "matmul" or start.imag is not None:
            raise ProblemError(f"start of {start.target.short}: composition takes real schemes of matrix products")
        sizes = rising(start.target.sizes)
        if sizes not in found or start.rank < found[sizes].rank:
            found[sizes] = ordered(start, sizes).to(problem.ring)
    return found
