"""What an entry's page holds for the browser: the factors and the tensor, to be drawn and verified there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bilinear.catalog.convert import turned
from bilinear.commands.common import visible
from bilinear.decompositions import Scheme, Target

if TYPE_CHECKING:
    from bilinear.catalog.verifiers import Proved

MOST_HELD = 400_000
"""Coefficients that a page holds; it has some 4 MB then."""

FIELDS = ("u", "v", "w")


def data_of(proved: Proved) -> dict[str, Any] | None:
    """The entry for its page's scripts; None if it is too large for a page.

    Of a scheme: `shape`, `ring`, `characteristic`, `rank`, sparse `u`, `v`, `w` as in its entry, `denominators`,
    `imag`, `names` of the coordinates, and the tensor as `sizes` of a matrix product or as `tensor`, [i, j, k, value].
    Of others `matrices` alone, each with `name`, `shape`, and `terms`, [row, column, number, text].
    """
    entry = proved.entry
    if isinstance(proved.value, Scheme):
        return _of_scheme(entry, proved.value)
    matrices = _of_transform(entry) if entry.kind == "transform" else _of_rows(entry)
    held = sum(len(matrix["terms"]) for matrix in matrices)
    return None if held > MOST_HELD else {"kind": entry.kind, "matrices": matrices}


def _of_scheme(entry: Any, scheme: Scheme) -> dict[str, Any] | None:
    written: Any = entry if entry.kind == "scheme" else turned(entry, scheme)
    target = scheme.target
    held = sum(len(product) for name in FIELDS for product in getattr(written, name))
    if held + (0 if target.family == "matmul" else len(target.values)) > MOST_HELD:
        return None
    found: dict[str, Any] = {name: getattr(written, name) for name in FIELDS}
    if written.denominators is not None:
        found["denominators"] = written.denominators
    if written.imag is not None:
        found["imag"] = {name: getattr(written.imag, name) for name in FIELDS}
    return (
        found
        | _tensor(target)
        | {
            "kind": "scheme",
            "target": target.short,
            "shape": target.shape,
            "ring": str(scheme.ring),
            "characteristic": scheme.ring.characteristic,
            "rank": scheme.rank,
            "names": [[visible(name) for name in names] for names in target.names],
        }
    )


def _tensor(target: Target) -> dict[str, Any]:
    if target.family == "matmul":
        return {"sizes": target.sizes}
    indices: list[list[int]] = target.indices.tolist()
    values: list[int] = target.values.tolist()
    return {"tensor": [[*index, _written(value)] for index, value in zip(indices, values, strict=True)]}


def _written(value: int) -> int | str:
    """An integer as a browser reads it exactly."""
    return value if abs(value) < 1 << 53 else str(value)


def _of_rows(entry: Any) -> list[dict[str, Any]]:
    """The factors of an approximation or of a border scheme."""
    shape = entry.target.resolve().shape
    return [
        {"name": name.upper(), "shape": [entry.rank, width], "terms": _terms(entry.kind, getattr(entry, name))}
        for name, width in zip(FIELDS, shape, strict=True)
    ]


def _terms(kind: str, rows: Sequence[Any]) -> list[list[Any]]:
    if kind == "approximation":
        numbers = [[float.fromhex(text) for text in row] for row in rows]
        return [[q, i, x, f"{x:.6g}"] for q, row in enumerate(numbers) for i, x in enumerate(row) if x]
    return [[q, i, 1, _polynomial(terms)] for q, row in enumerate(rows) for i, terms in row]


def _polynomial(terms: Sequence[tuple[int, str]]) -> str:
    return " + ".join(value if not power else f"{value} x^{power}" for power, value in terms)


def _of_transform(entry: Any) -> list[dict[str, Any]]:
    """The sparse factors, in the order in which they are written."""
    return [
        {
            "name": f"factor {place + 1}",
            "shape": list(factor.shape),
            "terms": [[i, j, -1 if text.startswith("-") else 1, visible(text)] for i, j, text in factor.entries],
        }
        for place, factor in enumerate(entry.factors)
    ]
