"""The bytes of a foreign file, and what is common to reading and writing all of them."""

from __future__ import annotations

import bz2
import codecs
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from bilinear.decompositions import memory
from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.draft import Draft, Fault
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.rings import MAX_BITS
from bilinear.decompositions.scheme import Scheme

MAX_FILE = 256 * 10**6
BYTES_A_BYTE = 64
"""Memory that parsing takes for each byte of text, at most (measured: 55, of terms like `a11+`)."""

HEAD = 1 << 16
"""Characters that a format is told by."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMED_RANK = re.compile(
    r"(?<![A-Za-z0-9])[0-9]{1,3}x[0-9]{1,3}x[0-9]{1,3}_[mr]([0-9]{1,7})(?![0-9])"  # 4x4x4_m49_ZT.json
    r"|(?<![0-9])[1-9]{3}-([0-9]{1,4})-"  # 366-85-mod2.exp, grey322-11-50
)
_NAMED_MODULUS = re.compile(r"mod(0|2|3)(?![0-9])")


def open_source(path: Path) -> Source:
    """The file at a path, its size checked before it is read; a `.bz2` is unpacked.

    Raises:
        FormatError: If it cannot be read, is no regular file, or larger than 256 MB.
        TooLargeError: If reading it would not fit into memory.
    """
    data = _content(path)
    name = path.name
    if data.startswith(b"BZh") and name.endswith(".bz2"):
        data, name = _expanded(data), name.removesuffix(".bz2")

    def sibling(other: str) -> bytes | None:
        return _content(path.with_name(other)) if path.with_name(other).is_file() else None

    return Source(name, data, sibling)


def _content(path: Path) -> bytes:
    """The bytes of a regular file; a named pipe does not hang the reader."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FormatError("not a regular file")
            if status.st_size > MAX_FILE:
                size, limit = memory.human(status.st_size), memory.human(MAX_FILE)
                raise FormatError(f"a file of {size}; at most {limit} are read")
            memory.require(BYTES_A_BYTE * status.st_size, "reading it")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise FormatError(f"{error.strerror or error}") from None


def _expanded(data: bytes) -> bytes:
    """What a .bz2 file holds, at most 256 MB."""
    unpacker = bz2.BZ2Decompressor()
    try:
        found = unpacker.decompress(data, MAX_FILE)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"damaged ({str(error).lower()})") from None
    if not unpacker.eof:
        raise FormatError(f"cut off, or unpacks to more than {memory.human(MAX_FILE)}")
    return found


@dataclass(frozen=True)
class Source:
    """A file that was read, at most 256 MB of it.

    Attributes:
        name: Its own name, without folders.
        data: Its bytes.
        siblings: From the name of another file in its folder to that file's bytes; None where there is none.
    """

    name: str
    data: bytes
    siblings: Callable[[str], bytes | None] = field(default=lambda name: None)

    @cached_property
    def text(self) -> str:
        """The text, with `\\n` at line ends whatever the file has.

        Raises:
            FormatError: If it is no UTF-8, or UTF-16 with a mark.
        """
        encoding = next((name for mark, name in _BOMS if self.data.startswith(mark)), "utf-8")
        try:
            text = self.data.decode(encoding)
        except UnicodeDecodeError as error:
            raise FormatError(f"byte {error.start}: not {encoding[:6].upper()} text") from None
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    @cached_property
    def head(self) -> str:
        """The first characters of a text, by which its format is told; empty for binary files."""
        if b"\0" in self.data[:HEAD] and not self.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return ""
        return self.text[:HEAD]

    @cached_property
    def document(self) -> dict[str, Any]:
        """The object of a JSON file; empty for other files.

        Raises:
            FormatError: If it begins like one and is none.
        """
        if not re.match(r'\s*\{\s*["}]', self.head):
            return {}
        try:
            found = json.loads(self.text, parse_float=str, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            raise FormatError(f"line {error.lineno}: cut off, or no JSON ({error.msg.lower()})") from None
        except RecursionError:
            raise FormatError("JSON nested too deeply; schemes have a few levels") from None
        except ValueError:
            raise FormatError(f"JSON: a number of thousands of digits; at most {MAX_BITS} bits are held") from None
        return found if isinstance(found, dict) else {}

    @property
    def ending(self) -> str:
        """`.json`, `.npz`, ...; empty where the name has none that an attachment could bear."""
        found = re.search(r"\.[A-Za-z0-9]{1,8}$", self.name)
        return found[0] if found else ""

    @property
    def whole(self) -> dict[str, bytes]:
        """The file as the original of its only scheme."""
        return {self.ending: self.data}

    @property
    def named_rank(self) -> int | None:
        """The rank in a name like `4x4x4_m49_ZT.json` or `366-85-mod2.exp`."""
        found = _NAMED_RANK.search(self.name)
        return int(found[1] or found[2]) if found else None

    @property
    def named_characteristic(self) -> int | None:
        """The modulus in a name like `366-85-mod2.exp`, 0 for none."""
        found = _NAMED_MODULUS.search(self.name)
        return int(found[1]) if found else None

    def lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines that hold something, stripped."""
        for i, line in enumerate(self.text.split("\n"), 1):
            if line.strip():
                yield i, line.strip()


def _no_constant(name: str) -> NoReturn:
    raise FormatError(f"JSON: {name} is no number; finite numbers are needed")


@dataclass(frozen=True)
class Format:
    """One way in which files hold schemes.

    Attributes:
        description: One line for people: what it is and whose.
        matches: Whether a file is of this format, told from its content.
        read: The schemes of such a file, one after another; FormatError for what cannot be read.
        write: From a scheme and what else is known of it to files, by what is appended to the name of the first.
    """

    description: str
    matches: Callable[[Source], bool]
    read: Callable[[Source], Iterator[Draft | Border | Fault]]
    write: Callable[[Scheme, Mapping[str, Any]], dict[str, bytes]]


def sizes(
    scheme: Scheme, name: str, largest: int | None = None, families: tuple[str, ...] = ("matmul",)
) -> tuple[int, int, int]:
    """(n, m, p) of a scheme that a format for real matrix multiplication, or for `families` like it, can hold.

    Raises:
        FormatError: If it is another map, has imaginary coefficients, or a size is above `largest`.
    """
    if scheme.target.family not in families:
        raise FormatError(f"{scheme.target.short}: {name} holds matrix multiplication only")
    if scheme.imag is not None and any(part.any() for part in scheme.imag):
        raise FormatError(f"{scheme.target.short}: {name} holds no imaginary coefficients; choose alphaevolve")
    n, m, p = scheme.target.sizes
    if largest is not None and max(n, m, p) > largest:
        raise FormatError(f"{scheme.target.short}: {name} holds sizes up to {largest}")
    return n, m, p


def fractions(scheme: Scheme) -> tuple[list[list[int]], list[list[int]], list[list[int | Fraction]]]:
    """Rows of u, v and w; those of w over their denominators."""
    scaled = [
        [Fraction(x, d) if x % d else x // d for x in row]
        for row, d in zip(scheme.w.tolist(), scheme.denominators.tolist(), strict=True)
    ]
    return scheme.u.tolist(), scheme.v.tolist(), scaled


def flip(rows: list[list[Any]], height: int, width: int) -> list[list[Any]]:
    """Rows of `height` x `width` matrices, each of them transposed: C to its transpose and back."""
    return [[row[i * width + k] for k in range(width) for i in range(height)] for row in rows]


def declared(scheme: Scheme, name: str) -> bool:
    """Whether a scheme is one modulo 2, for formats that declare that and nothing else.

    Raises:
        SchemeError: If it is one modulo 3.
    """
    if scheme.ring.characteristic == 3:
        raise SchemeError(f"{scheme.target.short} over f3: {name} declares modulo 2 or not; choose another format")
    return scheme.ring.characteristic == 2
