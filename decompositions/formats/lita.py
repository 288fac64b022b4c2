"""lita's .npz: compressed sparse rows of u, v and w with numerators and denominators, and the sizes as JSON text.

Source: github.com/khoruzhii/lita, format tag `fmmp.qcsr.v1`. C is not transposed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.formats import arrays
from bilinear.decompositions.formats.draft import Draft, sized
from bilinear.decompositions.formats.numbers import (
    MAX_CELLS,
    Factor,
    FormatError,
    Number,
    from_integers,
    from_sparse,
    narrowed,
    require_cells,
)
from bilinear.decompositions.formats.source import Format, Source, fractions, sizes
from bilinear.decompositions.rings import INT64_SAFE, Ring
from bilinear.decompositions.scheme import Scheme

TAG = "fmmp.qcsr.v1"
PARTS = ("indptr", "indices", "numerators", "denominators")
_FIELDS = {Ring.F2: "F2", Ring.F3: "F3"}


def matches(source: Source) -> bool:
    """An archive with the row pointers of u."""
    return source.data.startswith(arrays.ZIP_MAGIC) and "u_indptr" in arrays.members(source.data)


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the archive."""
    wanted = ["metadata_json", *(f"{factor}_{part}" for factor in "uvw" for part in PARTS)]
    found = dict(arrays.arrays(source.data, wanted))
    missing = next((name for name in wanted if not isinstance(found.get(name), np.ndarray)), None)
    if missing is not None:
        raise FormatError(f"no array {missing!r}; lita's twelve, and metadata_json, are needed")
    metadata = _metadata(found["metadata_json"])
    n, m, p = metadata["tensor"]
    rank, field = metadata.get("rank"), metadata.get("coefficient_field")
    if type(rank) is not int or not 0 < rank <= MAX_CELLS:
        raise FormatError("metadata_json: no rank; the number of products is needed")
    target = sized(n, m, p)
    u, v, w = (_factor(found, factor, rank, side) for factor, side in zip("uvw", target.shape, strict=True))
    characteristic = {"F2": 2, "F3": 3}.get(field, 0) if isinstance(field, str) else None
    yield Draft(target, u, v, w, source.whole, characteristic, claimed_rank=source.named_rank)


def _metadata(found: Any) -> dict[str, Any]:
    try:
        text = str(found.item()) if found.dtype.kind == "U" else bytes(found.tobytes()).rstrip(b"\0").decode()
        metadata = json.loads(text)
    except (ValueError, RecursionError, SystemError):
        raise FormatError("metadata_json: no JSON; an object with format, rank and tensor is needed") from None
    if not isinstance(metadata, dict) or metadata.get("format") != TAG:
        raise FormatError(f"metadata_json: another format than {TAG}")
    tensor = metadata.get("tensor")
    if not isinstance(tensor, list) or len(tensor) != 3 or any(type(x) is not int for x in tensor):
        raise FormatError("metadata_json: no tensor; three sizes are needed")
    return metadata


def _factor(found: Mapping[str, Any], name: str, rank: int, width: int) -> Factor:
    pointers, columns, tops, bottoms = (found[f"{name}_{part}"] for part in PARTS)
    for array in (pointers, columns, tops, bottoms):
        if array.ndim != 1 or array.dtype.kind not in "iu" or array.dtype == np.uint64:
            raise FormatError(f"{name}: an array that is no list of integers")
    require_cells(rank, width)
    count = len(columns)
    if len(pointers) != rank + 1 or pointers[0] != 0 or pointers[-1] != count or (np.diff(pointers) < 0).any():
        raise FormatError(f"{name}_indptr: no row pointers of {rank} products with {count} coefficients")
    if len(tops) != count or len(bottoms) != count:
        raise FormatError(f"{name}: {count} indices, {len(tops)} numerators and {len(bottoms)} denominators")
    if count and (columns.min() < 0 or columns.max() >= width):
        raise FormatError(f"{name}_indices: {int(columns.max())} is out of range; {width} coordinates are there")
    if not bottoms.all():
        raise FormatError(f"{name}_denominators: division by zero; finite numbers are needed")
    rows = np.repeat(np.arange(rank), np.diff(pointers))
    if len(np.unique(rows * width + columns)) != count:
        raise FormatError(f"{name}_indices: a position is given twice; each is given once")
    return _filled(rows, columns, tops, bottoms, (rank, width))


def _filled(rows: Any, columns: Any, tops: Any, bottoms: Any, shape: tuple[int, int]) -> Factor:
    if (bottoms == 1).all():
        dense = np.zeros(shape, dtype=np.int64)
        dense[rows, columns] = tops
        return from_integers(dense)
    found: list[dict[int, Number]] = [{} for _ in range(shape[0])]
    for q, i, top, bottom in zip(rows.tolist(), columns.tolist(), tops.tolist(), bottoms.tolist(), strict=True):
        found[q][i] = narrowed(Fraction(top, bottom))
    return from_sparse(found, shape[1])


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """The archive of a scheme.

    Raises:
        FormatError: If it is no real matrix multiplication, or a number is beyond 2^62.
    """
    shape = sizes(scheme, "lita")
    field = _FIELDS.get(scheme.ring, "Q")
    metadata = {"coefficient_field": field, "format": TAG, "rank": scheme.rank, "tensor": list(shape)}
    found: dict[str, NDArray[Any]] = {}
    factors: tuple[list[Any], ...] = fractions(scheme)
    for name, rows in zip("uvw", factors, strict=True):
        found |= {f"{name}_{part}": array for part, array in zip(PARTS, _compressed(scheme, rows), strict=True)}
    found["metadata_json"] = np.array(json.dumps(metadata, separators=(",", ":")).encode())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **found)  # type: ignore[arg-type]  # NumPy's stubs read the names as options
    return {"": buffer.getvalue()}


def _compressed(scheme: Scheme, rows: list[Any]) -> tuple[NDArray[Any], ...]:
    """Row pointers, columns, numerators and denominators."""
    entries = [(q, i, x.numerator, x.denominator) for q, row in enumerate(rows) for i, x in enumerate(row) if x]
    if any(abs(top) >= INT64_SAFE or bottom >= INT64_SAFE for _, _, top, bottom in entries):
        raise FormatError(f"{scheme.target.short}: a number beyond 2^62, which lita cannot hold")
    q, i, tops, bottoms = np.array(entries, dtype=np.int64).reshape(-1, 4).T
    pointers = np.searchsorted(q, np.arange(len(rows) + 1))
    return pointers.astype(np.int64), i.astype(np.int32), tops, bottoms


FORMAT = Format("lita .npz (fmmp.qcsr.v1): compressed sparse rows, C not transposed", matches, read, write)
