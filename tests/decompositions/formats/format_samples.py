"""Small files of our own in every format, and how they are read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from bilinear.decompositions import BilinearError, Ring, Scheme, SchemeError, strassen
from bilinear.decompositions.formats import FORMATS, read, write
from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.draft import Draft, Fault, Settled, settle
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.formats.source import Source

CANNOT_HOLD = (FormatError, SchemeError)
"""What a writer raises for a scheme that its format cannot hold."""


def source(data: bytes, name: str = "file", files: Mapping[str, bytes] | None = None) -> Source:
    """A file with others beside it."""
    return Source(name, data, (files or {}).get)


def sources(scheme: Scheme, name: str) -> Source:
    """A scheme written in a format, as a source with its further files beside it."""
    sizes = "".join(map(str, scheme.target.sizes))
    files = {f"gg-{sizes}{ending}": data for ending, data in write(scheme, name).items()}
    first = next(iter(files))
    return source(files[first], first, files)


def drafts(given: Source) -> list[Draft]:
    """The schemes of a file, none of them faulty."""
    found = []
    for one in read(given):
        if isinstance(one, Fault):
            raise FormatError(f"{one.record}: {one.reason}")
        if isinstance(one, Border):
            raise FormatError(f"an approximate algorithm: {one.verify().detail}")
        found.append(one)
    return found


def settled(given: Source) -> Settled:
    """The only scheme of a file, proved or not."""
    (draft,) = drafts(given)
    return settle(draft)


def strassen_in(name: str) -> Source:
    """2x2x2:7 in a format."""
    return sources(strassen(), name)


def outcome(given: Source) -> str:
    """What becomes of a file: `right`, `wrong`, or the reason why it cannot be read."""
    try:
        found = [settle(draft) for draft in drafts(given)]
    except BilinearError as error:
        return str(error)
    if not found:
        return "empty"
    return "right" if all(one.verification.ok for one in found) else "wrong"


def archive(arrays: Mapping[str, bytes]) -> bytes:
    """An .npz file of raw members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in arrays.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def saved(array: np.ndarray) -> bytes:
    """The bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


EXACT_RINGS = tuple(Ring)
NAMES = FORMATS.names()
