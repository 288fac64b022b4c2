"""The files beside an entry's page: the entry, the program that proves it, other programs' formats, code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bilinear.catalog.exporting import paths_of, written
from bilinear.catalog.store import Served
from bilinear.catalog.text import dumps
from bilinear.decompositions import BilinearError, Scheme, memory
from bilinear.decompositions.checker import checker_source
from bilinear.decompositions.codegen import LANGUAGES, generate_all
from bilinear.decompositions.formats import FORMATS, format_named
from bilinear.decompositions.programs.scheme_program import plain_program

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.verifiers import Proved
    from bilinear.decompositions.programs.scheme_program import SchemeProgram

MOST_WRITTEN = 2_000
"""Nonzero coefficients up to which a scheme is written in other programs' formats: 0.2 MB each at most."""

MOST_CODED = 250
"""The same for code of schemes with which no program is kept: `bilinear export code` looks for shared sums first."""

ENDINGS = {"c": ".c", "latex": ".tex"}
"""Of files of code; the other languages are modules of Python."""

FORMAT_ENDINGS = {
    "alphatensor": ".npz",
    "flip-cpd": ".npy",
    "linear-forms": ".exp",
    "lita": ".npz",
    "maple": ".mpl",
    "mathematica": ".m",
    "mmc": ".json",
    "npz": ".npz",
    "perminov-json": ".json",
    "perminov-reduced": ".json",
    "plinopt-slp": ".slp",
    "plinopt-sms": ".sms",
}
"""Of other programs' files; text where nothing is said."""


class Download(NamedTuple):
    """One file beside a page.

    Attributes:
        group: `this project`, `other programs` or `code`.
        name: Of the format or language.
        what: In a few words.
        file: Its name.
        data: Its bytes.
    """

    group: str
    name: str
    what: str
    file: str
    data: bytes

    @property
    def size(self) -> str:
        """For people."""
        return memory.human(len(self.data))


OURS, OTHERS, CODE = "this project", "other programs", "code"


def downloads(listing: Listing, proved: Proved, program: SchemeProgram | None, nonzeros: int) -> list[Download]:
    """The files of an entry; formats and languages that cannot hold it, and those of large schemes, are left out.

    Args:
        listing: Where it is.
        proved: The entry with what it holds.
        program: Kept for it, if there is one; else code is written without shared sums.
        nonzeros: Coefficients of a scheme that are not 0.
    """
    name, entry, value = listing.id, proved.entry, proved.value
    found = [Download(OURS, "entry", "the entry itself, JSON", f"{name}.json", dumps(entry))]
    if not isinstance(value, Scheme):
        return found
    source = checker_source(value).encode()
    found.append(
        Download(OURS, "checker", "one Python file that proves it, no package needed", f"check-{name}.py", source)
    )
    if nonzeros <= MOST_WRITTEN:
        found += _others(Served(value, entry, listing.path, listing), name)
    if nonzeros <= (MOST_CODED if program is None else MOST_WRITTEN):
        found += _code(value, program, entry.hash, name)
    return found


def _others(served: Served[Any, Any], name: str) -> Iterator[Download]:
    for own in FORMATS:
        try:
            contents, note = written(served, own)
        except BilinearError:
            continue
        out = Path(_file(name, own, FORMAT_ENDINGS.get(own, ".txt")))
        words = format_named(own).description + (f"; {note}" if note else "")
        for path, data in zip(paths_of(out, list(contents)), contents.values(), strict=True):
            yield Download(OTHERS, own, words, path.name, data)


def _code(scheme: Scheme, program: SchemeProgram | None, content_hash: str, name: str) -> Iterator[Download]:
    try:
        chosen = plain_program(scheme) if program is None else program
        sources = generate_all(scheme, chosen, f"entry {content_hash[:16]}")
    except BilinearError:  # over qi, or modulo a larger prime
        return
    shared = "no sums are shared" if program is None else "with the sums of the program kept"
    for language, source in sources.items():
        words = f"{chosen.operations.additions} additions, {shared}"
        yield Download(CODE, language, words, _file(name, language, ENDINGS.get(language, ".py")), source.encode())


def _file(name: str, own: str, ending: str) -> str:
    """`ID.numpy.py`, and `ID.c` where the ending says it all."""
    return f"{name}{ending}" if ending == f".{own}" else f"{name}.{own}{ending}"


def commands(listing: Listing, value: Any, files: list[Download]) -> list[str]:
    """What writes the files that are not beside the page."""
    if not isinstance(value, Scheme):
        return []
    groups = {one.group for one in files}
    found = []
    if OTHERS not in groups:
        found.append(f"bilinear export scheme {listing.id} --format NAME --out FILE   # NAME: {', '.join(FORMATS)}")
    if CODE not in groups:
        found.append(f"bilinear export code {listing.id} --lang NAME   # NAME: {', '.join(LANGUAGES.names())}")
    return found
