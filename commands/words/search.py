"""Searches and schemes as programs and people read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilinear.decompositions import formulas
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.lifting import Lifted
from bilinear.decompositions.scheme import FACTORS, Scheme
from bilinear.decompositions.verify import Verification
from bilinear.discover.search import Result
from bilinear.discover.standing import Standing

MAX_PRINTED = 64  # products of a scheme whose factors and formulas are printed unasked


def scheme_as_dict(scheme: Scheme) -> dict[str, Any]:
    """A scheme for JSON: factors dense, row by row; big integers stay integers."""
    found: dict[str, Any] = {"target": scheme.target.name, "ring": str(scheme.ring), "rank": scheme.rank}
    found |= {name: factor.tolist() for name, factor in zip(FACTORS, scheme.factors, strict=True)}
    found["denominators"] = scheme.denominators.tolist()
    if scheme.imag is not None:
        found["imag"] = {name: part.tolist() for name, part in zip(FACTORS, scheme.imag, strict=True)}
    return found | {
        "hash": content_hash(scheme),
        "additions": formulas.additions(scheme),
        "exponent": formulas.exponent(scheme),
        "products": formulas.products(scheme),
        "outputs": formulas.outputs(scheme),
    }


def lifted_as_dict(found: Lifted, added: str | None) -> dict[str, Any]:
    """What lifting ended with, for JSON; `added` is the id of the entry."""
    numbers = {"steps": found.steps, "choices": found.choices, "seconds": round(found.seconds, 3), "id": added}
    scheme = None if found.scheme is None else scheme_as_dict(found.scheme)
    return {"status": "found" if scheme else "not lifted", "message": found.detail, **numbers, "scheme": scheme}


def lifted_as_lines(found: Lifted) -> list[str]:
    """The same for people, without the sentence."""
    if found.scheme is None:
        return []
    head = f"{found.scheme.target.short}, rank {found.scheme.rank} over {found.scheme.ring}"
    return [head, *scheme_as_lines(found.scheme)]


def result_as_dict(result: Result, known: Standing) -> dict[str, Any]:
    """The end of a search for JSON; the keys are documented in docs/cli.md."""
    outcome = result.outcome
    return {
        "status": outcome.status.name.lower(),
        "message": outcome.status.value,
        "seed": outcome.seed,
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "rejected": outcome.rejected,
        "metrics": outcome.metrics,
        "notes": list(result.notes),
        "unsaved": result.unsaved or None,
        "id": result.added[-1].id if result.added else None,
        "standing": {
            "found": None if result.scheme is None else result.scheme.rank,
            "catalog": known.here,
            "catalog_id": known.id,
            "published": known.published,
            "published_source": known.source,
            "tables": known.tables,
            "bound": known.bound,
            "bound_source": known.bound_source,
        },
        "scheme": None if result.scheme is None else scheme_as_dict(result.scheme),
    }


def standing_in_words(result: Result, known: Standing) -> str:
    """Where the end of a search stands, in one line."""
    rank = None if result.scheme is None else result.scheme.rank
    here = "the catalog had none" if known.here is None else f"the catalog had {known.here} ({known.id})"
    best = _best_in_words(rank, known)
    proven = "proven to be the fewest" if rank == known.bound else f"at least {known.bound} are proven necessary"
    found = "nothing found" if rank is None else f"found {rank} products"
    return f"standing: {found}; {here}; {best}; {proven}"


def _best_in_words(rank: int | None, known: Standing) -> str:
    """The published rank; where no table has the target, what is known by formulas, with their source."""
    tables = f"published tables of {known.tables}"
    if known.published is None:
        return f"none in the {tables}"
    is_below = rank is not None and rank < known.published
    if not known.tables:
        return f"{'below ' if is_below else ''}the best known, {known.published}: {known.source}"
    return (
        f"below the {tables}, which have {known.published}"
        if is_below
        else f"best published {known.published} ({tables})"
    )


def result_in_words(result: Result, told: str = "") -> list[str]:
    """How a search ended, for people, without what they were told before."""
    outcome = result.outcome
    notes = (*result.notes, *(added.note for added in result.added))
    words = [f"{outcome.status.value}: {outcome.steps:,} steps, {outcome.cpu_seconds:.1f} CPU s"]
    words += [note for note in notes if note and note != told]
    if result.scheme is None:
        figures = ", ".join(f"{name} {value}" for name, value in outcome.metrics.items())
        words.append(f"nothing found{': ' if figures else ''}{figures}")
    if result.scheme is None and outcome.approximation is not None:
        near = float(outcome.approximation.residual)
        words.append(f"nearest approximation: residual {near:.6g}; not kept here, bilinear approximate and refine do")
    return words


def result_in_short(result: Result) -> list[str]:
    """The id of the entry; without one, target, rank and ring; nothing where nothing was found."""
    if result.scheme is None:
        return []
    scheme = result.scheme
    return [result.added[-1].id if result.added else f"{scheme.target.short}:{scheme.rank} over {scheme.ring}"]


def result_as_lines(result: Result, root: Path, proofs: Sequence[Verification]) -> list[str]:
    """What a search found: the scheme, its proofs, and where in the catalog at `root` it is."""
    if result.scheme is None:
        return []
    lines = [f"{result.scheme.target.short}, rank {result.scheme.rank} over {result.scheme.ring}"]
    lines += [f"{c.method} check over {c.field}: {c.detail} ({c.seconds:.3f} s)" for c in proofs]
    lines += scheme_as_lines(result.scheme)
    for added in result.added:
        word = "in the catalog" if added.status == "added" else "already in the catalog"
        lines.append(f"{word}: {added.id} ({root})")
    return lines


def scheme_as_lines(scheme: Scheme, everything: bool = False) -> list[str]:
    """Factors and formulas, unless there are too many of them."""
    if scheme.rank > MAX_PRINTED and not everything:
        return [f"(factors and formulas of {scheme.rank} products: bilinear show ID --all)"]
    return ["", *formulas.describe(scheme), ""]
