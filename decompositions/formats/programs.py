"""Straight-line programs executed on symbols: every variable becomes a linear form in the inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from bilinear.decompositions.formats.numbers import Factor, FormatError, bounded, from_sparse, narrowed

Form = dict[int, int | Fraction]
"""Nonzero coefficients by input."""

MAX_TERMS = 1 << 24
"""Terms of all forms of one program together."""


class Budget:
    """Counts the terms that a program makes, so that doubling sums end in an error and not in memory."""

    def __init__(self) -> None:
        self._left = MAX_TERMS

    def take(self, terms: int) -> None:
        """Count terms.

        Raises:
            FormatError: If there are too many.
        """
        self._left -= terms + 1
        if self._left < 0:
            raise FormatError(f"a program whose sums have more than {MAX_TERMS} terms together")


def combined(parts: Sequence[tuple[int | Fraction, Mapping[int, int | Fraction]]], budget: Budget) -> Form:
    """The sum of scaled forms.

    Raises:
        FormatError: If a coefficient has more than 4,096 bits, or the program makes too many terms.
    """
    found: Form = {}
    for scale, form in parts:
        budget.take(len(form))
        for i, value in form.items():
            found[i] = found.get(i, 0) + scale * value
        if scale not in (1, -1):
            found = {i: bounded(value) for i, value in found.items()}
    return {i: bounded(value) for i, value in found.items() if value}


def as_factor(forms: Sequence[Form], width: int) -> Factor:
    """A factor whose rows are these forms.

    Raises:
        FormatError: If there are none, a form reads an input that is not there, or the factor is too large.
    """
    return from_sparse([{i: narrowed(value) for i, value in form.items()} for form in forms], width)


def transposed_forms(forms: Sequence[Form], count: int) -> list[Form]:
    """Outputs as forms in `count` products, turned into products as forms in the outputs.

    Raises:
        FormatError: If an output reads a product that is not there.
    """
    found: list[Form] = [{} for _ in range(count)]
    for k, form in enumerate(forms):
        for q, value in form.items():
            if not 0 <= q < count:
                raise FormatError(f"output {k} reads product {q}; {count} are there")
            found[q][k] = value
    return found
