"""Mathematica lists: `{{{{..},{..}}, {{..}}, {{..}}}, ...}`, three matrices a product, the third p x n.

Source: the `.m` files of github.com/jakobmoosbauer/flips, mkauers/matrix-multiplication and Arai's
adaptive flip graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, from_tokens, require_rectangular
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

_START = re.compile(r"\s*\{\s*\{\s*\{\s*\{")


def matches(source: Source) -> bool:
    """Four braces before the first number."""
    return _START.match(source.head) is not None


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    packed = "".join(source.text.split())
    if not packed.endswith("}}}}"):
        raise FormatError("ends without }}}}; the list is cut off")
    matrices: tuple[list[list[list[str]]], ...] = ([], [], [])
    for q, product in enumerate(packed[4:-4].split("}}},{{{")):
        parts = product.split("}},{{")
        if len(parts) != 3:
            raise FormatError(f"product {q + 1} has {len(parts)} matrices; three are needed")
        for axis, part in enumerate(parts):
            matrices[axis].append([row.split(",") for row in part.split("},{")])
    (u, (n, m)), (v, (_, p)), (w, third) = (_factor(found, name) for found, name in zip(matrices, "ABC", strict=True))
    if third != (p, n):
        raise FormatError(f"the third matrices are {third[0]} x {third[1]}; {p} x {n} are needed")
    yield Draft(
        sized(n, m, p),
        u,
        v,
        transposed(w, p, n),
        source.whole,
        source.named_characteristic,
        claimed_rank=source.named_rank,
    )


def _factor(found: list[list[list[str]]], name: str) -> tuple[Factor, tuple[int, int]]:
    """A factor, and the shape of its matrices."""
    shape = len(found[0]), len(found[0][0])
    for q, matrix in enumerate(found):
        if len(matrix) != shape[0]:
            raise FormatError(f"matrix {name} of product {q + 1} has {len(matrix)} rows; {shape[0]} are needed")
        try:
            require_rectangular([found[0][0], *matrix])
        except FormatError as error:
            raise FormatError(f"matrix {name} of product {q + 1}: {error}") from None
    try:
        return from_tokens([text for matrix in found for row in matrix for text in row], len(found)), shape
    except FormatError as error:
        raise FormatError(f"matrices {name}: {error}") from None


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """One product a line.

    Raises:
        FormatError: If it is no real matrix multiplication.
    """
    n, m, p = sizes(scheme, "mathematica")
    u, v, w = fractions(scheme)
    lines = []
    for a, b, c in zip(u, v, flip(w, n, p), strict=True):
        lines.append(f"{{{_braced(a, m)}, {_braced(b, p)}, {_braced(c, n)}}}")
    return {"": ("{" + ",\n ".join(lines) + "}\n").encode()}


def _braced(row: list[Any], columns: int) -> str:
    rows = (row[start : start + columns] for start in range(0, len(row), columns))
    return "{" + ", ".join("{" + ", ".join(map(str, part)) + "}" for part in rows) + "}"


FORMAT = Format("Mathematica lists (.m): three matrices a product, the third p x n", matches, read, write)
