"""Products of linear forms, one a line: `(a11+2*a12)*b21*(c11-c21)/3`, c the transposed C.

Source: github.com/jakobmoosbauer/flips and github.com/mkauers/matrix-multiplication (`.exp`), symmetric-flips (`.txt`,
blanks for `*`). Lines that begin with `#` are comments. A name with `mod2` or `mod0` declares the ring. Indices have
one digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.expressions import NUMBER, constant, evaluate
from bilinear.decompositions.formats.numbers import Factor, FormatError, bounded, from_sparse, narrowed
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

Form = dict[str, Fraction | int]
LETTERS = "abc"

_TERM = r"(?:[0-9]{1,18}\*?)?[abc][1-9][1-9]"
_SUM = rf"[+-]?{_TERM}(?:[+-]{_TERM})*"
_LINE = re.compile(rf"(?:\({_SUM}\)|{_TERM})\*?(?:\({_SUM}\)|{_TERM})\*?(?:\({_SUM}\)|{_TERM})")
_FACTOR = re.compile(rf"\({_SUM}\)|{_TERM}")
_SPLIT = re.compile(r"([+-]?)([0-9]*)\*?([abc][1-9][1-9])")
_ATOM = re.compile(rf"[abc][0-9]+|{NUMBER}")
_START = re.compile(r"[-+*/()0-9. \tabc^]+")
_NAMED = re.compile(r"([abc])[0-9]")
MAX_LINE = 1 << 20


def matches(source: Source) -> bool:
    """The first line that holds something has numbers and two of the letters a, b and c, and nothing else."""
    first = next((line for line in source.head.split("\n") if line.strip() and not _is_comment(line)), "")
    return _START.fullmatch(first) is not None and len(set(_NAMED.findall(first))) > 1


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    products = []
    for number, line in source.lines():
        if _is_comment(line):
            continue
        try:
            products.append(_product(line))
        except FormatError as error:
            raise FormatError(f"line {number}: {error}") from None
    n, m, p = _sizes(products)
    u, v, w = (_factor([product[axis] for product in products], *shape) for axis, shape in _shapes(n, m, p))
    yield Draft(
        sized(n, m, p),
        u,
        v,
        transposed(w, p, n),
        source.whole,
        source.named_characteristic,
        claimed_rank=source.named_rank,
    )


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _shapes(n: int, m: int, p: int) -> tuple[tuple[int, tuple[int, int]], ...]:
    return (0, (n, m)), (1, (m, p)), (2, (p, n))


def _product(line: str) -> tuple[Form, Form, Form]:
    """The three forms of a line; the scalar goes to the third."""
    if len(line) > MAX_LINE:
        raise FormatError(f"{len(line)} characters; at most {MAX_LINE} are read")
    packed = line.replace(" ", "").replace("\t", "")
    if _LINE.fullmatch(packed) and "a" in packed:
        forms = [_sum(text) for text in _FACTOR.findall(packed)]
        if [next(iter(form))[0] for form in forms] == list(LETTERS) and all(map(_pure, forms)):
            return forms[0], forms[1], forms[2]
    found = evaluate(line, _ATOM, _leaf, implicit=True)
    if found.forms.keys() != set(LETTERS):
        raise FormatError(f"a product of {', '.join(sorted(found.forms)) or 'numbers'}; forms in a, b and c are needed")
    a, b, c = (found.forms[letter] for letter in LETTERS)
    return a, b, {name: bounded(found.scale * value) for name, value in c.items()}


def _pure(form: Form) -> bool:
    return len({name[0] for name in form}) == 1


def _sum(text: str) -> Form:
    form: Form = {}
    for sign, size, name in _SPLIT.findall(text):
        value = int(size or 1)
        form[name] = form.get(name, 0) + (-value if sign == "-" else value)
    return form


class _Value:
    """A scalar times at most one linear form of each letter."""

    __slots__ = ("forms", "scale")

    def __init__(self, scale: Fraction, forms: dict[str, Form]) -> None:
        self.scale, self.forms = bounded(scale), forms

    def __mul__(self, other: _Value) -> _Value:
        twice = self.forms.keys() & other.forms.keys()
        if twice:
            raise FormatError(f"two factors in {min(twice)}; one of each of a, b and c is needed")
        return _Value(self.scale * other.scale, self.forms | other.forms)

    def __truediv__(self, other: _Value) -> _Value:
        if other.forms:
            raise FormatError("division by a linear form; only numbers are divided by")
        if not other.scale:
            raise FormatError("division by zero; a finite number is needed")
        return _Value(self.scale / other.scale, self.forms)

    def __neg__(self) -> _Value:
        return _Value(-self.scale, self.forms)

    def __sub__(self, other: _Value) -> _Value:
        return self + -other

    def __add__(self, other: _Value) -> _Value:
        if self.forms.keys() != other.forms.keys() or len(self.forms) > 1:
            raise FormatError("a sum of unlike terms; sums are of one letter each")
        if not self.forms:
            return _Value(self.scale + other.scale, {})
        (letter,) = self.forms
        total: Form = {}
        for value in (self, other):
            for name, x in value.forms[letter].items():
                total[name] = bounded(total.get(name, 0) + value.scale * x)
        return _Value(Fraction(1), {letter: total})


def _leaf(text: str) -> _Value:
    if text[0] not in LETTERS:
        return _Value(constant(text), {})
    if len(text) != 3 or "0" in text:
        raise FormatError(f"{text[:20]}: two indices from 1 to 9 are needed")
    return _Value(Fraction(1), {text[0]: {text: Fraction(1)}})


def _sizes(products: list[tuple[Form, Form, Form]]) -> tuple[int, int, int]:
    """The largest indices: a is n x m, b is m x p, c is p x n."""
    largest = [[0, 0] for _ in LETTERS]
    for product in products:
        for axis, form in enumerate(product):
            for name in form:
                largest[axis] = [max(x, int(digit)) for x, digit in zip(largest[axis], name[1:], strict=True)]
    if not products:
        raise FormatError("no products; lines like (a11+a22)*b11*c11 are needed")
    (n, m), (inner, p), (last, first) = largest
    return max(n, first), max(m, inner), max(p, last)


def _factor(forms: list[Form], rows: int, columns: int) -> Factor:
    named = [
        {(int(name[1]) - 1) * columns + int(name[2]) - 1: narrowed(x) for name, x in form.items()} for form in forms
    ]
    return from_sparse(named, rows * columns)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """One product a line; a common denominator stands at its end.

    Raises:
        FormatError: If it is no real matrix multiplication of sizes up to 9.
    """
    n, m, p = sizes(scheme, "linear-forms", largest=9)
    _, _, w = fractions(scheme)
    third = flip([[x * d for x in row] for row, d in zip(w, scheme.denominators.tolist(), strict=True)], n, p)
    lines = []
    for q, d in enumerate(scheme.denominators.tolist()):
        forms = (_text("a", scheme.u[q].tolist(), m), _text("b", scheme.v[q].tolist(), p), _text("c", third[q], n))
        lines.append("*".join(forms) + (f"/{d}" if d != 1 else ""))
    return {"": ("\n".join(lines) + "\n").encode()}


def _text(letter: str, row: list[Any], columns: int) -> str:
    """A bracketed form; `(0*a11)` where it is empty."""
    terms = ""
    for i, x in enumerate(row):
        if x:
            size = "" if abs(x) == 1 else f"{abs(x)}*"
            terms += ("-" if x < 0 else "+" * bool(terms)) + f"{size}{letter}{i // columns + 1}{i % columns + 1}"
    return f"({terms or f'0*{letter}11'})"


FORMAT = Format("Moosbauer, Kauers: .exp, a product of three linear forms a line, C transposed", matches, read, write)
