"""flip-cpd's text beside its .npy: `m1 = (a1 - 1/2a3)(b2)` for products, `c1 = m1 + 2m3` for outputs, flat indices.

Source: github.com/khoruzhii/flip-cpd, `data/schemes_paper`. C is not transposed; the name tells the map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bilinear.decompositions.formats.draft import Draft, shaped
from bilinear.decompositions.formats.flip_cpd import FAMILIES, LARGEST_GUESS, STRUCTURED, named_map
from bilinear.decompositions.formats.numbers import FormatError, Gaussian, Number, number
from bilinear.decompositions.formats.programs import Form, as_factor, transposed_forms
from bilinear.decompositions.formats.source import Format, Source, fractions, sizes
from bilinear.decompositions.scheme import Scheme

_PRODUCT = re.compile(r"m([0-9]{1,7})\s*=\s*\(([^()]*)\)\s*\*?\s*\(([^()]*)\)")
_OUTPUT = re.compile(r"c([0-9]{1,7})\s*=\s*(\S[^=]*)")
_START = re.compile(r"\s*m1\s*=\s*\([^()\n]*\)\s*\*?\s*\([^()\n]*\)\s*\n")
_TERM = re.compile(r"([+-]?)([0-9]+(?:/[0-9]+)?)?([abm])([0-9]{1,7})")


def matches(source: Source) -> bool:
    """A first product of two brackets."""
    return _START.match(source.head) is not None


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    left: list[Form] = []
    right: list[Form] = []
    outputs: list[Form] = []
    for place, line in source.lines():
        product, output = _PRODUCT.fullmatch(line), _OUTPUT.fullmatch(line)
        try:
            if product is not None and int(product[1]) == len(left) + 1:
                left.append(_form(product[2], "a"))
                right.append(_form(product[3], "b"))
            elif output is not None and int(output[1]) == len(outputs) + 1:
                outputs.append(_form(output[2], "m"))
            else:
                raise FormatError(f"{line[:40]!r}; the next product `mN = (..)(..)` or output `cN = ..` is needed")
        except FormatError as error:
            raise FormatError(f"line {place}: {error}") from None
    target = named_map(source.name) or shaped(_width(left), _width(right), len(outputs))
    u, v = as_factor(left, target.shape[0]), as_factor(right, target.shape[1])
    yield Draft(target, u, v, as_factor(transposed_forms(outputs, len(left)), target.shape[2]), source.whole)


def _width(forms: list[Form]) -> int:
    return 1 + max((i for form in forms for i in form), default=0)


def _form(text: str, letter: str) -> Form:
    """A linear form, its indices from 0 on."""
    packed, position = "".join(text.split()), 0
    form: Form = {}
    while position < len(packed):
        term = _TERM.match(packed, position)
        if term is None or term[3] != letter or term[4].startswith("0") or (position and not term[1]):
            raise FormatError(f"{packed[position : position + 20]!r}; a term like -1/2{letter}3 is needed")
        size: Number = number(term[2]) if term[2] else 1
        assert not isinstance(size, Gaussian), "the pattern has no imaginary part"
        i = int(term[4]) - 1
        if i in form:
            raise FormatError(f"{letter}{i + 1} is given twice in one form")
        form[i] = -size if term[1] == "-" else size
        position = term.end()
    return form


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Products, a blank line, and outputs.

    Raises:
        FormatError: If it is no real product of general matrices, or of structured ones of sizes up to 9.
    """
    sizes(scheme, "flip-cpd-text", LARGEST_GUESS if scheme.target.family == STRUCTURED else None, FAMILIES)
    u, v, w = fractions(scheme)
    pairs = enumerate(zip(u, v, strict=True), 1)
    lines = [f"m{q} = ({_text('a', a)})({_text('b', b)})" for q, (a, b) in pairs]
    outputs = [f"c{k} = {_text('m', column)}" for k, column in enumerate(zip(*w, strict=True), 1)]
    return {"": ("\n".join([*lines, "", *outputs]) + "\n").encode()}


def _text(letter: str, row: Any) -> str:
    """A form; empty ones as 0 times the first variable."""
    terms = ""
    for i, x in enumerate(row, 1):
        if x:
            sign = ("- " if x < 0 else "+ ") if terms else "-" * (x < 0)
            terms += f"{' ' * bool(terms)}{sign}{'' if abs(x) == 1 else abs(x)}{letter}{i}"
    return terms or f"0{letter}1"


FORMAT = Format("flip-cpd .txt: products m1 = (..)(..), outputs c1 = .., C not transposed", matches, read, write)
