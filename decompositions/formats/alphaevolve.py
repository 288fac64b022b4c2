"""AlphaEvolve's literal arrays: three `np.array([[...]])`, products in columns, C transposed; in text or a notebook.

Source: github.com/google-deepmind/alphaevolve_results, `mathematical_results.ipynb`, section A. Parsed, not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.formats.draft import Draft, Fault, shaped, transposed
from bilinear.decompositions.formats.numbers import Factor, FormatError, from_tokens, require_rectangular
from bilinear.decompositions.formats.source import Format, Source, flip, fractions
from bilinear.decompositions.scheme import Scheme

_ARRAY = "np.array("
_NAME = re.compile(r"decomposition_([0-9A-Za-z_]{1,40})\s*=\s*\(")
_TYPE = r"(?:,dtype=(?:np\.|numpy\.)?[a-z0-9]+)?,?\)"
_END = re.compile(_TYPE)
_JOINED = re.compile(rf"{_TYPE},")
_DIGITS = 53


def matches(source: Source) -> bool:
    """A literal array in the text, or a notebook's cells."""
    if "cells" in source.document:
        return True
    return _ARRAY in source.head and not source.document


def read(source: Source) -> Iterator[Draft | Fault]:
    """One draft for every three arrays in one bracket; other arrays are counted in the note of the first."""
    text = _cells(source) if source.document else source.text
    pieces = text.split(_ARRAY)
    found = list(_triples(pieces))
    if not found:
        raise FormatError(f"{len(pieces) - 1} arrays; three for each scheme are needed")
    left = len(pieces) - 1 - sum(stop - start for start, stop, _ in found)
    note = f"{left} of its {len(pieces) - 1} arrays are in no scheme" if left else ""
    for number, (start, stop, name) in enumerate(found, 1):
        record = name or (str(number) if len(found) > 1 else "")
        text = _ARRAY + _ARRAY.join(pieces[start:stop])
        try:
            yield _draft(pieces[start:stop], record, {".txt": text.encode()} if record or left else source.whole, note)
            note = ""
        except FormatError as error:
            yield Fault(record, str(error))


def _triples(pieces: list[str]) -> Iterator[tuple[int, int, str]]:
    """Where the arrays of a scheme start and stop, and its name; pieces are what follows each `np.array(`."""
    runs = _runs(pieces)
    if all(stop - start != 3 for start, stop in runs) and len(pieces) > 3 and len(pieces) % 3 == 1:
        runs = [(start, start + 3) for start in range(1, len(pieces), 3)]
    for start, stop in runs:
        name = _NAME.search(pieces[start - 1][-200:])
        if stop - start == 3 or name:
            yield start, stop, name[1] if name and len(pieces) > 4 else ""


def _runs(pieces: list[str]) -> list[tuple[int, int]]:
    """Arrays with nothing but a comma between them."""
    runs, start = [], 1
    for i in range(1, len(pieces)):
        rest = "".join(pieces[i][pieces[i].rfind("]") + 1 :].split())
        if not _JOINED.fullmatch(rest) or i + 1 == len(pieces):
            runs.append((start, i + 1))
            start = i + 1
    return runs


def _draft(pieces: list[str], record: str, originals: dict[str, bytes], note: str) -> Draft:
    if len(pieces) != 3:
        raise FormatError(f"{len(pieces)} arrays; three are needed")
    u, v, w = (_factor(piece) for piece in pieces)
    target = shaped(u.width, v.width, w.width)
    if target.family != "matmul":
        raise FormatError(f"{u.width}, {v.width} and {w.width} rows; n m, m p and p n of a matrix product are needed")
    n, _, p = target.sizes
    return Draft(target, u, v, transposed(w, p, n), originals, record=record, note=note)


def _cells(source: Source) -> str:
    """The code of a notebook."""
    lines = []
    cells = source.document.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        code = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
        lines += [code] if isinstance(code, str) else [x for x in code if isinstance(x, str)] if code else []
        lines.append("\n")
    return "".join(lines)


def _factor(piece: str) -> Factor:
    """The array whose text follows `np.array(`."""
    end = piece.find("]]")
    packed = "".join(piece[: end + 2].split())
    if end < 0 or not packed.startswith("[["):
        raise FormatError("an array is cut off; [[...], ...] is needed")
    rest = "".join(piece[end + 2 : end + 60].split())
    if not _END.match(rest):
        raise FormatError("an array is cut off; its type and a closing bracket are needed")
    rows = [row.split(",") for row in packed[2:-2].split("],[")]
    require_rectangular(rows)
    rank = len(rows[0])
    return from_tokens([row[q] for q in range(rank) for row in rows], rank)


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Python text of one decomposition; complex over `qi`.

    Raises:
        FormatError: If it is no matrix multiplication.
        SchemeError: If a coefficient is no float.
    """
    if scheme.target.family != "matmul":
        raise FormatError(f"{scheme.target.short}: alphaevolve holds matrix multiplication only")
    n, _, p = scheme.target.sizes
    real, imag = fractions(scheme), _imaginary(scheme)
    kind = "complex128" if imag else "float64"
    texts = []
    for axis in range(3):
        parts = [rows[axis] if axis < 2 else flip(rows[axis], n, p) for rows in (real, imag) if rows]
        texts.append(f"np.array([{_rows(scheme, parts)}], dtype=np.{kind})")
    name = "x".join(map(str, scheme.target.sizes))
    return {"": f"decomposition_{name} = ({', '.join(texts)})\n".encode()}


def _imaginary(scheme: Scheme) -> tuple[list[Any], list[Any], list[Any]] | None:
    if scheme.imag is None:
        return None
    u, v, w = scheme.imag
    return fractions(Scheme(scheme.target, "q", u, v, w, scheme.denominators))  # type: ignore[arg-type]  # a ring's name


def _rows(scheme: Scheme, parts: list[list[Any]]) -> str:
    """Rows of coordinates, columns of products."""
    columns = [list(zip(*rows, strict=True)) for rows in parts]
    lines = []
    for values in zip(*columns, strict=True):
        lines.append(f"[{', '.join(_float(scheme, z) for z in zip(*values, strict=True))}]")
    return ",\n       ".join(lines)


def _float(scheme: Scheme, parts: tuple[int | Fraction, ...]) -> str:
    for part in map(Fraction, parts):
        if part.numerator.bit_length() > _DIGITS or part.denominator & (part.denominator - 1):
            raise SchemeError(f"{scheme.target.short}: {str(part)[:40]} is no float; choose a format with fractions")
    texts = [repr(float(part)) for part in parts]
    return texts[0] if len(texts) == 1 else f"{texts[0]}{'' if texts[1].startswith('-') else '+'}{texts[1]}j"


FORMAT = Format(
    "AlphaEvolve literal np.array text or notebook, products in columns, C transposed", matches, read, write
)
