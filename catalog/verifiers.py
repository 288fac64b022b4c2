"""What makes an entry of each kind true; a kind without a verifier is never written to a catalog."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bilinear.catalog.errors import CatalogError, WrongSchemeError
from bilinear.decompositions import BilinearError, Verification, verify
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
    },
)
"""`kind -> "module:function"`; the function takes an entry and returns a Verification."""


def require_right(entry: AnyEntry, source: str) -> Verification:
    """Check that an entry is what it claims, and that its hash is its own.

    Args:
        entry: Any kind.
        source: Where it comes from, as the error names it.

    Raises:
        WrongSchemeError: If it does not compute its target.
        CatalogError: If its coefficients are outside their ring, its hash is another's, or nothing can verify its kind.
    """
    from bilinear.catalog.convert import expected_hash

    if entry.kind not in VERIFIERS:
        raise CatalogError(
            f"{source}: kind: no verifier for a {entry.kind} is registered; only verified entries are kept"
        )
    verifier = cast("Callable[[Any], Verification]", VERIFIERS.load(entry.kind))
    try:
        verification = verifier(entry)
    except BilinearError as error:
        raise CatalogError(f"{source}: {error}") from None
    if not verification.ok:
        raise WrongSchemeError(f"{source}: not {name_of(entry)}: {verification.detail}", verification)
    if expected_hash(entry) != entry.hash:
        raise CatalogError(f"{source}: hash: {entry.hash[:8]}... is not that of the content; the file was changed")
    return verification


def check(entry: AnyEntry, method: str = "exact") -> Verification:
    """Decide whether an entry is what it claims, by the method asked for; not being so is an answer, not an error.

    Args:
        entry: Any kind.
        method: For a scheme a name of `decompositions.METHODS`; for other kinds `exact`.

    Raises:
        UnknownNameError: If there is no such method.
        CatalogError: If nothing can verify the entry's kind in that way.
    """
    from bilinear.catalog.convert import expected_hash, to_scheme

    if entry.kind == "scheme":
        verification = verify(to_scheme(entry), method)
    elif entry.kind in VERIFIERS and method == "exact":
        verification = cast("Callable[[Any], Verification]", VERIFIERS.load(entry.kind))(entry)
    else:
        raise CatalogError(f"{name_of(entry)}: no {method} check of a {entry.kind}; choose --method exact")
    if verification.ok and expected_hash(entry) != entry.hash:
        detail = f"the content is right, but its hash {entry.hash[:8]}... is another one's: the file was changed"
        return replace(verification, ok=False, detail=detail)
    return verification


def verify_scheme(entry: SchemeEntry) -> Verification:
    """The Brent equations, over the entry's own field."""
    from bilinear.catalog.convert import to_scheme

    return verify(to_scheme(entry))


def verify_approximation(entry: ApproximationEntry) -> Verification:
    """The residual, computed again in exact rational arithmetic, against the one stated."""
    from bilinear.catalog.convert import residual_of, to_approximation

    start = time.perf_counter()
    found, stated = to_approximation(entry).residual, residual_of(entry)
    ok = found == stated and found < 1 and float(found) == entry.residual.value
    detail = "the residual is exactly the one stated"
    if not ok:
        detail = f"the residual is {_rounded(found)}, stated is {entry.residual.value:.3e}"
    return Verification(ok, "exact", "Q", time.perf_counter() - start, detail)


def _rounded(value: Any) -> str:
    return f"{float(value):.17g}" if value < 1 else "1 or more"


def name_of(entry: AnyEntry) -> str:
    """What the entry claims to compute, in one word."""
    return f"{entry.name}:{entry.size}" if entry.kind == "transform" else entry.target.name
