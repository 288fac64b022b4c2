"""Perminov's text: `n m p r`, then u, v and w each on a line, product after product, C transposed.

Source: github.com/dronperminov/ternary_flip_graph. A file of several schemes starts with their number; in a file of
fractions every coefficient is two numbers, numerator and denominator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, from_tokens
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

_START = re.compile(r"\s*(?:[0-9]{1,9}[ \t]*\n\s*)?[0-9]{1,4}(?:[ \t]+[0-9]{1,4}){2}[ \t]+[0-9]{1,7}[ \t]*\n\s*\S")


def matches(source: Source) -> bool:
    """Four whole numbers on the first line, or on the second after a count."""
    return _START.match(source.head) is not None


def read(source: Source) -> Iterator[Draft]:
    """One draft for every four lines."""
    lines = source.lines()
    first = _next(lines, "the line n m p r")[1].split()
    single = len(first) != 1
    count = 1 if single else _count(first[0])
    for i in range(count):
        header = first if single else _next(lines, f"scheme {i + 1} of {count}")[1].split()
        yield _draft(header, lines, source, "" if single else str(i + 1))
    left = next(lines, None)
    if left is not None:
        raise FormatError(f"line {left[0]}: more lines than {count} scheme{'s' * (count > 1)} have")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FormatError(f"{text[:40]!r}: four whole numbers n m p r, or the number of schemes, are needed")
    return int(text)


def _next(lines: Iterator[tuple[int, str]], what: str) -> tuple[int, str]:
    found = next(lines, None)
    if found is None:
        raise FormatError(f"{what} is missing; the file is cut off")
    return found


def _draft(header: list[str], lines: Iterator[tuple[int, str]], source: Source, record: str) -> Draft:
    if len(header) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 8 for part in header):
        raise FormatError(f"{' '.join(header)[:40]!r}: four whole numbers n m p r are needed")
    n, m, p, rank = map(int, header)
    target, factors, texts = sized(n, m, p), [], [" ".join(header)]
    for name, width in (("u", n * m), ("v", m * p), ("w", p * n)):
        number, line = _next(lines, f"the line of {name}")
        factors.append(_factor(line.split(), rank, width, f"line {number}: {name}"))
        texts.append(line)
    u, v, w = factors
    originals = {".txt": ("\n".join(texts) + "\n").encode()} if record else source.whole
    return Draft(target, u, v, transposed(w, p, n), originals, record=record, claimed_rank=source.named_rank)


def _factor(tokens: list[str], rank: int, width: int, place: str) -> Factor:
    if not rank or len(tokens) not in (rank * width, 2 * rank * width):
        raise FormatError(f"{place} has {len(tokens)} numbers; {rank} products of {width} are {rank * width}")
    try:
        if len(tokens) == 2 * rank * width:
            tokens = [f"{top}/{bottom}" for top, bottom in zip(tokens[::2], tokens[1::2], strict=True)]
        return from_tokens(tokens, rank)
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from None


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Four lines; numerators and denominators if one coefficient is a fraction.

    Raises:
        FormatError: If it is no real matrix multiplication.
    """
    n, m, p = sizes(scheme, "perminov-text")
    u, v, w = fractions(scheme)
    values = [[x for row in rows for x in row] for rows in (u, v, flip(w, n, p))]
    if any(isinstance(x, Fraction) for row in values for x in row):
        values = [[part for x in row for part in (x.numerator, x.denominator)] for row in values]
    lines = [f"{n} {m} {p} {scheme.rank}", *(" ".join(map(str, row)) for row in values)]
    return {"": ("\n".join(lines) + "\n").encode()}


FORMAT = Format("Perminov's text: n m p r, then u, v, w a line each, C transposed", matches, read, write)
