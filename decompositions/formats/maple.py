"""The FMM catalogue's Maple files: a `TriadSet` of `Triad`s of three `Matrix(rows, columns, [[..]])`, the third p x n.

Source: fmm.univ-lille.fr (A. Sedoglavic). Entries may be unevaluated integer arithmetic, `-(1*0*1-1*1*0*1)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.expressions import NUMBER, Laurent, constant, evaluate
from bilinear.decompositions.formats.numbers import Factor, FormatError, Number, from_numbers, narrowed
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

_SET = "TriadSet("
_END = "]])])])"
"""Of the last matrix, its triad and the set; what the catalogue's files do with the set afterwards is passed over."""

_MATRIX = re.compile(r"Matrix\(([0-9]{1,3}),([0-9]{1,3}),\[\[([^\[\]a-zA-Z]*(?:\],\[[^\[\]a-zA-Z]*)*)\]\]\)")
_TRIAD = re.compile(r"Triad\(\[")
_ATOM = re.compile(NUMBER)


def matches(source: Source) -> bool:
    """A set of triads."""
    return _SET in source.head or ("Matrix(" in source.head and ":=" in source.head)


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    _, found, body = source.text.partition(_SET)
    packed, closed, _ = "".join(body.split()).partition(_END)
    if not found or not closed:
        raise FormatError("no whole TriadSet([Triad([...]), ...]); the file is cut off")
    packed += _END
    rank = len(_TRIAD.findall(packed))
    if not rank:
        raise FormatError("a set without triads; at least one is needed")
    matrices = [match.groups() for match in _MATRIX.finditer(packed)]
    if len(matrices) != 3 * rank or packed.count("Matrix(") != 3 * rank:
        raise FormatError(f"{len(matrices)} whole matrices in {rank} triads; three are needed in each")
    values: dict[str, Number] = {}
    (u, (n, m)), (v, (_, p)), (w, third) = (_factor(matrices[axis::3], "ABC"[axis], values) for axis in range(3))
    if third != (p, n):
        raise FormatError(f"the third matrices are {third[0]} x {third[1]}; {p} x {n} are needed")
    yield Draft(sized(n, m, p), u, v, transposed(w, p, n), source.whole, claimed_rank=source.named_rank)


def _factor(found: list[tuple[str, ...]], name: str, values: dict[str, Number]) -> tuple[Factor, tuple[int, int]]:
    """A factor, and the shape of its matrices; `values` holds the entries that were evaluated before."""
    shape = int(found[0][0]), int(found[0][1])
    numbers = []
    for q, (height, width, text) in enumerate(found):
        rows = [row.split(",") for row in text.split("],[")]
        if (int(height), int(width)) != shape or len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
            raise FormatError(f"matrix {name} of triad {q + 1} is not {shape[0]} x {shape[1]}; all must have one shape")
        for entry in (entry for row in rows for entry in row):
            if entry not in values:
                values[entry] = _entry(entry, f"matrix {name} of triad {q + 1}")
            numbers.append(values[entry])
    return from_numbers(numbers, len(found)), shape


def _entry(text: str, place: str) -> Number:
    try:
        value = evaluate(text, _ATOM, lambda digits: Laurent({0: constant(digits)}))
    except FormatError as error:
        raise FormatError(f"{place}: {text[:40]!r}: {error}") from None
    return narrowed(value.constant or Fraction(0))


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Names of the entries, then the set of triads.

    Raises:
        FormatError: If it is no real matrix multiplication.
    """
    n, m, p = sizes(scheme, "maple")
    u, v, w = fractions(scheme)
    lines = [_named("A", n, m), _named("B", m, p), _named("C", p, n)]
    triads = [
        f"Triad([{_matrix(a, n, m)}, {_matrix(b, m, p)}, {_matrix(c, p, n)}])"
        for a, b, c in zip(u, v, flip(w, n, p), strict=True)
    ]
    return {"": ("\n".join([*lines, f"Tensor:=TriadSet([{', '.join(triads)}]):"]) + "\n").encode()}


def _named(name: str, rows: int, columns: int) -> str:
    row = [f"{name}_{i}_{j}" for i in range(1, rows + 1) for j in range(1, columns + 1)]
    return f"{name}:={_matrix(row, rows, columns)}:"


def _matrix(row: list[Any], rows: int, columns: int) -> str:
    parts = ("[" + ",".join(map(str, row[i * columns : (i + 1) * columns])) + "]" for i in range(rows))
    return f"Matrix({rows}, {columns}, [{','.join(parts)}])"


FORMAT = Format("FMM catalogue's Maple (.mpl): a TriadSet, the third matrix p x n", matches, read, write)
