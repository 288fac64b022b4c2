"""Entries as bytes: written the same way every time, and read with one clear line for everything that can be wrong."""

from __future__ import annotations

import json
import lzma
import os
import stat
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import Field, TypeAdapter, ValidationError

from bilinear.catalog.entries import (
    FORMAT_VERSION,
    MAX_DIGITS,
    ApproximationEntry,
    BorderEntry,
    SchemeEntry,
    TransformEntry,
)
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.recipes import RecipeEntry
from bilinear.decompositions import BilinearError, memory
from bilinear.decompositions.rings import MAX_BITS

MAX_FILE = 256 * 10**6
BYTES_A_BYTE = 30
"""Memory that parsing takes for each byte of text, at most: a one-digit number becomes objects of a few words."""

XZ = b"\xfd7zXZ\x00"
"""How a compressed entry begins."""

XZ_MEMORY = 128 * 10**6
"""What unpacking one may take: 65 MB at the highest of the usual levels."""

FACTORS = {"u", "v", "w", "imag"}
"""Keys whose products stand on lines of their own."""

UNORDERED = ("provenance", "operations")
"""Keys that hold a mapping of the caller's, which is written in the order of its names."""

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

AnyEntry = SchemeEntry | ApproximationEntry | TransformEntry | BorderEntry | RecipeEntry
Entry = Annotated[AnyEntry, Field(discriminator="kind")]
KINDS = ("scheme", "approximation", "transform", "border", "recipe")
WITHOUT_FACTORS = ("transform", "recipe")


def dumps(entry: AnyEntry) -> bytes:
    """The entry as JSON, the same bytes for the same entry: one key a line, one product a line, a newline at the end.

    Raises:
        CatalogError: If a parameter is NaN or infinite.
    """
    document = {
        key: value for key, value in entry.model_dump(mode="json", exclude=FACTORS).items() if value is not None
    }
    if "target" in document:
        document["target"] = {key: value for key, value in document["target"].items() if value is not None}
    try:
        texts = {key: _value(key, value) for key, value in document.items()}
    except ValueError as error:
        raise CatalogError(f"entry {entry.hash[:8]}: {error}; JSON knows finite numbers only") from None
    known = _Texts()
    if entry.kind not in WITHOUT_FACTORS:
        texts |= {factor: _products(getattr(entry, factor), known) for factor in "uvw"}
    if entry.kind == "scheme" and entry.imag is not None:
        imag = entry.imag
        texts["imag"] = (
            "{" + ",\n".join(f'"{factor}":{_products(getattr(imag, factor), known)}' for factor in "uvw") + "}"
        )
    lines = [f"{json.dumps(key)}:{texts[key]}" for key in type(entry).model_fields if key in texts]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def compressed(data: bytes) -> bytes:
    """An entry's bytes as `read` takes them too, the same ones for the same entry by the same library."""
    return lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=9 | lzma.PRESET_EXTREME)


def _plain(data: bytes) -> bytes:
    """The text itself, of at most 256 MB, where these bytes are compressed."""
    if not data.startswith(XZ):
        return data
    reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    try:
        text = reader.decompress(data, MAX_FILE + 1)
    except (lzma.LZMAError, EOFError) as error:
        fact = " ".join(str(error).split()).lower()
        raise CatalogError(f"file: compressed, and damaged ({fact}); a whole one is needed") from None
    if len(text) <= MAX_FILE and not (reader.eof and not reader.unused_data):
        raise CatalogError("file: compressed, and cut short or followed by more; a whole one is needed")
    memory.require(BYTES_A_BYTE * len(text), "reading a compressed entry")
    return text


def _value(key: str, value: Any) -> str:
    if key == "factors" and value:
        return "[\n" + ",\n".join(_compact(factor) for factor in value) + "\n]"
    if key == "recipe":
        steps = ",\n".join(_compact(step, sort_keys=True) for step in value["steps"])
        return f'{{"ring":{_compact(value["ring"])},"steps":[\n{steps}\n]}}'
    return _compact(value, sort_keys=key in UNORDERED)


class _Texts(dict[Any, str]):
    """Terms as JSON; each different one is encoded once, since most occur often."""

    def __missing__(self, term: Any) -> str:
        is_plain = type(term) is tuple and [type(number) for number in term] == [int, int]
        self[term] = text = f"[{term[0]},{term[1]}]" if is_plain else _encode(term)
        return text


def _products(rows: tuple[tuple[Any, ...], ...], texts: _Texts) -> str:
    """Rows of terms, one product a line."""
    lines = ",\n".join([f"[{','.join(map(texts.__getitem__, row))}]" for row in rows])
    return f"[\n{lines}\n]" if lines else "[]"


def _compact(value: Any, sort_keys: bool = False) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys, allow_nan=False)


def read(path: Path) -> AnyEntry:
    """The entry in a file, well formed but not verified.

    Raises:
        CatalogError: If there is none, or it is larger than 256 MB.
        TooLargeError: If parsing it would not fit into memory.
    """
    return loads(_content(path), str(path))


def _content(path: Path) -> bytes:
    """The bytes of a regular file, its size checked before it is read; a named pipe does not hang the reader."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            _check_file(path, status)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CatalogError(f"{path}: file: {error.strerror or error}; a readable JSON entry is needed") from None
    except ValueError:  # a null byte, half a pair of a surrogate
        raise CatalogError(f"{str(path)!a}: file: no path that the system knows; another one is needed") from None


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CatalogError(f"{path}: file: not a regular file; an entry is a JSON file")
    if status.st_size > MAX_FILE:
        size, limit = memory.human(status.st_size), memory.human(MAX_FILE)
        raise CatalogError(f"{path}: file: {size}; an entry has at most {limit}")
    memory.require(BYTES_A_BYTE * status.st_size, f"reading {path}")


def loads(data: bytes, source: str) -> AnyEntry:
    """The entry in these bytes, well formed but not verified.

    Args:
        data: JSON text, compressed or not.
        source: Where it comes from, as the error names it.

    Raises:
        CatalogError: One line, `SOURCE: thing: fact; need`.
    """
    try:
        data = _plain(data)
        if len(data) > MAX_FILE:
            raise CatalogError(f"more than {memory.human(MAX_FILE)}; no entry is that large")
        return _validated(_parsed(data))
    except BilinearError as error:
        raise CatalogError(f"{source}: {error}") from None


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise CatalogError(f"byte {error.start}: not UTF-8 text; a JSON entry is needed") from None
    except json.JSONDecodeError as error:
        raise CatalogError(
            f"line {error.lineno}: truncated or not JSON ({error.msg.lower()}); a whole JSON entry is needed"
        ) from None
    except RecursionError:
        raise CatalogError("JSON: nested too deeply; entries have a few levels") from None
    except ValueError:
        raise CatalogError(f"JSON: a number of thousands of digits; at most {MAX_BITS} bits are held") from None
    if not isinstance(document, dict):
        raise CatalogError("JSON: not an object; an entry is a JSON object with a key 'kind'")
    return document


def _no_constant(name: str) -> NoReturn:
    raise CatalogError(f"JSON: {name} is no number; finite numbers are needed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise CatalogError(f"JSON: key {twice[:40]!r} is given twice; each is given once")
    return found


def _validated(document: dict[str, Any]) -> AnyEntry:
    _check_header(document)
    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        raise CatalogError(_first_fault(error)) from None
    except RecursionError:
        raise CatalogError("JSON: nested too deeply; entries have a few levels") from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # half a pair of a surrogate in a key
        fact = " ".join(str(error).split())[:120]
        raise CatalogError(f"entry: {fact or type(error).__name__}; what the format allows is needed") from None


@cache
def _adapter() -> TypeAdapter[AnyEntry]:
    return TypeAdapter(Entry)


def _check_header(document: dict[str, Any]) -> None:
    version, kind = document.get("format_version"), document.get("kind")
    if type(version) is not int or version != FORMAT_VERSION:
        found = _shown(version) if "format_version" in document else "missing"
        raise CatalogError(f"format_version: {found}; this program reads version {FORMAT_VERSION}")
    if kind not in KINDS:
        found = _shown(kind) if "kind" in document else "missing"
        raise CatalogError(f"kind: {found}; one of {', '.join(KINDS)} is needed")


def _first_fault(error: ValidationError) -> str:
    """`thing: fact; need` of the first thing that pydantic found."""
    fault = error.errors(include_url=False)[0]
    path = [step for step in fault["loc"][1:] if isinstance(step, int) or "-" not in step]
    place = (
        "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")[:80] or "a key"
    )
    if fault["type"] == "missing":
        return f"{place}: missing; it must be given"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key; format version {FORMAT_VERSION} has none of that name"
    if fault["loc"][0] != "border" and _is_coefficient(path) and not isinstance(fault["input"], list | dict):
        return f"{place}: {_coefficient_fault(fault['input'])}"
    need = fault["msg"].replace("Input should be", "must be").replace("\n", " ")
    return f"{place}: {_shown(fault['input'])}; {need[0].lower()}{need[1:]}"


def _is_coefficient(path: list[int | str]) -> bool:
    """Whether the place is the second half of an [index, coefficient] pair, or a denominator."""
    names = [step for step in path if isinstance(step, str)]
    places = [step for step in path if isinstance(step, int)]
    if names == ["denominators"]:
        return len(places) == 1
    return names[-1:] in (["u"], ["v"], ["w"]) and len(places) == 3 and places[-1] == 1


def _coefficient_fault(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{_shown(value)} is 2^53 or more; such integers are written as decimal strings"
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        return f"a coefficient of {len(value)} digits; at most {MAX_BITS} bits are held"
    return f"{_shown(value)} is no exact coefficient; an integer, or from 2^53 on a decimal string, is needed"


def _shown(value: Any) -> str:
    """A short form of a JSON value, on one line."""
    if isinstance(value, list | dict):
        return f"a list of {len(value)}" if isinstance(value, list) else "an object"
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    text = json.dumps(value[:41] if isinstance(value, str) else value)
    return text if len(text) <= 40 else f"{text[:40]}..."
