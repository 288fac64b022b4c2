"""Tables of ranks as others write them: JSON of several shapes, CSV, text; what is no rank is told line by line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bilinear.catalog.bounds import lower_bounds
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.formats.source import Source
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.targets import parse_target

LARGEST = 1000
"""Of a size in a table."""

SHOWN = 60
FORMAT_KEYS = ("format", "shape", "size", "sizes", "dims", "dimensions", "target", "name")
RANK_KEYS = ("rank", "ranks", "multiplications", "products", "r")
RING_KEYS = ("ring", "field", "coefficients", "set")

_OTHER_NAMES = {
    "gf(2)": "f2",
    "gf2": "f2",
    "z2": "f2",
    "mod2": "f2",
    "gf(3)": "f3",
    "gf3": "f3",
    "z3": "f3",
    "mod3": "f3",
}
_SIZES = r"([0-9]{1,6})\s*[xX×*,; ]\s*([0-9]{1,6})\s*[xX×*,; ]\s*([0-9]{1,6})"
_FORMAT = re.compile(rf"\W*(?:matmul:)?\W*{_SIZES}\W*")
_LINE = re.compile(rf"\W*(?:matmul:)?\W*{_SIZES}(?![0-9.])[^0-9A-Za-z]+([0-9]{{1,9}})(?![0-9.])(.*)")


class TableError(BilinearError):
    """What stands in a table is no rank."""


class Claim(NamedTuple):
    """One rank of a table.

    Attributes:
        target: The format with sizes rising, as `Target.short` writes it.
        ring: The coefficient set.
        rank: What the table says.
        place: Where it says so.
    """

    target: str
    ring: Ring
    rank: int
    place: str


@dataclass
class Table:
    """What a table holds.

    Attributes:
        claims: Its ranks.
        faults: One line for each thing in it that is no rank of a format.
    """

    claims: list[Claim] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, place: str, sizes: object, rank: object, ring: Ring) -> None:
        """One claim, or why it is none."""
        try:
            self.claims.append(_claim(place, sizes, rank, ring))
        except BilinearError as error:
            self.fault(place, str(error))

    def fault(self, place: str, reason: str) -> None:
        """One line, each reason once at a place."""
        line = " ".join(f"{place.rstrip('.')}: {reason}".split())
        if line not in self.faults[-8:]:
            self.faults.append(line)


def read_table(source: Source, ring: Ring) -> Table:
    """The ranks in a file.

    Args:
        source: Its bytes.
        ring: What those are of that name no coefficient set.

    Raises:
        FormatError: If it is no text.
    """
    table = Table()
    if source.text.lstrip().startswith(("{", "[")):
        _json(source, ring, table)
    elif source.name.lower().endswith((".csv", ".tsv")) or "," in source.text.partition("\n")[0]:
        _csv(source, ring, table)
    else:
        _text(source.text, ring, table)
    return table


def _claim(place: str, sizes: object, rank: object, ring: Ring) -> Claim:
    n, m, p = _sizes(sizes)
    number = _number(rank)
    short = f"{n}x{m}x{p}"
    if not 1 <= number <= n * m * p:
        raise TableError(f"rank {number} of {short}; 1 to {n * m * p} make sense")
    target = parse_target(short)
    bound = next(iter(lower_bounds(target, ring)), None)
    if bound is not None and number < bound.rank:
        raise TableError(f"rank {number} of {short} over {ring} is impossible: {bound.rank} is proven ({bound.source})")
    return Claim(target.short, ring, number, place.rstrip("."))


def _sizes(sizes: object) -> tuple[int, int, int]:
    if isinstance(sizes, str):
        found = _FORMAT.fullmatch(sizes)
        sizes = list(found.groups()) if found else sizes
    if not isinstance(sizes, list) or len(sizes) != 3:
        raise TableError(f"{_shown(sizes)} is no format such as 2x3x4")
    n, m, p = sorted(_number(size) for size in sizes)
    if n < 1 or p > LARGEST:
        raise TableError(f"{n}x{m}x{p}: sizes of 1 to {LARGEST} are compared")
    return n, m, p


def _number(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise TableError(f"{_shown(value)} is no whole number")
    return value


def _ring(word: object, given: Ring) -> Ring:
    if word is None or word == "":
        return given
    name = str(word).strip().lower()
    try:
        return parse_ring(_OTHER_NAMES.get(name, name))
    except BilinearError:
        raise TableError(f"{_shown(word)} is no coefficient set: {', '.join(Ring)} are known") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _json(source: Source, ring: Ring, table: Table) -> None:
    try:
        document = json.loads(source.text)
        _walk(document, ring, "", table)
    except json.JSONDecodeError as error:
        table.fault(f"line {error.lineno}", f"not JSON ({error.msg.lower()})")
    except (RecursionError, ValueError):
        table.fault("JSON", "nested too deeply, or with a number of thousands of digits")


def _walk(part: object, ring: Ring, place: str, table: Table) -> None:
    """Whatever looks like a row, at any depth."""
    if isinstance(part, list):
        if len(part) == 4 and all(isinstance(one, int) for one in part):
            table.take(place, part[:3], part[3], ring)
            return
        for k, one in enumerate(part):
            _walk(one, ring, f"{place}[{k}]", table)
    elif isinstance(part, dict):
        lower = {str(key).lower(): value for key, value in part.items()}
        sizes = [lower[key] for key in ("n", "m", "p")] if {"n", "m", "p"} <= lower.keys() else None
        sizes = next((lower[key] for key in FORMAT_KEYS if key in lower), sizes)
        if sizes is not None and any(key in lower for key in RANK_KEYS):
            _row(sizes, lower, ring, place, table)
            return
        for key, one in part.items():
            if _FORMAT.fullmatch(str(key)):
                _row(str(key), one if isinstance(one, dict) else {"rank": one}, ring, f"{place}{key}", table)
            else:
                _walk(one, ring, f"{place}{str(key)[:SHOWN]}.", table)
    elif part is not None and not isinstance(part, str | int | float | bool):
        table.fault(place, f"{_shown(part)} is no row")


def _row(sizes: object, row: Mapping[str, Any], ring: Ring, place: str, table: Table) -> None:
    """The ranks of one format: one number, or one for each coefficient set."""
    lower = {str(key).lower(): value for key, value in row.items()}
    ranks = next((lower[key] for key in RANK_KEYS if key in lower), lower)
    try:
        ring = _ring(next((lower[key] for key in RING_KEYS if key in lower), None), ring)
    except TableError as error:
        table.fault(place, str(error))
        return
    if not isinstance(ranks, dict):
        table.take(place, sizes, ranks, ring)
        return
    for word, rank in ranks.items():
        if rank is None:
            continue
        try:
            table.take(place, sizes, rank, _ring(word, ring))
        except TableError as error:
            table.fault(place, str(error))


def _csv(source: Source, ring: Ring, table: Table) -> None:
    lines = source.text.splitlines()
    head = lines[0] if lines else ""
    separator = next((mark for mark in "\t;" if mark in head), ",")
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        table.fault("CSV", f"{error}")
        return
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    headed = bool(set(names) & {*FORMAT_KEYS, *RANK_KEYS}) or {"n", "m", "p"} <= set(names)
    for number, cells in enumerate(rows[headed:], 1 + headed):
        place = f"line {number}"
        if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
            continue
        if headed:
            _headed(dict(zip(names, cells, strict=False)), ring, place, table)
        else:
            _plain(" ".join(cells), ring, place, table)


def _headed(row: dict[str, str], ring: Ring, place: str, table: Table) -> None:
    sizes: object = next((row[key] for key in FORMAT_KEYS if key in row), None)
    if sizes is None and {"n", "m", "p"} <= row.keys():
        sizes = [row[key] for key in ("n", "m", "p")]
    by_ring = {name: cell for name, cell in row.items() if cell.strip() and _is_ring(name)}
    if any(key in row for key in RANK_KEYS):
        _row(sizes, row, ring, place, table)
    elif by_ring:
        _row(sizes, {"rank": by_ring}, ring, place, table)
    else:
        table.fault(place, "no rank in it")


def _is_ring(name: str) -> bool:
    return _OTHER_NAMES.get(name, name) in list(Ring)


def _text(text: str, ring: Ring, table: Table) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search("[0-9]", line) and not line.lstrip().startswith("#"):
            _plain(line, ring, f"line {number}", table)


def _plain(line: str, ring: Ring, place: str, table: Table) -> None:
    """A line that begins with a format and a rank, as `2x3x4 20`, `2x3x4:20 zt`, `<2,3,4> = 20`."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        table.fault(place, f"no format and rank in {_shown(line.strip())}")
        return
    words = re.findall(r"[A-Za-z][A-Za-z0-9()]*", found[5])
    try:
        table.take(place, list(found.groups()[:3]), found[4], _first_ring(words, ring))
    except TableError as error:
        table.fault(place, str(error))


def _first_ring(words: Iterable[str], ring: Ring) -> Ring:
    return next((_ring(word, ring) for word in words if _is_ring(word.lower())), ring)
