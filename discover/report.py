"""Searches and schemes as programs and people read them."""

from __future__ import annotations

from typing import Any

from catalog.bounds import lower_bounds
from catalog.records import published
from catalog.store import Served
from decompositions import formulas
from decompositions.identity import content_hash
from decompositions.scheme import FACTORS, Scheme
from decompositions.verify import verify
from discover.search import Result


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


def result_as_dict(result: Result) -> dict[str, Any]:
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
        "id": result.added[-1].id if result.added else None,
        "scheme": None if result.scheme is None else scheme_as_dict(result.scheme),
    }


def proofs(scheme: Scheme) -> list[str]:
    """Both proofs of a found scheme, made now, one line each."""
    checks = [verify(scheme, method) for method in ("exact", "symbolic")]
    return [f"{c.method} check over {c.field}: {c.detail} ({c.seconds:.3f} s)" for c in checks]


def served_as_dict(served: Served) -> dict[str, Any]:
    """An entry for JSON: its scheme, where it comes from, and what it stands against."""
    scheme = served.scheme
    bound, record = next(iter(lower_bounds(scheme.target, scheme.ring)), None), published(scheme.target, scheme.ring)
    return scheme_as_dict(scheme) | {
        "provenance": served.entry.provenance.model_dump(mode="json"),
        "lineage": served.entry.lineage.model_dump(mode="json"),
        "note": served.note,
        "lower_bound": None if bound is None else {"rank": bound.rank, "source": bound.source},
        "published": None if record is None else {"rank": record.rank, "source": record.source},
    }


def served_as_lines(served: Served) -> list[str]:
    """The head of an entry for people: exponent, cost, bounds, origin."""
    scheme, found = served.scheme, served_as_dict(served)
    exponent, bound, record = found["exponent"], found["lower_bound"], found["published"]
    return [
        f"{scheme.target.short}, rank {scheme.rank} over {scheme.ring} ({scheme.ring.description})",
        f"exponent         {'-' if exponent is None else f'{exponent:.6f}'}",
        f"additions        {found['additions']} before common sums are shared",
        f"lower bound      {_cited(bound)}",
        f"best published   {_cited(record)}",
        f"hash             {found['hash']}",
        f"found by         {found['provenance']['command']}",
    ]


def _cited(fact: dict[str, Any] | None) -> str:
    return "-" if fact is None else f"{fact['rank']}: {fact['source']}"
