"""flip-cpd's .npy: a row a scheme, u, v and w after one another, numerator and denominator of each coefficient in turn.

Source: github.com/khoruzhii/flip-cpd, `data/schemes_paper`. The name tells the map: `gg-333` multiplies general
matrices, C not transposed; the others are those of `structured:`, such as `gt-333`, the upper triangle of A B^T.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.formats import arrays
from bilinear.decompositions.formats.draft import Draft, sized
from bilinear.decompositions.formats.numbers import Factor, FormatError, from_integers, from_numbers, narrowed
from bilinear.decompositions.formats.source import Format, Source, fractions, sizes
from bilinear.decompositions.rings import INT64_SAFE, smallest
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target, parse_target
from bilinear.decompositions.verify import verify

_NAME = re.compile(r"(?<![a-z])(?P<kind>[a-z]{2})-(?P<sizes>[1-9]{3})(?![0-9])(?:-rank(?P<rank>[0-9]{1,5})(?![0-9]))?")
STRUCTURED = "structured"
FAMILIES = ("matmul", STRUCTURED)
LARGEST_GUESS = 9
"""Sizes that are tried where the name tells none."""


def matches(source: Source) -> bool:
    """A .npy array."""
    return source.data.startswith(arrays.MAGIC)


def read(source: Source) -> Iterator[Draft]:
    """One draft a row."""
    found = arrays.array(source.data)
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "iu" or found.dtype == np.uint64:
        raise FormatError("no array of integers with a scheme in each row")
    target = named_map(source.name) or (_guessed(found[0]) if found.size else None)
    if target is None:
        raise FormatError(
            "no row that is a matrix product of sizes up to 9; a name like gg-333-rank23.npy tells the map"
        )
    claim = _NAME.search(source.name)
    for i, row in enumerate(found):
        rank, rest = divmod(len(row), 2 * sum(target.shape))
        if rest or not rank:
            raise FormatError(f"{len(row)} numbers a row; {target.short} needs {2 * sum(target.shape)} a product")
        record = str(i) if len(found) > 1 else ""
        kept = source.whole if len(found) == 1 else {".npy": _saved(row)}
        named = int(claim["rank"]) if claim and claim["rank"] else None
        yield Draft(target, *_factors(row, target, rank), kept, record=record, claimed_rank=named)


def _factors(row: NDArray[Any], target: Target, rank: int) -> tuple[Factor, Factor, Factor]:
    pairs = row.reshape(-1, 2)
    edges = np.cumsum([0, *(rank * side for side in target.shape)])
    u, v, w = (_factor(pairs[a:b], rank) for a, b in zip(edges[:-1], edges[1:], strict=True))
    return u, v, w


def _factor(pairs: NDArray[Any], rank: int) -> Factor:
    if (pairs[:, 1] == 1).all():
        return from_integers(pairs[:, 0].astype(np.int64).reshape(rank, -1))
    if not pairs[:, 1].all():
        raise FormatError("a denominator is 0: division by zero; a finite number is needed")
    return from_numbers([narrowed(Fraction(top, bottom)) for top, bottom in pairs.tolist()], rank)


def named_map(name: str) -> Target | None:
    """The map that the name tells; None if it tells none.

    Raises:
        TargetError: If there is no such map.
    """
    found = _NAME.search(name)
    if found is None:
        return None
    n, m, p = map(int, found["sizes"])
    if found["kind"] == "gg":
        return sized(n, m, p)
    return parse_target(f"structured:{found['kind']}-{n}x{m}x{p}")


def naming(target: Target) -> str:
    """How the name of a file must begin for it to tell the map: `gg-333`, `gt-333`."""
    kind = target.name.partition(":")[2].partition("-")[0] if target.family == STRUCTURED else "gg"
    return f"{kind}-{''.join(map(str, target.sizes))}"


def _guessed(row: NDArray[Any]) -> Target | None:
    """The first matrix product, up to 9x9x9, that the integers of a row compute."""
    if (row[1::2] != 1).any():
        return None
    sides = range(1, LARGEST_GUESS + 1)
    for n, m, p in ((n, m, p) for n in sides for m in sides for p in sides):
        rank, rest = divmod(len(row), 2 * (n * m + m * p + n * p))
        if rest or not rank or rank > n * m * p:
            continue
        u, v, w = (factor.real for factor in _factors(row, sized(n, m, p), rank))
        ring = smallest((u, v, w), np.ones(rank, np.int64), None)
        if verify(Scheme(sized(n, m, p), ring, u, v, w)):
            return sized(n, m, p)
    return None


def _saved(row: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, row.reshape(1, -1))
    return buffer.getvalue()


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """One row; name the file gg-NMP-... so that the map is told, and as `naming` says if it is a structured one.

    Raises:
        FormatError: If it is no real product of general or structured matrices, or a number is beyond 2^62.
    """
    sizes(scheme, "flip-cpd", LARGEST_GUESS, FAMILIES)
    values = [x for rows in fractions(scheme) for row in rows for x in row]
    numbers = [part for x in values for part in (x.numerator, x.denominator)]
    if any(abs(x) >= INT64_SAFE for x in numbers):
        raise FormatError(f"{scheme.target.short}: a number beyond 2^62, which flip-cpd cannot hold")
    return {"": _saved(np.array(numbers, dtype=np.int64))}


FORMAT = Format("flip-cpd .npy: numerators and denominators in turn, C not transposed", matches, read, write)
