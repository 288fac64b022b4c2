"""A fast transform as files: its float factors and, where it is proved, its catalog entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.decompositions.files import make_folder, write_atomic
from bilinear.decompositions.transforms.storage import write_fast
from bilinear.discover.transforms.found import Found

if TYPE_CHECKING:
    from bilinear.catalog.text import AnyEntry

FACTORS_FILE = "factors.npz"
ENTRY_FILE = "entry.json"


def write(folder: Path, found: Found, command: str, seed: int, entry: AnyEntry | None = None) -> list[Path]:
    """Write the float factors with what they are to be, and the entry if there is one.

    Args:
        folder: Made if it is missing.
        found: Whose factors are written.
        command: That finds them again.
        seed: Of that command.
        entry: Of the exact factors.

    Raises:
        OSError: If the folder cannot be written.
    """
    make_folder(folder)
    transform = found.transform
    about = {"target": transform.name, "size": transform.size, "seed": seed, "command": command}
    written = [folder / FACTORS_FILE]
    write_fast(written[0], found.fast, about)
    if entry is not None:
        from bilinear.catalog.text import dumps

        written.append(folder / ENTRY_FILE)
        write_atomic(written[1], dumps(entry))
    return written
