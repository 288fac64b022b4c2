"""Proving what the hierarchical solver found, keeping it, and writing it to files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.decompositions import Verification, __version__
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.files import make_folder
from bilinear.decompositions.transforms.cyclotomic import units
from bilinear.decompositions.transforms.exact import ExactTransform, exact_transform, verify_transform
from bilinear.decompositions.transforms.factors import FastTransform
from bilinear.decompositions.transforms.storage import write_fast
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.transforms.found import Found

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

PROOF_EFFORT = 3 * 10**8
"""Size * parameters * degree of the field up to which factors are made exact unasked: some seconds."""

FACTORS_FILE = "factors.npz"
ENTRY_FILE = "entry.json"


@dataclass(frozen=True)
class Proved:
    """Exact factors and their proof; or why there are none.

    Attributes:
        exact: The factors over their number field.
        verification: Their proof.
        reason: Why there is none; empty if there is.
        interrupted: Whether the user stopped the proof.
    """

    exact: ExactTransform | None = None
    verification: Verification | None = None
    reason: str = ""
    interrupted: bool = False


def prove(found: Found, wanted: bool | None = None) -> Proved:
    """Make the factors exact and prove their product, where entries are algebraic and the proof is short.

    Ctrl-C ends the proof only.

    Args:
        found: What the hierarchical solver found.
        wanted: True for a proof however long, False for none, None where it takes some seconds at most.

    Raises:
        TransformError: If a proof is wanted and cannot be made.
    """
    if wanted is False:
        return Proved(reason="no proof was asked for")
    if found.interrupted:
        return Proved(reason="the search was interrupted")
    if not found.recovered or found.plan is None:
        return Proved(reason="it is an approximation")
    if found.transform.exact is None:
        return Proved(reason=f"{found.transform.name} has no exact definition")
    effort = proof_effort(found)
    if wanted is None and effort > PROOF_EFFORT:
        return Proved(reason=f"the proof takes about {effort:.0e} steps; --exact makes it all the same")
    try:
        exact = exact_transform(found.plan, found.transform.size)
        verification = verify_transform(exact, found.transform.exact)
    except KeyboardInterrupt:
        return Proved(reason="the proof was interrupted", interrupted=True)
    if not verification.ok:
        raise BilinearError(f"{found.transform.name}: the exact factors are wrong: {verification.detail}")
    return Proved(exact, verification)


def proof_effort(found: Found) -> int:
    """Size times parameters times the degree of the number field."""
    assert found.plan is not None
    degree = len(units(math.lcm(*found.plan.orders(), 1)))
    return degree * found.transform.size * found.operations.parameters


def keep(catalog: Catalog, found: Found, proved: Proved, command: str) -> Added | None:
    """Add the entry of a proved transform to the user's catalog; None without a proof.

    Raises:
        StoreError: If the folder cannot be written.
    """
    entry = _entry(found, proved, command)
    return None if entry is None else catalog.add(entry)


def _entry(found: Found, proved: Proved, command: str) -> Any:
    if proved.exact is None or proved.verification is None:
        return None
    from bilinear.catalog.entries import Provenance
    from bilinear.catalog.transforms import entry_from_transform

    provenance = Provenance(solver="hierarchical", seed=0, version=__version__, command=command)
    return entry_from_transform(found.transform, proved.exact, provenance, None, [proved.verification])


def write(folder: Path, found: Found, proved: Proved, command: str, seed: int) -> list[Path]:
    """Write the float factors and, if there is a proof, the catalog entry.

    Raises:
        OSError: If the folder cannot be written.
    """
    written = [write_factors(folder, found.transform, found.fast, command, seed)]
    entry = _entry(found, proved, command)
    if entry is not None:
        from bilinear.catalog.text import dumps
        from bilinear.decompositions.files import write_atomic

        written.append(folder / ENTRY_FILE)
        write_atomic(written[1], dumps(entry))
    return written


def write_factors(folder: Path, transform: Transform, fast: FastTransform, command: str, seed: int) -> Path:
    """Write float factors with what they are to be.

    Raises:
        OSError: If the folder cannot be written.
    """
    make_folder(folder)
    about = {"target": transform.name, "size": transform.size, "seed": seed, "command": command}
    write_fast(folder / FACTORS_FILE, fast, about)
    return folder / FACTORS_FILE
