"""What is found out later about an entry: files under `<root>/attachments/<hash>/`, keyed by the entry's hash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bilinear.catalog import atomic
from bilinear.catalog.errors import CatalogError
from bilinear.catalog.layout import ATTACHMENTS
from bilinear.decompositions import memory
from bilinear.decompositions.identity import HASH_DIGITS

MAX_ATTACHMENT = 256 * 10**6
_HASH = re.compile(rf"[0-9a-f]{{{HASH_DIGITS}}}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


def attach(root: Path, content_hash: str, name: str, data: bytes) -> None:
    """Write an attachment, in the place of an earlier one of the same name.

    Args:
        root: The user's folder.
        content_hash: Of the entry, all 64 digits.
        name: Letters, digits, `-`, `_` and single dots; at most 80 characters.
        data: At most 256 MB.

    Raises:
        CatalogError: If hash or name are not of that form, or the data is too large.
        StoreError: If the folder cannot be written.
    """
    path = _path(root, content_hash, name)
    if len(data) > MAX_ATTACHMENT:
        raise CatalogError(
            f"attachment {name}: {memory.human(len(data))}; at most {memory.human(MAX_ATTACHMENT)} are kept"
        )
    with atomic.writing(root):
        atomic.write(path, data)


def names(root: Path, content_hash: str) -> list[str]:
    """What one folder holds for an entry."""
    try:
        found = [path.name for path in _folder(root, content_hash).iterdir()]
    except OSError:
        return []
    return sorted(name for name in found if _NAME.fullmatch(name))


def read(roots: Iterable[Path], content_hash: str, name: str) -> bytes:
    """The bytes of an attachment, from the first folder that has it.

    Raises:
        CatalogError: If none has it, or it cannot be read.
    """
    for root in roots:
        path = _path(root, content_hash, name)
        if path.is_file():
            try:
                return path.read_bytes()
            except OSError as error:
                raise CatalogError(f"{path}: {error.strerror or error}; a readable file is needed") from None
    raise CatalogError(f"attachment {name} of entry {content_hash[:8]}: not here; `attachments` names what is")


def _path(root: Path, content_hash: str, name: str) -> Path:
    if len(name) > 80 or not _NAME.fullmatch(name):
        raise CatalogError(
            f"attachment {name[:80]!r}: no plain file name; letters, digits, -, _ and single dots are needed"
        )
    return _folder(root, content_hash) / name


def _folder(root: Path, content_hash: str) -> Path:
    if not _HASH.fullmatch(content_hash):
        raise CatalogError(
            f"hash {content_hash[:80]!r}: not a content hash; {HASH_DIGITS} hexadecimal digits are needed"
        )
    return root / ATTACHMENTS / content_hash
