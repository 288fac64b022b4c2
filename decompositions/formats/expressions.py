"""Arithmetic as text, evaluated by a stack and nothing else: + - * / and brackets over any kind of value."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.numbers import FormatError, bounded
from bilinear.decompositions.rings import MAX_BITS

MAX_DEPTH = 200
MAX_TERMS = 4096
_RANK = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "~": 3}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:(?:\^|\*\*)[0-9]+)?"
"""An integer or a decimal, or a power of one: `2`, `.5`, `10^400`, `0**2`."""


def evaluate(text: str, atom: re.Pattern[str], leaf: Callable[[str], Any], implicit: bool = False) -> Any:
    """The value of an expression.

    Args:
        text: The expression.
        atom: Matches one operand.
        leaf: From an operand's text to a value with +, -, *, / and unary -.
        implicit: Whether two operands side by side are multiplied.

    Raises:
        FormatError: If it is no expression, or nested more than 200 deep.
    """
    values: list[Any] = []
    waiting: list[str] = []
    position, operand_next = 0, True

    def reduce(rank: int) -> None:
        while waiting and _RANK[waiting[-1]] >= rank:
            sign = waiting.pop()
            right = values.pop()
            values.append(-right if sign == "~" else _BINARY[sign](values.pop(), right))

    def push(sign: str) -> None:
        waiting.append(sign)
        if len(waiting) > MAX_DEPTH:
            raise FormatError(f"column {position + 1}: nested more than {MAX_DEPTH} deep")

    while position < len(text):
        sign, found = text[position], atom.match(text, position)
        if sign.isspace():
            position += 1
            continue
        if implicit and not operand_next and (found or sign == "("):
            reduce(_RANK["*"])
            push("*")
            operand_next = True
        if found and found.end() > position and operand_next:
            values.append(leaf(found[0]))
            operand_next, position = False, found.end()
            continue
        if operand_next and sign in "(-":
            push("~" if sign == "-" else sign)
        elif not operand_next and sign == ")":
            reduce(1)
            if not waiting:
                raise FormatError(f"column {position + 1}: a bracket is closed that was not opened")
            waiting.pop()
        elif not operand_next and sign in _BINARY:
            reduce(_RANK[sign])
            push(sign)
            operand_next = True
        elif not operand_next or sign != "+":
            raise FormatError(f"column {position + 1}: {text[position : position + 10]!r} was not expected here")
        position += 1
    if operand_next:
        raise FormatError("ends where an operand is needed; the expression is cut off")
    reduce(1)
    if waiting:
        raise FormatError("a bracket is not closed; the expression is cut off")
    return values[0]


def constant(text: str) -> Fraction:
    """The number that `NUMBER` matched, exactly as it is written, at most 4,096 bits.

    Raises:
        FormatError: If it has more.
    """
    base, _, power = text.replace("**", "^").partition("^")
    if len(base) + len(power) > MAX_BITS or len(power) > 5:
        raise FormatError(f"a number of {len(text)} digits; at most {MAX_BITS} bits are held")
    value, times = Fraction(base), int(power or 1)
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if (bits - 1) * times > MAX_BITS:
        raise FormatError(f"{text[:40]}: at most {MAX_BITS} bits are held")
    return Fraction(bounded(value**times))


class Laurent:
    """A polynomial in a symbol and its inverse, `1 - 2 x + x^-1`; numbers are the constant ones.

    Attributes:
        terms: Coefficient by exponent, none of them 0.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: dict[int, Fraction]) -> None:
        if len(terms) > MAX_TERMS:
            raise FormatError(f"a polynomial of {len(terms)} terms; at most {MAX_TERMS} are held")
        self.terms = {exponent: bounded(value) for exponent, value in terms.items() if value}

    def __add__(self, other: Laurent) -> Laurent:
        found = dict(self.terms)
        for exponent, value in other.terms.items():
            found[exponent] = found.get(exponent, Fraction(0)) + value
        return Laurent(found)

    def __neg__(self) -> Laurent:
        return Laurent({exponent: -value for exponent, value in self.terms.items()})

    def __sub__(self, other: Laurent) -> Laurent:
        return self + -other

    def __mul__(self, other: Laurent) -> Laurent:
        found: dict[int, Fraction] = {}
        for i, x in self.terms.items():
            for j, y in other.terms.items():
                found[i + j] = found.get(i + j, Fraction(0)) + x * y
        return Laurent(found)

    def __truediv__(self, other: Laurent) -> Laurent:
        if not other.terms:
            raise FormatError("division by zero; a finite number is needed")
        if len(other.terms) > 1:
            raise FormatError("division by a sum with the symbol; only its powers are divided by")
        ((exponent, value),) = other.terms.items()
        return self * Laurent({-exponent: 1 / value})

    @property
    def constant(self) -> Fraction | None:
        """The number it is; None if the symbol occurs."""
        if any(self.terms.keys() - {0}):
            return None
        return self.terms[0] if self.terms else Fraction(0)
