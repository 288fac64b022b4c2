"""PLinOpt's sparse matrices: `NAME_L.sms`, `NAME_R.sms` and `NAME_P.sms` (outputs x products), C as it is.

Source: github.com/jgdumas/plinopt, `data/`. `rows columns R`, then `i j value` from 1 on, last `0 0 0`; `#` comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from bilinear.decompositions.formats.draft import Draft, likely, moduli, shaped
from bilinear.decompositions.formats.numbers import MAX_CELLS, Factor, FormatError, Number, from_sparse, number
from bilinear.decompositions.formats.source import Format, Source, fractions
from bilinear.decompositions.scheme import Scheme

SIDES = ("_L", "_R", "_P")
ENDINGS = (".sms", ".slp")
_START = re.compile(r"(?:\s*#[^\n]*\n)*\s*[0-9]{1,8}[ \t]+[0-9]{1,8}[ \t]+[A-Z][ \t]*\n")
_NAME = re.compile(r"(?P<stem>.*)_[LRP](?P<ending>\.[a-z]+)", re.DOTALL)

Matrix = tuple[int, int, dict[tuple[int, int], Number]]


def matches(source: Source) -> bool:
    """The header of a sparse matrix."""
    return _START.match(source.head) is not None


def first_part(name: str) -> str:
    """The name of the first of the three files that `name` belongs to; itself if it is none of three."""
    found = _NAME.fullmatch(name)
    return f"{found['stem']}{SIDES[0]}{found['ending']}" if found and found["ending"] in ENDINGS else name


def parts(source: Source) -> tuple[dict[str, Source], dict[str, bytes]]:
    """The three files that one of them belongs to, and their bytes as originals.

    Raises:
        FormatError: If the name is not of the form NAME_L, or one of the three is missing.
    """
    found = _NAME.fullmatch(source.name)
    if found is None:
        raise FormatError(
            "one matrix of a scheme in three files; names like NAME_L.sms, NAME_R.sms, NAME_P.sms are needed"
        )
    sources, originals = {}, {}
    for side in SIDES:
        name = f"{found['stem']}{side}{found['ending']}"
        data = source.data if name == source.name else source.siblings(name)
        if data is None:
            raise FormatError(f"{name[:100]} is missing beside it; all of _L, _R and _P are needed")
        sources[side] = Source(name, data)
        originals[f"{side}{found['ending']}"] = data
    return sources, originals


def read(source: Source) -> Iterator[Draft]:
    """The scheme of the three files."""
    sources, originals = parts(source)
    left, right, outputs = (of_part(sources[side], _matrix) for side in SIDES)
    if left[0] != right[0] or left[0] != outputs[1]:
        raise FormatError(f"{left[0]}, {right[0]} and {outputs[1]} products in _L, _R and _P; equally many are needed")
    turned = outputs[1], outputs[0], {(q, k): x for (k, q), x in outputs[2].items()}
    yield guessed(source, (_factor(left), _factor(right), _factor(turned)), originals)


def guessed(source: Source, factors: tuple[Factor, Factor, Factor], originals: Mapping[str, bytes]) -> Draft:
    """Three factors that do not say which map they are of: one of that shape, decided by proof.

    Raises:
        FormatError: If no map has that shape, or they have different numbers of products.
    """
    first, *others = likely(*(factor.width for factor in factors))
    draft = Draft(
        first,
        *factors,
        originals,
        source.named_characteristic,
        is_named=source.names(first),
        others=lambda: chain((replace(draft, target=target) for target in others), moduli(draft)),
    )
    return draft


def of_part(source: Source, parse: Callable[[Source], Any]) -> Any:
    """What `parse` makes of one of the three, its name before the error."""
    try:
        return parse(source)
    except FormatError as error:
        raise FormatError(f"{source.name[-60:]}: {error}") from None


def _matrix(source: Source) -> Matrix:
    lines = ((i, line) for i, line in source.lines() if not line.startswith("#"))
    _, header = next(lines, (0, ""))
    head = header.split()
    if len(head) != 3 or not all(_is_size(x) for x in head[:2]):
        raise FormatError("no header; `rows columns R` is needed")
    rows, columns = int(head[0]), int(head[1])
    if rows * columns > MAX_CELLS or not rows * columns:
        raise FormatError(f"a matrix of {rows} x {columns}; from 1 to {MAX_CELLS} coefficients are held")
    entries: dict[tuple[int, int], Number] = {}
    for i, line in lines:
        words = line.split()
        if words == ["0", "0", "0"]:
            return rows, columns, entries
        if len(words) != 3 or not all(_is_size(x) for x in words[:2]):
            raise FormatError(f"line {i}: {line[:40]!r}; row, column and value are needed")
        place = int(words[0]) - 1, int(words[1]) - 1
        if not (0 <= place[0] < rows and 0 <= place[1] < columns) or place in entries:
            fact = "given twice" if place in entries else f"outside the {rows} x {columns} matrix"
            raise FormatError(f"line {i}: entry {words[0]} {words[1]} is {fact}")
        entries[place] = number(words[2])
    raise FormatError("ends without `0 0 0`; the file is cut off")


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _factor(matrix: Matrix) -> Factor:
    rows, columns, entries = matrix
    found: list[dict[int, Number]] = [{} for _ in range(rows)]
    for (i, j), x in entries.items():
        found[i][j] = x
    return from_sparse(found, columns)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Three files.

    Raises:
        FormatError: If it has imaginary coefficients, or another map of the same shape would be read back.
    """
    require_plain(scheme, "plinopt-sms")
    u, v, w = fractions(scheme)
    matrices = (u, v, [list(column) for column in zip(*w, strict=True)])
    return {f"{side}.sms": _text(rows).encode() for side, rows in zip(SIDES, matrices, strict=True)}


def require_plain(scheme: Scheme, name: str) -> None:
    """Refuse schemes that three nameless matrices cannot hold.

    Raises:
        FormatError: If there are imaginary coefficients, or the shape does not tell the map.
    """
    if scheme.imag is not None and any(part.any() for part in scheme.imag):
        raise FormatError(f"{scheme.target.short}: {name} holds no imaginary coefficients; choose alphaevolve")
    if shaped(*scheme.target.shape) != scheme.target:
        raise FormatError(f"{scheme.target.short}: {name} holds matrix and polynomial products only")


def _text(rows: list[list[Any]]) -> str:
    entries = [f"{i} {j} {x}" for i, row in enumerate(rows, 1) for j, x in enumerate(row, 1) if x]
    return "\n".join([f"{len(rows)} {len(rows[0])} R", *entries, "0 0 0"]) + "\n"


FORMAT = Format("PLinOpt sparse matrices (_L, _R, _P .sms), C not transposed", matches, read, write)
