"""Arrays of .npy and .npz files, their sizes checked before they are read; object arrays without running a pickle."""

from __future__ import annotations

import io
import math
import pickletools
import re
import struct
import zipfile
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.formats.numbers import FormatError

MAX_UNPACKED = 512 * 10**6
"""Bytes of all arrays of a file together."""

MAX_MEMBERS = 20_000
MAX_PICKLE = 64 * 10**6
MAX_HEADER = 4096
MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"
_HEADER = re.compile(
    r"\s*\{\s*'descr':\s*'(?P<descr>[<>|=]?[a-zA-Z][0-9]{0,8})',\s*'fortran_order':\s*(?P<fortran>True|False),"
    r"\s*'shape':\s*\((?P<shape>[0-9, ]*)\),?\s*\}\s*"
)
_PLAIN = re.compile(r"[<>|=]?(?:[biufc][0-9]{1,3}|[SU][0-9]{1,8})")


def members(data: bytes) -> dict[str, zipfile.ZipInfo]:
    """The arrays of an .npz file by name, unread; nothing if it is no archive.

    Raises:
        FormatError: If it is cut off, holds too many, or they would unpack to more than 512 MB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError) as error:
        raise FormatError(f"cut off, or no .npz archive ({str(error).lower()[:80]})") from None
    if len(listed) > MAX_MEMBERS:
        raise FormatError(f"an archive of {len(listed)} files; at most {MAX_MEMBERS} are read")
    size = sum(member.file_size for member in listed)
    if size > MAX_UNPACKED:
        raise FormatError(f"unpacks to {memory.human(size)}; at most {memory.human(MAX_UNPACKED)} are read")
    memory.require(3 * size, "unpacking the arrays")
    return {member.filename.removesuffix(".npy"): member for member in listed if not member.filename.endswith("/")}


def unpacked(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one file of an archive, never more than its directory states.

    Raises:
        FormatError: If it is damaged, encrypted, or not a .npy file.
    """
    name = ascii(member.filename)[1:61]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(member) as file:
            start = file.read(len(MAGIC))
            if start != MAGIC:
                raise FormatError(f"{name}: not a .npy array")
            return start + file.read(member.file_size)
    except FormatError:
        raise
    except Exception as error:  # damaged members make zipfile and its four decompressors raise what none documents
        raise FormatError(f"{name}: damaged ({' '.join(str(error).lower().split())[:80]})") from None


def array(data: bytes) -> NDArray[Any] | list[Any]:
    """The array in the bytes of a .npy file, read-only; the elements of an object array as a list.

    Raises:
        FormatError: If it is cut off, of a type that holds no numbers, or its pickle holds more than arrays.
    """
    descr, fortran, shape, rest = _header(data)
    if descr in ("|O", "O"):
        return _Pickle(rest).elements()
    if not _PLAIN.fullmatch(descr):
        raise FormatError(f"an array of type {descr}; numbers are needed")
    return _filled(rest, descr, shape, fortran)


def _filled(data: memoryview | bytes, descr: str, shape: tuple[int, ...], fortran: bool) -> NDArray[Any]:
    """The numbers of a type in these bytes.

    Raises:
        FormatError: If there is no such type, or they are too few or too many.
    """
    try:
        dtype = np.dtype(descr)
    except TypeError:
        raise FormatError(f"an array of type {descr[:20]}; numbers are needed") from None
    needed = math.prod(shape) * dtype.itemsize
    if needed != len(data) or dtype.itemsize == 0:
        raise FormatError(f"an array of shape {shape} needs {needed} bytes, {len(data)} are there; it is cut off")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(data: bytes) -> tuple[str, bool, tuple[int, ...], memoryview]:
    if len(data) < 12 or not data.startswith(MAGIC) or data[6] not in (1, 2, 3):
        raise FormatError("cut off, or not a .npy array")
    start = 10 if data[6] == 1 else 12
    (length,) = struct.unpack_from("<H" if start == 10 else "<I", data, 8)
    if length > MAX_HEADER or start + length > len(data):
        raise FormatError("the header of the array is cut off or damaged")
    found = _HEADER.fullmatch(data[start : start + length].decode("latin-1"))
    if found is None:
        raise FormatError("the header of the array is damaged, or of no plain type")
    sides = [side for side in found["shape"].replace(" ", "").split(",") if side]
    if len(sides) > 8 or any(len(side) > 12 for side in sides):
        raise FormatError(f"an array of shape ({found['shape'][:60]}); smaller ones are needed")
    return found["descr"], found["fortran"] == "True", tuple(map(int, sides)), memoryview(data)[start + length :]


class _Mark:
    """Stands on the stack where MARK was."""


class _Named:
    """A class or function that the pickle names; never looked up."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Blank:
    """What a call in the pickle gave; filled by BUILD, and never called."""

    def __init__(self, name: str, arguments: Any) -> None:
        self.name, self.arguments = name, arguments
        self.state: Any = None


class _Pickle:
    """Reads the stream of an object array, opcode by opcode; nothing that it names is imported or called.

    NumPy writes four names: `_reconstruct`, `ndarray`, `dtype` and, for numbers, `scalar`. Any other one is refused.
    """

    _NAMES = (
        "numpy.core.multiarray _reconstruct",
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
    )
    _VALUES = ("INT", "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
    _BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8")

    def __init__(self, data: memoryview) -> None:
        if len(data) > MAX_PICKLE:
            raise FormatError(f"an object array of {memory.human(len(data))}; at most {memory.human(MAX_PICKLE)}")
        self._data = bytes(data)
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def elements(self) -> list[Any]:
        """What the array holds.

        Raises:
            FormatError: If the stream is damaged, or holds anything but arrays of numbers.
        """
        try:
            for opcode, argument, _ in pickletools.genops(self._data):
                self._step(opcode.name, argument)
            whole = self._array(self._stack[-1])
            if not isinstance(whole, list):
                raise FormatError("an object array without elements; three arrays are needed")
            return [self._array(x) if isinstance(x, _Blank) else x for x in whole]
        except FormatError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, struct.error) as error:
            raise FormatError(f"the object array is cut off or damaged ({type(error).__name__})") from None

    def _step(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in self._VALUES or name in self._BYTES:
            stack.append(argument)
        elif name in ("NONE", "NEWTRUE", "NEWFALSE", "EMPTY_LIST", "EMPTY_TUPLE", "MARK"):
            empty = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
            stack.append(_Mark() if name == "MARK" else [] if name == "EMPTY_LIST" else empty[name])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument)
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self._taken(None if name == "TUPLE" else int(name[-1]))))
        elif name == "REDUCE":
            arguments, callee = stack.pop(), stack.pop()
            stack.append(_Blank(callee.name, arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].state = state
        elif name in ("APPEND", "APPENDS"):
            added = self._taken(1 if name == "APPEND" else None)
            stack[-1].extend(added)
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[len(self._memo) if name == "MEMOIZE" else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memo[int(argument)])
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise FormatError(f"the object array holds {name[:30]}, which arrays of numbers do not; it was not run")

    def _name(self, argument: Any) -> None:
        if argument is None:
            attribute, module = self._stack.pop(), self._stack.pop()
            argument = f"{module} {attribute}"
        if argument not in self._NAMES:
            raise FormatError(f"the object array names {str(argument)[:60]!r}, which is no array; it was not run")
        self._stack.append(_Named(argument))

    def _taken(self, count: int | None) -> list[Any]:
        """The last `count` values, or those since the last mark, off the stack."""
        stack = self._stack
        if count is None:
            count = next((i for i, value in enumerate(reversed(stack)) if isinstance(value, _Mark)), None)
            if count is None:
                raise FormatError("the object array is damaged; it takes values from an empty stack")
            taken = stack[len(stack) - count :]
            del stack[len(stack) - count - 1 :]
            return taken
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return taken

    def _array(self, blank: Any) -> NDArray[Any] | list[Any]:
        """The array that a blank stands for: its state is (version, shape, type, column order, data)."""
        if not isinstance(blank, _Blank) or not blank.name.endswith("_reconstruct"):
            raise FormatError("the object array holds something other than arrays")
        _, shape, dtype, fortran, data = blank.state
        descr = f"{dtype.state[1]}{dtype.arguments[0]}"
        if isinstance(data, list):
            return data
        if not _PLAIN.fullmatch(descr) or not isinstance(data, bytes):
            raise FormatError(f"an array of type {descr[:20]} in the object array; numbers are needed")
        return _filled(data, descr, tuple(int(side) for side in shape), bool(fortran))


def arrays(data: bytes, names: Collection[str]) -> Iterator[tuple[str, NDArray[Any] | list[Any]]]:
    """The arrays of an .npz file that have these names, one after another."""
    for name, member in members(data).items():
        if name in names:
            yield name, array(unpacked(data, member))
