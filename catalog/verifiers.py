"""What makes an entry of each kind true; a kind without a verifier is neither served nor written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bilinear.catalog.errors import CatalogError, WrongSchemeError
from bilinear.decompositions import Approximation, BilinearError, Scheme, Verification, verify
from bilinear.decompositions.registry import Registry

if TYPE_CHECKING:
    from bilinear.catalog.entries import ApproximationEntry, SchemeEntry
    from bilinear.catalog.text import AnyEntry

VERIFIERS = Registry(
    "verifier",
    {
        "scheme": "bilinear.catalog.verifiers:verify_scheme",
        "approximation": "bilinear.catalog.verifiers:verify_approximation",
        "border": "bilinear.catalog.borders:verify_border_entry",
        "transform": "bilinear.catalog.transforms:verify_transform_entry",
        "recipe": "bilinear.catalog.recipes:verify_recipe_entry",
    },
)
"""`kind -> "module:function"`; the function takes an entry, and of a recipe what gives its parts; it returns the value
and a Verification."""

Part = Callable[[str], Scheme]
"""From the content hash of a part of a recipe to its scheme, proved."""


@dataclass(frozen=True)
class Proved:
    """An entry that is what it claims, read or about to be written.

    Attributes:
        value: The scheme, approximation, border scheme or exact transform that it holds.
        verification: That it computes its target.
        make: The entry, of any kind; one that is not written need not be made.
        originals: What it was read from, by the ending of the file; attached as `original` where it is added.

    Raises:
        WrongSchemeError: If the verification did not succeed.
    """

    value: Any
    verification: Verification
    make: Callable[[], AnyEntry]
    originals: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.verification.ok:
            raise WrongSchemeError(f"{name_of(self.entry)}: {self.verification.detail}", self.verification)

    @property
    def entry(self) -> AnyEntry:
        """The entry itself."""
        return self.make()


def prove(entry: AnyEntry, source: str, part: Part | None = None) -> Proved:
    """Check that an entry is what it claims, and that its hash is its own.

    Args:
        entry: Any kind.
        source: Where it comes from, as the error names it.
        part: Gives the parts of a recipe; `parts.parts_of` takes them from a catalog.

    Raises:
        WrongSchemeError: If it does not compute its target.
        CatalogError: If its coefficients are outside their ring, its hash is another's, or nothing can verify its kind.
    """
    if entry.kind not in VERIFIERS:
        raise CatalogError(
            f"{source}: kind: no verifier for a {entry.kind} is registered; only verified entries are kept"
        )
    try:
        value, verification = _verified(entry, part)
    except BilinearError as error:
        raise CatalogError(f"{source}: {error}") from None
    if not verification.ok:
        raise WrongSchemeError(f"{source}: not {name_of(entry)}: {verification.detail}", verification)
    if not _has_own_hash(entry, value):
        raise CatalogError(f"{source}: hash: {entry.hash[:8]}... is not that of the content; the file was changed")
    return Proved(value, verification, lambda: entry)


def _verified(entry: AnyEntry, part: Part | None) -> tuple[Any, Verification]:
    verifier = cast("Callable[..., tuple[Any, Verification]]", VERIFIERS.load(entry.kind))
    return verifier(entry, part) if entry.kind == "recipe" else verifier(entry)


def _has_own_hash(entry: AnyEntry, value: Any) -> bool:
    from bilinear.catalog.convert import expected_hash

    return expected_hash(entry, value) == entry.hash


def read_file(path: Path) -> AnyEntry:
    """The verified entry in any file.

    Raises:
        CatalogError: If it cannot be read.
        WrongSchemeError: If it does not compute its target.
    """
    from bilinear.catalog.text import read

    return prove(read(path), str(path)).entry


def check(
    entry: AnyEntry,
    method: str = "exact",
    on_progress: Callable[[int, int], None] | None = None,
    part: Part | None = None,
) -> Verification:
    """Decide whether an entry is what it claims, by the method asked for; not being so is an answer, not an error.

    Args:
        entry: Any kind.
        method: For a scheme a name of `decompositions.METHODS`; for other kinds `exact`.
        on_progress: Called now and then with how much of how much is done.
        part: Gives the parts of a recipe.

    Raises:
        UnknownNameError: If there is no such method.
        CatalogError: If nothing can verify the entry's kind in that way.
    """
    from bilinear.catalog.recipes import verify_recipe_entry

    if entry.kind == "scheme":
        value, verification = verify_scheme(entry, method, on_progress)
    elif entry.kind == "recipe":
        value, verification = verify_recipe_entry(entry, part, method, on_progress)
    elif entry.kind in VERIFIERS and method == "exact":
        value, verification = _verified(entry, None)
    else:
        raise CatalogError(f"{name_of(entry)}: no {method} check of a {entry.kind}; choose --method exact")
    if verification.ok and not _has_own_hash(entry, value):
        detail = f"the content is right, but its hash {entry.hash[:8]}... is another one's: the file was changed"
        return replace(verification, ok=False, detail=detail)
    return verification


def verify_scheme(
    entry: SchemeEntry, method: str = "exact", on_progress: Callable[[int, int], None] | None = None
) -> tuple[Scheme, Verification]:
    """The scheme, and the Brent equations over its own field."""
    from bilinear.catalog.convert import to_scheme

    scheme = to_scheme(entry)
    return scheme, verify(scheme, method, on_progress)


def verify_approximation(entry: ApproximationEntry) -> tuple[Approximation, Verification]:
    """The approximation; its residual, computed again in exact rational arithmetic, against the one stated."""
    from bilinear.catalog.convert import residual_of, to_approximation

    start = time.perf_counter()
    approximation = to_approximation(entry)
    found, stated = approximation.residual, residual_of(entry)
    ok = found == stated and found < 1 and float(found) == entry.residual.value
    detail = "the residual is exactly the one stated"
    if not ok:
        detail = f"the residual is {_rounded(found)}, stated is {entry.residual.value:.3e}"
    return approximation, Verification(ok, "exact", "Q", time.perf_counter() - start, detail)


def _rounded(value: Any) -> str:
    return f"{float(value):.17g}" if value < 1 else "1 or more"


def name_of(entry: AnyEntry) -> str:
    """What the entry claims to compute, in one word."""
    return f"{entry.name}:{entry.size}" if entry.kind == "transform" else entry.target.name
