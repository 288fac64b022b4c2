"""Perminov's reduced JSON: programs for u, v and w with shared sums, terms `{index, value}`, w by output, C transposed.

Source: github.com/dronperminov/FastMatrixMultiplication. Fresh variable t of u has the index n*m + t (m*p + t in v,
rank + t in w) and may read earlier ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bilinear.decompositions.formats.draft import Draft, sized, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, Gaussian
from bilinear.decompositions.formats.perminov_json import plain, plainest, rank_of, ring_of, sizes_of
from bilinear.decompositions.formats.programs import Budget, Form, as_factor, combined, transposed_forms
from bilinear.decompositions.formats.source import Format, Source, declared, flip, fractions, sizes
from bilinear.decompositions.scheme import Scheme

NAME = "perminov-reduced"


def matches(source: Source) -> bool:
    """Fresh variables."""
    return "u_fresh" in source.document


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the file, its programs written out."""
    document = source.document
    n, m, p = sizes_of(document)
    rank = rank_of(document)
    budget = Budget()
    u = _forms(document, "u", n * m, rank, budget)
    v = _forms(document, "v", m * p, rank, budget)
    outputs = _forms(document, "w", rank, p * n, budget)
    w = transposed(as_factor(transposed_forms(outputs, rank), p * n), p, n)
    factors: tuple[Factor, Factor] = as_factor(u, n * m), as_factor(v, m * p)
    yield Draft(sized(n, m, p), *factors, w, source.whole, ring_of(document), claimed_rank=source.named_rank)


def _forms(document: Mapping[str, Any], key: str, inputs: int, outputs: int, budget: Budget) -> list[Form]:
    """The forms that a program computes."""
    fresh, rows = document.get(f"{key}_fresh"), document.get(key)
    if not isinstance(fresh, list) or not isinstance(rows, list) or len(rows) != outputs:
        raise FormatError(f"key {key!r}: {outputs} sums, and fresh variables before them, are needed")
    known: list[Form] = [{i: 1} for i in range(inputs)]
    for t, row in enumerate(fresh):
        known.append(_form(row, known, f"key '{key}_fresh': row {t + 1}", budget))
    return [_form(row, known, f"key {key!r}: row {q + 1}", budget) for q, row in enumerate(rows)]


def _form(row: Any, known: list[Form], place: str, budget: Budget) -> Form:
    if not isinstance(row, list) or not all(
        isinstance(term, dict) and {"index", "value"} <= term.keys() for term in row
    ):
        raise FormatError(f"{place}: terms with index and value are needed")
    values = plain([term["value"] for term in row], place)
    parts = []
    for term, value in zip(row, values, strict=True):
        i = term["index"]
        if type(i) is not int or not 0 <= i < len(known):
            raise FormatError(f"{place}: index {str(i)[:20]} is out of range; {len(known)} variables are known there")
        if isinstance(value, Gaussian):
            raise FormatError(f"{place}: an imaginary coefficient; rational ones are needed")
        parts.append((value, known[i]))
    return combined(parts, budget)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """The straightforward program, without fresh variables.

    Raises:
        FormatError: If it is no real matrix multiplication.
        SchemeError: If it is one modulo 3.
    """
    n, m, p = sizes(scheme, NAME)
    u, v, w = fractions(scheme)
    outputs = [list(column) for column in zip(*flip(w, n, p), strict=True)]
    rows = {key: [_terms(row) for row in factor] for key, factor in (("u", u), ("v", v), ("w", outputs))}
    naive = sum(max(len(row) - 1, 0) for factor in rows.values() for row in factor)
    document: dict[str, Any] = {"n": [n, m, p], "m": scheme.rank, "z2": declared(scheme, NAME)}
    document["complexity"] = {"naive": naive, "reduced": naive}
    for key, factor in rows.items():
        document |= {f"{key}_fresh": [], key: factor}
    return {"": (json.dumps(document, indent=1) + "\n").encode()}


def _terms(row: list[Any]) -> list[dict[str, Any]]:
    return [{"index": i, "value": plainest(x)} for i, x in enumerate(row) if x]


FORMAT = Format("Perminov's reduced JSON: programs with shared sums, w by output, C transposed", matches, read, write)
