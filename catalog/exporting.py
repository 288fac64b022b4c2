"""An entry as a file of another program, or in the catalog's own form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.importing import OWN
from bilinear.catalog.verifiers import prove
from bilinear.decompositions import Scheme
from bilinear.decompositions.evaluation import filter_files
from bilinear.decompositions.formats import fast_matmul, flip_cpd, write
from bilinear.decompositions.formats.border import Border

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog, Served
    from bilinear.catalog.text import AnyEntry


def export(catalog: Catalog, query: str, name: str, ring: str | None = None) -> tuple[dict[str, bytes], str]:
    """The files of an entry's scheme in a format, by what is appended to the name of the first, and a note.

    Args:
        catalog: Where the entry is.
        query: What `Catalog.find` understands.
        name: Of the format; `entry` is the catalog's own, in the order of sizes that was asked for, `winograd` the
            three matrices of a filter.
        ring: The coefficient set; the entry's own if None.

    Raises:
        UnknownNameError: If there is no such format.
        FormatError: If the format cannot hold the scheme; only `fast-matmul` and `entry` hold border schemes.
        CatalogError: If there is no such entry.
        TargetError: If it is no filter, in the format `winograd`.
    """
    return written(catalog.serve(query, ring), name)


def written(served: Served[Any, AnyEntry], name: str) -> tuple[dict[str, bytes], str]:
    """The same of what was served already.

    Raises:
        UnknownNameError: If there is no such format.
        FormatError: If the format cannot hold the scheme.
        CatalogError: If it is no scheme, and the format holds nothing else.
    """
    from bilinear.catalog.text import dumps

    if name == OWN:
        return {"": dumps(_as_served(served))}, served.note
    if name == fast_matmul.NAME and isinstance(served.value, Border):
        return fast_matmul.write_border(served.value), ""
    if name == filter_files.NAME:
        return filter_files.write(served.only(Scheme).value), served.note
    extra = served.entry.provenance.parameters.get("extra")
    known = extra if isinstance(extra, dict) and not served.note else {}
    scheme = served.only(Scheme).value
    return write(scheme, name, known), "; ".join(filter(None, (served.note, _naming(scheme, name))))


def _as_served(served: Served[Any, AnyEntry]) -> AnyEntry:
    """The entry in the order of sizes that was asked for, which is a scheme of its own with the same past."""
    from bilinear.catalog.convert import turned

    entry, value = served.entry, served.value
    if not served.note and entry.kind != "recipe":
        return entry
    return turned(entry, value, [prove(turned(entry, value), served.id or str(served.path)).verification])


def _naming(scheme: Scheme, name: str) -> str:
    """What the user must know of the file's name; nothing where any name will do."""
    if scheme.target.family != flip_cpd.STRUCTURED or not name.startswith("flip-cpd"):
        return ""
    return f"flip-cpd tells the map by the file's name, which must begin with {flip_cpd.naming(scheme.target)}"


def paths_of(out: Path, contents: Sequence[str]) -> list[Path]:
    """Where the files of an export go: the one file at `out`; of several the endings replace its own."""
    return [out if not ending else out.with_name(f"{_stem(out)}{ending}") for ending in contents]


def _stem(out: Path) -> str:
    return out.name.removesuffix(".json").removesuffix(".sms").removesuffix(".slp").removesuffix("_L")
