"""MMC's JSON: Perminov's keys with more beside them, and for larger formats `u_sparse`, `v_sparse`, `w_sparse`.

Source: github.com/solven-eu/matmulcatalog. A sparse factor is an object from the product's index, as text, to
`{"i": positions, "c": coefficients}`; C is transposed. What else the file says is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, Number, from_sparse, require_cells
from bilinear.decompositions.formats.perminov_json import OTHERS, dense, plain, plainest, rank_of, ring_of, sizes_of
from bilinear.decompositions.formats.source import Format, Source, flip, fractions, sizes
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme

NAME = "mmc"
_SCHEME = frozenset(f"{factor}{form}" for factor in "uvw" for form in ("", "_sparse"))
_FIELDS = {Ring.F2: ["F2"], Ring.F3: ["F3"], Ring.Q: ["Q", "R", "C"]}
_OVER_Z = ["F2", "F3", "Z", "Q", "R", "C"]


def matches(source: Source) -> bool:
    """Sparse factors, or dense ones with one of MMC's own keys."""
    keys = source.document.keys()
    if "u_sparse" in keys:
        return True
    return {"n", "u"} <= keys and bool(OTHERS & keys) and "format_version" not in keys and "u_fresh" not in keys


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    document = source.document
    if document.get("commutative") is True:
        raise FormatError("a commutative scheme: its products mix A and B, so that it is no bilinear one")
    n, m, p = sizes_of(document)
    rank = rank_of(document)
    widths = {"u": n * m, "v": m * p, "w": p * n}
    u, v, w = (
        _sparse(document[f"{key}_sparse"], key, rank, width)
        if f"{key}_sparse" in document
        else dense(document, key, rank, width)
        for key, width in widths.items()
    )
    extra = {key: value for key, value in document.items() if key not in _SCHEME | {"n", "m", "z2"}}
    yield Draft(
        sized(n, m, p),
        u,
        v,
        transposed(w, p, n),
        source.whole,
        _characteristic(document),
        extra=extra,
        claimed_rank=source.named_rank,
    )


def _characteristic(document: Mapping[str, Any]) -> int | None:
    """2 or 3 where only that field is named, 0 where one of characteristic 0 is; else what `z2` says."""
    fields = document.get("fields")
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields) or not fields:
        return ring_of(document)
    if {"Z", "Q", "R", "C"} & set(fields):
        return 0
    return {"F2": 2, "F3": 3}.get(fields[0])


def _sparse(rows: Any, key: str, rank: int, width: int) -> Factor:
    if not isinstance(rows, dict):
        raise FormatError(f"key '{key}_sparse': an object from products to coefficients is needed")
    require_cells(rank, width)
    found: list[dict[int, Number]] = [{} for _ in range(rank)]
    for index, row in rows.items():
        q = int(index) if index.isascii() and index.isdigit() and len(index) < 10 else rank
        if q >= rank:
            raise FormatError(f"key '{key}_sparse': product {index[:20]!r} is out of range; {rank} are declared")
        positions, coefficients = _row(row, f"key '{key}_sparse': product {q}")
        for i, c in zip(positions, plain(coefficients, f"{key}_sparse"), strict=True):
            if type(i) is not int or not 0 <= i < width:
                raise FormatError(f"key '{key}_sparse': position {str(i)[:20]} is out of range; {width} are there")
            found[q][i] = c
    return from_sparse(found, width)


def _row(row: Any, place: str) -> tuple[list[Any], list[Any]]:
    lists = (row.get("i"), row.get("c")) if isinstance(row, dict) else (None, None)
    if not isinstance(lists[0], list) or not isinstance(lists[1], list) or len(lists[0]) != len(lists[1]):
        raise FormatError(f"{place}: equally many positions 'i' and coefficients 'c' are needed")
    return lists[0], lists[1]


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """The sparse form, with the fields it is proved over and whatever else is known.

    Raises:
        FormatError: If it is no real matrix multiplication.
    """
    n, m, p = sizes(scheme, NAME)
    u, v, w = fractions(scheme)
    fields = _FIELDS.get(scheme.ring, _OVER_Z)
    document: dict[str, Any] = {"n": [n, m, p], "m": scheme.rank, "z2": scheme.ring is Ring.F2}
    document |= {"fields": fields} | dict(extra)
    for key, rows in (("u", u), ("v", v), ("w", flip(w, n, p))):
        document[f"{key}_sparse"] = {
            str(q): {"i": [i for i, x in enumerate(row) if x], "c": [plainest(x) for x in row if x]}
            for q, row in enumerate(rows)
        }
    return {"": (json.dumps(document, indent=1) + "\n").encode()}


FORMAT = Format(
    "MMC's JSON: Perminov's keys, sparse factors and sources beside them, C transposed", matches, read, write
)
