"""Perminov's JSON: `n`, `m`, `z2` and rows of u, v and w, one a product, C transposed; fractions as "a/b".

Source: github.com/dronperminov/FastMatrixMultiplication, `schemes/results`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, Number, from_numbers, number
from bilinear.decompositions.formats.source import Format, Source, declared, flip, fractions, sizes
from bilinear.decompositions.rings import INT64_SAFE
from bilinear.decompositions.scheme import Scheme

NAME = "perminov-json"
MAX_RANK = 10**7
OTHERS = frozenset({"fields", "fields_not", "commutative", "lineage", "attribution_for_rank", "verified", "hash"})
"""Keys of MMC's files, which hold Perminov's as well."""


def matches(source: Source) -> bool:
    """Sizes `n`, and dense rows in `u`; none of the keys of the reduced and of the sparse form."""
    keys = source.document.keys()
    return {"n", "u", "v", "w"} <= keys and not keys & (OTHERS | {"format_version", "u_fresh"})


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file."""
    document = source.document
    n, m, p = sizes_of(document)
    rank = rank_of(document)
    u, v, w = (dense(document, key, rank, width) for key, width in (("u", n * m), ("v", m * p), ("w", p * n)))
    yield Draft(
        sized(n, m, p), u, v, transposed(w, p, n), source.whole, ring_of(document), claimed_rank=source.named_rank
    )


def sizes_of(document: Mapping[str, Any]) -> tuple[int, int, int]:
    """(n, m, p) of the key `n`.

    Raises:
        FormatError: If it does not hold three whole numbers.
    """
    found = document.get("n")
    if not isinstance(found, list) or len(found) != 3 or any(type(x) is not int for x in found):
        raise FormatError("key 'n': three sizes are needed, as in [2, 2, 3]")
    n, m, p = found
    sized(n, m, p)
    return n, m, p


def rank_of(document: Mapping[str, Any]) -> int:
    """The number of products.

    Raises:
        FormatError: If the key `m` holds none.
    """
    rank = document.get("m")
    if type(rank) is not int or not 0 < rank <= MAX_RANK:
        raise FormatError(f"key 'm': the number of products, from 1 to {MAX_RANK}, is needed")
    return rank


def ring_of(document: Mapping[str, Any]) -> int | None:
    """The characteristic that the key `z2` declares; None without it.

    Raises:
        FormatError: If it is neither true nor false.
    """
    if "z2" not in document:
        return None
    if not isinstance(document["z2"], bool):
        raise FormatError("key 'z2': true or false is needed")
    return 2 if document["z2"] else 0


def dense(document: Mapping[str, Any], key: str, rank: int, width: int) -> Factor:
    """A factor of rows of numbers.

    Raises:
        FormatError: If there are not `rank` rows of `width` numbers.
    """
    rows = document.get(key)
    if not isinstance(rows, list) or len(rows) != rank:
        found = f"{len(rows)} rows" if isinstance(rows, list) else "no rows"
        raise FormatError(f"key {key!r}: {found}; {rank} products are declared")
    for q, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            found = f"{len(row)} numbers" if isinstance(row, list) else "no list"
            raise FormatError(f"key {key!r}: row {q + 1} has {found}; {width} are needed")
    return from_numbers(plain([x for row in rows for x in row], key), rank)


def plain(values: list[Any], key: str) -> list[Number]:
    """Numbers of a JSON file: integers, and texts that are numbers.

    Raises:
        FormatError: If one is neither.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        return values
    if not kinds <= {int, str}:
        wrong = next(x for x in values if type(x) not in (int, str))
        raise FormatError(f'key {key!r}: {str(wrong)[:40]!r} is no number; an integer or a text like "-1/2" is needed')
    known = {x: number(x) for x in values if type(x) is str} if str in kinds else {}
    return [known[x] if type(x) is str else x for x in values]


def plainest(value: int | Fraction) -> int | str:
    """A number as these files hold it: an integer, or the text of a fraction."""
    return value if isinstance(value, int) and abs(value) < INT64_SAFE else str(value)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """The file of a scheme, without formulas.

    Raises:
        FormatError: If it is no real matrix multiplication.
        SchemeError: If it is one modulo 3.
    """
    n, m, p = sizes(scheme, NAME)
    u, v, w = fractions(scheme)
    head = {"n": [n, m, p], "m": scheme.rank, "z2": declared(scheme, NAME)}
    lines = [f'    "{key}": {json.dumps(value)}' for key, value in head.items()]
    for key, rows in (("u", u), ("v", v), ("w", flip(w, n, p))):
        texts = ",\n".join(f"        {json.dumps([plainest(x) for x in row])}" for row in rows)
        lines.append(f'    "{key}": [\n{texts}\n    ]')
    return {"": ("{\n" + ",\n".join(lines) + "\n}\n").encode()}


FORMAT = Format("Perminov's JSON: n, m, z2 and dense u, v, w, C transposed", matches, read, write)
