"""Where an entry lies: `<root>/<family>/<shape>/<stem>.json`, and what can be told of it from that name alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
ENDING = ".json"
COMPRESSED = ".json.xz"
"""Ending of an entry that is compressed, as the large ones are that came with the program."""

PUBLISHED = "published"
"""The folder, in the one that came with the program, of a catalog of what others published."""

_TAGS = {"approximation": APPROXIMATION_TAG, "border": BORDER_TAG}
"""What stands for a coefficient set in the names of entries that have none."""

_KINDS = {tag: kind for kind, tag in _TAGS.items()}

_HASH = rf"(?P<hash>[0-9a-f]{{{NAME_DIGITS},{HASH_DIGITS}}})"
_TAGGED = "|".join([*Ring, *_KINDS])
_STEM = rf"(?P<letter>t|r(?=[0-9]+-(?:{_TAGGED})-))(?P<count>[0-9]{{1,9}})-(?P<tag>[a-z][a-z0-9]*)-{_HASH}"
"""A transform over any field, others over a ring or of their own kind."""

_FILE = re.compile(rf"{_STEM}\.json(?:\.xz)?")
_STEM_END = re.compile(rf"(?<=-){_STEM}$")
_PLAIN = re.compile(r"[A-Za-z0-9-][A-Za-z0-9+,=_^-]{0,79}")
_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")
_HEAD = 1 << 14  # characters of an entry that hold the name of its target, however long
_TARGET_NAME = re.compile(r'"target":\{"name":("(?:[^"\\]|\\.)*")')


class Listing(NamedTuple):
    """What the index knows of an entry without reading it.

    Attributes:
        id: Unique across the catalog, `2x2x2-r7-zt-1f3a9c02`.
        kind: `scheme`, `approximation`, `transform` or `border`.
        target: The target's name.
        ring: The coefficient set, the field of a transform; None for an approximation and a border scheme.
        rank: Number of products; None for a transform.
        folder: Where the file lies.
        name: Of the file.
        shipped: Whether it came with the program and cannot be changed.
        hash: The first digits of the content hash, eight or more.
    """

    id: str
    kind: str
    target: str
    ring: str | None
    rank: int | None
    folder: Path
    name: str
    shipped: bool
    hash: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return stem_of(self.name)

    @property
    def published(self) -> bool:
        """Whether it is one of those that others published and that came with the program."""
        return self.shipped and self.folder.parents[1].name == PUBLISHED


def is_file_name(name: str) -> bool:
    """Whether it can be the name of an entry's file."""
    return name.endswith((ENDING, COMPRESSED))


def stem_of(name: str) -> str:
    """The name of an entry's file without its ending."""
    return name.removesuffix(".xz").removesuffix(ENDING)


def file_names(stem: str) -> tuple[str, str]:
    """What the file of an entry may be called, the plain one first."""
    return f"{stem}{ENDING}", f"{stem}{COMPRESSED}"


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
    tag = entry.ring.value if entry.kind == "scheme" or entry.kind == "recipe" else _TAGS[entry.kind]
    return f"r{entry.rank}-{tag}-{entry.hash[:digits]}"


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


def listings_in(root: Path, folder: Path, shipped: bool, names: Iterable[str] | None = None) -> Iterator[Listing]:
    """The entries in one folder of a catalog; of some names in it, if they are given."""
    is_key = _KEY.fullmatch(folder.parts[1]) is not None
    target, start, place = ":".join(dict.fromkeys(folder.parts)), identifier(folder, ""), root / folder
    for name in _names(place) if names is None else names:
        stem = _FILE.fullmatch(name)
        if stem is not None:
            written = _written_target(place / name) if is_key else target
            yield _listing(stem, start, written, place, shipped)


def entry_names(root: Path, folder: Path, start: str = "") -> list[str]:
    """Names in a folder that begin so and are those of entries, unsorted; the quickest that can be told of it."""
    return [name for name in _listed(root / folder) if name.startswith(start) and _FILE.fullmatch(name)]


def all_names(root: Path, folder: Path) -> str:
    """Every name in a folder, each between line ends: the quickest to be searched for a few of 100,000."""
    return "\n".join(["", *_listed(root / folder), ""])


def with_digits(names: str, digits: str) -> Iterator[str]:
    """Those of `all_names` whose hashes begin with so many digits as every name shows; others may be among them."""
    place = names.find(f"-{digits}")
    while place >= 0:
        start, end = names.rfind("\n", 0, place) + 1, names.find("\n", place)
        yield names[start:end]
        place = names.find(f"-{digits}", end)


def place_of(name: str) -> Iterator[tuple[Path, str]]:
    """The folders, relative to the catalog, in which an entry of that id may lie, with the name of its file."""
    stem = _STEM_END.search(name)
    if stem is None or not stem.start():
        return
    spec = name[: stem.start() - 1]
    for family in families():
        for shape in dict.fromkeys((spec, spec.removeprefix(f"{family}-"))):
            if identifier(Path(family, shape), stem[0]) == name:
                yield from ((Path(family, shape), file) for file in file_names(stem[0]))


def json_files(root: Path) -> Iterator[Path]:
    """Every file of a catalog that may be an entry, whatever its name."""
    for family in families():
        for shape in _names(root / family):
            folder = root / family / shape
            yield from (folder / name for name in _names(folder) if is_file_name(name))


def _listing(stem: re.Match[str], start: str, target: str, folder: Path, shipped: bool) -> Listing:
    letter, count, tag, digits = stem.groups()
    kind = "transform" if letter == "t" else _KINDS.get(tag, "scheme")
    return Listing(
        id=start + stem_of(stem[0]),
        kind=kind,
        target=target,
        ring=None if tag in _KINDS else tag,
        rank=None if letter == "t" else int(count),
        folder=folder,
        name=stem[0],
        shipped=shipped,
        hash=digits,
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
    return sorted(name for name in _listed(folder) if not name.startswith("."))


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # a Path for each of 100,000 names takes ten times as long
    except OSError:
        return []
