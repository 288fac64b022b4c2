"""Entries that a symmetry of their target takes to one another: classes of a catalog, and the equals of one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bilinear.catalog import layout
from bilinear.catalog.index import read_or_none, unless_bad
from bilinear.catalog.layout import Listing
from bilinear.catalog.store import Catalog
from bilinear.decompositions.equivalence import Verdict, equivalent, invariant
from bilinear.decompositions.equivalence.colours import MAX_RANK
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target


@dataclass
class Class:
    """Entries of one format and rank, each the first after a change of basis.

    Attributes:
        entries: Those entries.
        undecided: Entries with the same invariants of which it is not known.
        scheme: Of the first entry.
        invariant: Of them all.
    """

    entries: list[Listing]
    scheme: Scheme
    invariant: str
    undecided: list[Listing] = field(default_factory=list)


def classes(
    catalog: Catalog, target: Target | None = None, on_progress: Callable[[Listing], None] = lambda listing: None
) -> list[Class]:
    """The classes of a catalog's schemes, in the order of the list; a bad entry is passed over with a warning.

    Args:
        catalog: Every scheme of a matrix product in it is compared with those of its rank and characteristic; what
            others published, and came with the program, is left out.
        target: Only this format.
        on_progress: Called with each entry before it is compared.
    """
    found: dict[tuple[str, int | None, int], list[Class]] = {}
    for listing in catalog if target is None else catalog.of_target(target):
        if not _decidable(listing):
            continue
        on_progress(listing)
        scheme = _scheme(catalog, listing)
        if scheme is None:
            continue
        known = found.setdefault((listing.target, listing.rank, scheme.ring.characteristic), [])
        _sort_in(listing, scheme, known)
    return [group for known in found.values() for group in known]


def equals(catalog: Catalog, scheme: Scheme, besides: str | None) -> Iterator[tuple[Listing, Verdict]]:
    """The entries that are the scheme after a change of basis, or may be.

    Args:
        catalog: Where to look.
        scheme: A scheme; nothing is found where equivalence is not decided.
        besides: The id of its own entry.
    """
    for listing in catalog.named(layout.target_folder(scheme.target), sorted(comparable(catalog, scheme))):
        if listing.id != besides:
            other = _scheme(catalog, listing)
            verdict = Verdict.DIFFERENT if other is None else equivalent(other, scheme).verdict
            if verdict is not Verdict.DIFFERENT:
                yield listing, verdict


def comparable(catalog: Catalog, scheme: Scheme) -> list[str]:
    """Names of the entries of a scheme's format, rank and characteristic; none if equivalence is not decided."""
    if scheme.target.family != "matmul" or scheme.rank > MAX_RANK or scheme.ring is Ring.QI:
        return []
    rings = [ring for ring in Ring if ring is not Ring.QI and ring.characteristic == scheme.ring.characteristic]
    starts = tuple(f"r{scheme.rank}-{ring}-" for ring in rings)
    names = catalog.names(layout.target_folder(scheme.target), f"r{scheme.rank}-")
    return [name for name in names if name.startswith(starts)]


def spare(catalog: Catalog, groups: Iterable[Class]) -> list[Listing]:
    """The user's own entries that are the same as another one, and that no entry was made of.

    Of each class one entry stays: a shipped one, else the first; what others published takes the place of none.

    Args:
        catalog: Whose entries name their parents.
        groups: Its classes.
    """
    entries = [read_or_none(listing) for listing in catalog if not listing.published]
    parents = {parent for entry in entries if entry is not None for parent in entry.lineage.parents}
    found = []
    for group in groups:
        own = [entry for entry in group.entries if not entry.published]
        kept = next((entry for entry in own if entry.shipped), next(iter(own), None))
        for entry in own:
            if not (entry is kept or entry.shipped or any(parent.startswith(entry.hash) for parent in parents)):
                found.append(entry)
    return found


def _scheme(catalog: Catalog, listing: Listing) -> Scheme | None:
    """What an entry holds, proved; None, and a warning, for a bad one."""
    proved = unless_bad(lambda: catalog.proved(listing))
    return None if proved is None else proved.value


def _decidable(listing: Listing) -> bool:
    matrix_product = listing.kind == "scheme" and listing.target.startswith("matmul:")
    return matrix_product and not listing.published and listing.ring != "qi" and (listing.rank or 0) <= MAX_RANK


def _sort_in(listing: Listing, scheme: Scheme, known: list[Class]) -> None:
    """Add an entry to its class, or make one."""
    own, unsure = invariant(scheme), []
    for group in known:
        if group.invariant != own:
            continue
        verdict = equivalent(group.scheme, scheme).verdict
        if verdict is Verdict.SAME:
            group.entries.append(listing)
            return
        if verdict is Verdict.UNDECIDED:
            unsure.append(group)
    known.append(Class([listing], scheme, own))
    for group in unsure:
        group.undecided.append(listing)
