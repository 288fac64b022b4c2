"""Where an entry lies: `<root>/<family>/<shape>/<stem>.json`, and what can be told of it from that name alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import TARGETS, BilinearError, Ring, Target, parse_target
from bilinear.decompositions.identity import HASH_DIGITS

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

ATTACHMENTS = "attachments"
TRANSFORMS = "transform"
APPROXIMATION_TAG = "approx"
BORDER_TAG = "border"
NAME_DIGITS = 8
"""Digits of the content hash in the names of entries, more where two share them."""

KEY_DIGITS = 12

_TAGS = {"approximation": APPROXIMATION_TAG, "border": BORDER_TAG}
"""What stands for a coefficient set in the names of entries that have none."""

_HASH = rf"(?P<hash>[0-9a-f]{{{NAME_DIGITS},{HASH_DIGITS}}})"
_STEM = re.compile(rf"(?P<letter>[rt])(?P<count>[0-9]{{1,9}})-(?P<tag>[a-z][a-z0-9]*)-{_HASH}")
_PLAIN = re.compile(r"[A-Za-z0-9-][A-Za-z0-9+,=_^-]{0,79}")
_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")
_HEAD = 1 << 14  # characters of an entry that hold the name of its target, however long
_TARGET_NAME = re.compile(r'"target":\{"name":("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Listing:
    """What the index knows of an entry without reading it.

    Attributes:
        id: Unique across the catalog, `2x2x2-r7-zt-1f3a9c02`.
        kind: `scheme`, `approximation`, `transform` or `border`.
        target: The target's name.
        ring: The coefficient set, the field of a transform; None for an approximation and a border scheme.
        rank: Number of products; None for a transform.
        path: The file.
        shipped: Whether it came with the program and cannot be changed.
        hash: The first digits of the content hash, eight or more.
    """

    id: str
    kind: str
    target: str
    ring: str | None
    rank: int | None
    path: Path
    shipped: bool
    hash: str


def families() -> list[str]:
    """The folders of a catalog that hold entries."""
    return [*TARGETS.names(), TRANSFORMS]


def target_folder(target: Target) -> Path:
    """The folder of a target's entries, relative to the catalog; `complex/complex` for a family of one member."""
    spec = target.name.partition(":")[2] or target.family
    plain = target.family != "file" and _PLAIN.fullmatch(spec) is not None
    return Path(target.family, spec if plain else target.key[:KEY_DIGITS])


def entry_folder(entry: AnyEntry) -> Path:
    """The folder of an entry, relative to the catalog."""
    if entry.kind == "transform":
        return Path(TRANSFORMS, f"{entry.name}-{entry.size}")
    return target_folder(entry.target.resolve())


def entry_stem(entry: AnyEntry, digits: int = NAME_DIGITS) -> str:
    """The name of an entry's file, without `.json`."""
    if entry.kind == "transform":
        return f"t{len(entry.factors)}-{entry.field}-{entry.hash[:digits]}"
    return f"r{entry.rank}-{entry.ring.value if entry.kind == 'scheme' else _TAGS[entry.kind]}-{entry.hash[:digits]}"


def identifier(folder: Path, stem: str) -> str:
    """The id of the entry of that name in that folder."""
    family, shape = folder.parts
    return f"{shape}-{stem}" if family in ("matmul", shape) else f"{family}-{shape}-{stem}"


def existing(root: Path) -> Path:
    """The folder itself.

    Raises:
        CatalogError: If there is none.
    """
    if not root.is_dir():
        raise CatalogError(f"{root}: no such folder; a catalog is a folder with families such as matmul/ in it")
    return root


def target_named(name: str) -> Target | None:
    """The target of that name in a listing; None for one from a file, and where the file is damaged or misplaced."""
    try:
        return None if name.startswith("file:") else parse_target(name)
    except BilinearError:
        return None


def listings(root: Path, shipped: bool) -> Iterator[Listing]:
    """Every entry of a catalog, by name, in the order of folders and names; other files are passed over."""
    for folder in folders(root):
        yield from listings_in(root, folder, shipped)


def folders(root: Path) -> Iterator[Path]:
    """The folders of targets, relative to the catalog."""
    for family in families():
        for shape in _names(root / family):
            if _PLAIN.fullmatch(shape):
                yield Path(family, shape)


def listings_in(root: Path, folder: Path, shipped: bool) -> Iterator[Listing]:
    """The entries in one folder of a catalog."""
    for name in _names(root / folder):
        found = _STEM.fullmatch(name.removesuffix(".json"))
        if found is not None and name.endswith(".json") and _is_kind(found):
            yield _listing(root / folder / name, folder, found, shipped)


def json_files(root: Path) -> Iterator[Path]:
    """Every file of a catalog that may be an entry, whatever its name."""
    for family in families():
        for shape in _names(root / family):
            folder = root / family / shape
            yield from (folder / name for name in _names(folder) if name.endswith(".json"))


def _is_kind(stem: re.Match[str]) -> bool:
    """Whether entries have names like this: a transform over any field, others over a ring or of their own kind."""
    return stem["letter"] == "t" or stem["tag"] in {*Ring, *_TAGS.values()}


def _listing(path: Path, folder: Path, stem: re.Match[str], shipped: bool) -> Listing:
    tag, is_transform = stem["tag"], stem["letter"] == "t"
    kind = "transform" if is_transform else next((kind for kind, own in _TAGS.items() if own == tag), "scheme")
    return Listing(
        id=identifier(folder, stem[0]),
        kind=kind,
        target=_written_target(path) if _KEY.fullmatch(folder.parts[1]) else ":".join(dict.fromkeys(folder.parts)),
        ring=None if kind in _TAGS else tag,
        rank=None if is_transform else int(stem["count"]),
        path=path,
        shipped=shipped,
        hash=stem["hash"],
    )


def _written_target(path: Path) -> str:
    """The target's name from the head of the entry; the key that its folder shows where it has none."""
    try:
        with path.open(encoding="ascii") as file:
            found = _TARGET_NAME.search(file.read(_HEAD))
            name = str(json.loads(found[1])) if found else ""
    except (OSError, ValueError):
        name = ""
    family = path.parent.parent.name
    return name if name.startswith(f"{family}:") and name.isprintable() else f"{family}:{path.parent.name}"


def _names(folder: Path) -> list[str]:
    """Sorted names in a folder; none where there is no such folder."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []
