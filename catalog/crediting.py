"""The table of what others published; `python -m bilinear.catalog.crediting` makes it again after a change of one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bilinear.catalog import credits, layout
from bilinear.catalog.figures import reduces
from bilinear.catalog.text import read
from bilinear.catalog.verifiers import prove
from bilinear.decompositions.formulas import additions


def table_text(root: Path) -> str:
    """The table as the repository holds it, every entry read and proved."""
    rows = ",\n".join(f"{json.dumps(name)}:{json.dumps(row)}" for name, row in _rows(root))
    about = (
        "What the entries of this folder say, and SHA-256 of each file; python -m bilinear.catalog.crediting makes it"
    )
    return f'{{\n"about":{json.dumps(about)},\n"entries":{{\n{rows}\n}}\n}}\n'


def _rows(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for listing in layout.listings(root, shipped=True):
        entry = read(listing.path)
        proved = prove(entry, str(listing.path))
        assert entry.kind == "scheme" and entry.found_by is not None  # noqa: PT018  # each is a scheme with credit
        figures = {"additions": additions(proved.value), "f2": int(reduces(entry, 2)), "f3": int(reduces(entry, 3))}
        digest = hashlib.sha256(listing.path.read_bytes()).hexdigest()
        name = (listing.folder.relative_to(root) / listing.name).as_posix()
        yield name, {"hash": entry.hash, "sha256": digest, **figures, **entry.found_by.model_dump()}


if __name__ == "__main__":
    folder = Path(__file__).parent / layout.PUBLISHED
    (folder / credits.TABLE).write_text(table_text(folder))
