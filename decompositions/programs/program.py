"""Straight-line programs: the values of several linear forms by additions and multiplications by constants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError

MAX_STEPS = 1 << 20


class ProgramError(BilinearError):
    """A program that cannot be run, or that does not compute what it should."""


class Term(NamedTuple):
    """A value times a constant.

    Attributes:
        place: Of the value: inputs come first, then the values of the steps.
        scale: The constant; 1 over `f2`, 1 or -1 over `f3`.
    """

    place: int
    scale: Fraction

    def times(self, factor: Fraction) -> Term:
        """The same value, times another constant as well."""
        return Term(self.place, self.scale * factor)


Step = tuple[Term, ...]
"""One term (a multiplication by a constant) or two (an addition)."""


class Operations(NamedTuple):
    """What running a program once costs.

    Attributes:
        additions: Additions and subtractions of two values; exclusive ors over `f2`.
        powers_of_two: Multiplications by constants 2, 1/2, 4, ..., up to sign.
        multiplications: Multiplications by other constants than these and 1, up to sign.
        negations: Values whose sign is changed by themselves.
    """

    additions: int
    powers_of_two: int
    multiplications: int
    negations: int

    def __add__(self, other: object) -> Operations:
        if not isinstance(other, Operations):
            return NotImplemented
        return Operations(*(x + y for x, y in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Program:
    """Linear forms, computed step by step.

    Attributes:
        inputs: Values it begins with.
        steps: Each makes a value of one or two values before it.
        outputs: The forms, each a value times a constant; None for the form 0.
        characteristic: 0, or 2 or 3 where values are residues.

    Raises:
        ProgramError: If a step refers to a value that is not there yet, has no or more than two terms, or a constant is
            0 or lies outside the coefficients of the characteristic.
    """

    inputs: int
    steps: tuple[Step, ...]
    outputs: tuple[Term | None, ...]
    characteristic: int = 0

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.characteristic not in (0, 2, 3) or len(self.steps) > MAX_STEPS:
            raise ProgramError(
                f"a program of {self.inputs} inputs and {len(self.steps)} steps in characteristic "
                f"{self.characteristic}; at least 1, at most {MAX_STEPS}, and 0, 2 or 3 are needed"
            )
        for place, step in enumerate(self.steps):
            if len(step) not in (1, 2):
                raise ProgramError(f"step {place}: {len(step)} terms; one or two are needed")
            self._check(f"step {place}", step, self.inputs + place)
        for place, output in enumerate(self.outputs):
            if output is not None:
                self._check(f"output {place}", (output,), self.inputs + len(self.steps))

    def _check(self, thing: str, terms: Step, known: int) -> None:
        allowed = {0: None, 2: (1,), 3: (1, -1)}[self.characteristic]
        for index, scale in terms:
            if not 0 <= index < known:
                raise ProgramError(f"{thing}: value {index} is not known there; one of 0 to {known - 1} is needed")
            if scale == 0 or (allowed is not None and scale not in allowed):
                raise ProgramError(f"{thing}: constant {scale} in characteristic {self.characteristic}")

    @cached_property
    def operations(self) -> Operations:
        """The cost of running it once."""
        additions = sum(len(step) == 2 for step in self.steps)
        scales = [abs(term.scale) for step in self.steps for term in step]
        scales += [abs(output.scale) for output in self.outputs if output is not None]
        constants = [scale for scale in scales if scale != 1]
        powers = sum(is_power_of_two(scale) for scale in constants)
        negated = sum(all(term.scale < 0 for term in step) for step in self.steps)
        negated += sum(output.scale < 0 for output in self.outputs if output is not None)
        return Operations(additions, powers, len(constants) - powers, negated)

    def __call__(self, values: ArrayLike) -> NDArray[Any]:
        """The forms at given values; integers and fractions of Python's own (dtype object) stay exact.

        Args:
            values: Shape (inputs, ...).

        Returns:
            Shape (outputs, ...).

        Raises:
            ProgramError: If the number of inputs is another one.
        """
        given = np.asarray(values)
        if given.shape[:1] != (self.inputs,):
            raise ProgramError(f"values of shape {given.shape} for a program of {self.inputs} inputs")
        known = list(given)
        for step in self.steps:
            known.append(sum((scaled(known[i], scale) for i, scale in step[1:]), scaled(known[step[0][0]], step[0][1])))
        zero = np.zeros_like(given[0])
        found = [zero if output is None else scaled(known[output.place], output.scale) for output in self.outputs]
        result = np.array(found) if found else np.zeros((0, *given.shape[1:]), given.dtype)
        return np.asarray(result % self.characteristic) if self.characteristic else result

    def matrix(self) -> NDArray[Any]:
        """The forms themselves, by running the program on the symbols x_0, x_1, ...: exact, shape (outputs, inputs).

        Raises:
            TooLargeError: If the forms of all steps would not fit into memory.
        """
        memory.require(16 * self.inputs * (self.inputs + len(self.steps) + len(self.outputs)), "the forms of a program")
        symbols = np.zeros((self.inputs, self.inputs), dtype=object)
        np.fill_diagonal(symbols, 1)
        return self(symbols).reshape(len(self.outputs), self.inputs)


@dataclass
class Draft:
    """A program in the making.

    Attributes:
        inputs: Values it begins with.
        characteristic: 0, 2 or 3.
        steps: Those so far.
    """

    inputs: int
    characteristic: int = 0
    steps: list[Step] = field(default_factory=list)

    def total(self, terms: Iterable[Term]) -> Term | None:
        """Add steps for a sum of terms, from left to right, positive ones first; None if there are none."""
        waiting = sorted(terms, key=lambda term: term.scale < 0)
        if not waiting:
            return None
        found = waiting[0]
        for term in waiting[1:]:
            found = self._pair(found, term)
        return found

    def _pair(self, x: Term, y: Term) -> Term:
        """A step for the sum of two terms; a constant that both share stays outside."""
        shared = abs(x.scale) if abs(x.scale) == abs(y.scale) else Fraction(1)
        if x.scale < 0 and y.scale < 0:
            shared = -shared
        pair = (Term(x.place, x.scale / shared), Term(y.place, y.scale / shared))
        if pair[0].scale < 0:
            pair = pair[1], pair[0]
        self.steps.append(pair)
        return Term(self.inputs + len(self.steps) - 1, shared)

    def program(self, outputs: Sequence[Term | None]) -> Program:
        """The program whose forms are these values."""
        return Program(self.inputs, tuple(self.steps), tuple(outputs), self.characteristic)


def scaled(value: Any, scale: Fraction) -> Any:
    """A value times a constant; a fraction times integers gives fractions, times floats a float."""
    if scale == 1:
        return value
    if scale == -1:
        return -value
    if scale.denominator == 1:
        return int(scale) * value
    if value.dtype.kind in "fc":
        return float(scale) * value
    return np.asarray(value, dtype=object) * scale


def is_power_of_two(scale: Fraction) -> bool:
    """Whether a positive fraction is 2^k for an integer k, of any sign."""
    p, q = scale.numerator, scale.denominator
    return p & (p - 1) == 0 and q & (q - 1) == 0
