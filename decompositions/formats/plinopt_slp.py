"""PLinOpt's straight-line programs: `NAME_L.slp`, `NAME_R.slp`, `NAME_P.slp`; lines like `o0:=i6+i8*3;`.

Source: github.com/jgdumas/plinopt, `data/`. i are inputs, o outputs, other names temporaries; * and / by constants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.draft import Draft
from bilinear.decompositions.formats.expressions import NUMBER, constant, evaluate
from bilinear.decompositions.formats.numbers import FormatError, bounded, narrowed
from bilinear.decompositions.formats.plinopt_sms import SIDES, guessed, of_part, parts, require_plain
from bilinear.decompositions.formats.programs import Budget, Form, as_factor, combined, transposed_forms
from bilinear.decompositions.formats.source import Format, Source, fractions
from bilinear.decompositions.scheme import Scheme

MAX_VARIABLES = 1 << 16
_VARIABLE = re.compile(r"[a-z][0-9]{1,6}")
_ATOM = re.compile(rf"[a-z][0-9]+|{NUMBER}")
_TERM = r"[a-z][0-9]{1,6}(?:\*[0-9]{1,9})?(?:/[1-9][0-9]{0,8})?"
_SUM = re.compile(rf"[+-]?{_TERM}(?:[+-]{_TERM})*")
_SPLIT = re.compile(r"([+-]?)([a-z][0-9]+)(?:\*([0-9]+))?(?:/([0-9]+))?")
_START = re.compile(r"(?:\s*#[^\n]*\n)*\s*[a-z][0-9]+\s*:=[^;\n]*;")


def matches(source: Source) -> bool:
    """An assignment that ends with a semicolon."""
    return _START.match(source.head) is not None


def read(source: Source) -> Iterator[Draft]:
    """The scheme of the three files, its programs written out."""
    sources, originals = parts(source)
    left, right, outputs = (of_part(sources[side], _outputs) for side in SIDES)
    if len(left) != len(right):
        raise FormatError(f"{len(left)} and {len(right)} products in _L and _R; equally many are needed")
    width = [1 + max((i for form in forms for i in form), default=0) for forms in (left, right)]
    third = as_factor(transposed_forms(outputs, len(left)), len(outputs))
    yield guessed(source, (as_factor(left, width[0]), as_factor(right, width[1]), third), originals)


class _Sum:
    """A linear form in the inputs and a constant, of which one is 0 in the end."""

    __slots__ = ("budget", "constant", "form")

    def __init__(self, form: Form, constant: Fraction, budget: Budget) -> None:
        self.form, self.constant, self.budget = form, bounded(constant), budget

    def __neg__(self) -> _Sum:
        return _Sum(combined([(-1, self.form)], self.budget), -self.constant, self.budget)

    def __add__(self, other: _Sum) -> _Sum:
        form = combined([(1, self.form), (1, other.form)], self.budget)
        return _Sum(form, self.constant + other.constant, self.budget)

    def __sub__(self, other: _Sum) -> _Sum:
        form = combined([(1, self.form), (-1, other.form)], self.budget)
        return _Sum(form, self.constant - other.constant, self.budget)

    def __mul__(self, other: _Sum) -> _Sum:
        if self.form and other.form:
            raise FormatError("a product of two variables; linear programs multiply by numbers only")
        parts = [(narrowed(other.constant), self.form), (narrowed(self.constant), other.form)]
        return _Sum(combined(parts, self.budget), self.constant * other.constant, self.budget)

    def __truediv__(self, other: _Sum) -> _Sum:
        if other.form:
            raise FormatError("division by a variable; linear programs divide by numbers only")
        if not other.constant:
            raise FormatError("division by zero; a finite number is needed")
        return self * _Sum({}, 1 / other.constant, self.budget)


def _outputs(source: Source) -> list[Form]:
    """The forms of o0, o1, ... in the inputs."""
    budget = Budget()
    known: dict[str, Form] = {}
    *statements, rest = _uncommented(source).split(";")
    for number, statement in enumerate(statements, 1):
        name, assigned, text = (part.strip() for part in statement.partition(":="))
        try:
            if not assigned or not _VARIABLE.fullmatch(name) or name[0] == "i":
                raise FormatError(f"{statement.strip()[:40]!r}; `name:=sum` is needed")
            known[name] = _sum(text, known, budget)
        except FormatError as error:
            raise FormatError(f"statement {number}: {error}") from None
    if rest.strip():
        raise FormatError("ends without a semicolon; the program is cut off")
    count = sum(name[0] == "o" for name in known)
    missing = next((i for i in range(count) if f"o{i}" not in known), None)
    if not count or missing is not None:
        raise FormatError(f"output o{missing or 0} is missing; o0, o1, ... are needed without a gap")
    return [known[f"o{i}"] for i in range(count)]


def _uncommented(source: Source) -> str:
    return "\n".join(line for _, line in source.lines() if not line.startswith("#"))


def _sum(text: str, known: dict[str, Form], budget: Budget) -> Form:
    """The form that an expression is; plain sums, which nearly all are, without the stack."""
    packed = "".join(text.split())
    if not _SUM.fullmatch(packed):
        value = evaluate(text, _ATOM, lambda leaf: _leaf(leaf, known, budget))
        if value.constant:
            raise FormatError(f"the constant term {str(value.constant)[:40]}; sums of inputs are needed")
        form: Form = value.form
        return form
    parts = []
    for sign, name, top, bottom in _SPLIT.findall(packed):
        size = Fraction(int(top or 1), int(bottom)) if bottom else int(top or 1)
        parts.append((-size if sign == "-" else size, _variable(name, known)))
    return combined(parts, budget)


def _variable(name: str, known: dict[str, Form]) -> Form:
    if name in known:
        return known[name]
    if name[0] != "i":
        raise FormatError(f"{name[:20]} is read before it is assigned")
    if len(name) > 7 or int(name[1:]) >= MAX_VARIABLES:
        raise FormatError(f"input {name[:20]}: at most {MAX_VARIABLES} inputs are held")
    return {int(name[1:]): 1}


def _leaf(text: str, known: dict[str, Form], budget: Budget) -> _Sum:
    if text[0].isdigit():
        return _Sum({}, constant(text), budget)
    return _Sum(_variable(text, known), Fraction(0), budget)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Three programs, one line an output.

    Raises:
        FormatError: If it has imaginary coefficients, or another map of the same shape would be read back.
    """
    require_plain(scheme, "plinopt-slp")
    u, v, w = fractions(scheme)
    matrices = (u, v, [list(column) for column in zip(*w, strict=True)])
    return {f"{side}.slp": _text(rows).encode() for side, rows in zip(SIDES, matrices, strict=True)}


def _text(rows: list[list[Any]]) -> str:
    return "".join(
        f"o{k}:={''.join(_term(i, x) for i, x in enumerate(row) if x) or '0*i0'};\n" for k, row in enumerate(rows)
    )


def _term(i: int, x: int | Fraction) -> str:
    top, bottom = abs(x.numerator), x.denominator
    size = f"*{top}" * (top != 1) + f"/{bottom}" * (bottom != 1)
    return f"{'-' if x < 0 else '+'}i{i}{size}"


FORMAT = Format("PLinOpt straight-line programs (_L, _R, _P .slp), C not transposed", matches, read, write)
