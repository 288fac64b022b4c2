"""Optimisations as programs and people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bilinear.catalog.records import published
from bilinear.commands.screen import clock
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.scheme_program import SchemeProgram, plain_program
from bilinear.decompositions.programs.shortest import Proof
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.optimize.kept import Kept
from bilinear.discover.optimize.minimal import Proved
from bilinear.discover.optimize.search import Optimum, Standing


def optimum_as_dict(given: Scheme, optimum: Optimum, kept: Kept | None) -> dict[str, Any]:
    """An optimisation for JSON; the keys are documented in docs/programs.md."""
    record = published(given.target, given.ring)
    best = None if record is None or record.additions is None else record.additions
    return {
        "status": optimum.status.name.lower(),
        "target": given.target.name,
        "rank": given.rank,
        "ring": str(given.ring),
        "hash": content_hash(optimum.scheme),
        "neighbour": optimum.scheme is not given,
        "naive": plain_program(given).operations.additions,
        "own": cost(optimum.own),
        "best": cost(optimum.program),
        "published": None if best is None else {"additions": best.additions, "rank": best.rank, "source": best.source},
        "seed": optimum.seed,
        "steps": optimum.steps,
        "found": optimum.found,
        "seconds": round(optimum.seconds, 3),
        "cpu_seconds": round(optimum.cpu_seconds, 3),
        "attached": [] if kept is None else list(kept.attached),
        "id": None if kept is None or kept.added is None else kept.added.id,
    }


def cost(program: SchemeProgram) -> dict[str, Any]:
    """Operations of a program: in all, by factor, and of its changes of basis."""
    parts = {name: part.operations._asdict() for name, part in zip("uvw", program.programs, strict=True)}
    basis = None if program.basis is None else program.basis_operations._asdict()
    return program.operations._asdict() | {"factors": parts, "basis": basis}


def optimum_as_lines(found: dict[str, Any], root: object) -> list[str]:
    """What `optimum_as_dict` holds, for people; `root` is the catalog's folder."""
    best, own = found["best"], found["own"]
    lines = [
        f"{found['target'].removeprefix('matmul:')}, rank {found['rank']} over {found['ring']}",
        f"additions as written   {found['naive']}",
        f"of a shorter program   {_sentence(own)}",
    ]
    if found["neighbour"]:
        lines.append(f"of a neighbour         {_sentence(best)}")
    if found["published"] is not None:
        known = found["published"]
        lines.append(f"best published         {known['additions']} at rank {known['rank']}: {known['source']}")
    lines += [f"program kept with {name[:8]} ({root})" for name in found["attached"]]
    return [*lines, f"neighbour in the catalog: {found['id']}"] if found["id"] else lines


def _sentence(found: dict[str, Any]) -> str:
    """`59 = 14 + 15 + 30, 2 multiplications by powers of two`."""
    parts = " + ".join(str(part["additions"]) for part in found["factors"].values())
    extra = {
        "multiplications by powers of two": found["powers_of_two"],
        "other multiplications": found["multiplications"],
        "negations": found["negations"],
    }
    words = [f"{found['additions']} = {parts}", *(f"{count} {what}" for what, count in extra.items() if count)]
    if found["basis"] is not None:
        words.append(f"{found['basis']['additions']} more in changes of basis, once for all levels")
    return ", ".join(words)


def standing_in_words(standing: Standing) -> str:
    """How an optimisation stands."""
    return (
        f"{standing.additions} additions, {standing.began} at first; {standing.steps} slices, {clock(standing.seconds)}"
        + (f"; {standing.note}" if standing.note else "")
    )


def proofs_as_dict(found: Proved, known: Mapping[str, Proof]) -> dict[str, Any]:
    """A search for shortest programs for JSON; the keys are documented in docs/programs.md."""
    sides = {}
    for name, part in zip("uvw", found.program.programs, strict=True):
        proof = found.proofs.get(name)
        sides[name] = {
            "additions": part.operations.additions,
            "proven": proof is not None,
            "helpers": None if proof is None else proof.helpers,
            "nodes": found.nodes.get(name, 0) if proof is None else proof.nodes,
            "kept": None if name not in known else vars(known[name]),
            "refused": found.refused.get(name),
        }
    return {
        "status": found.status.name.lower(),
        "target": found.scheme.target.name,
        "rank": found.scheme.rank,
        "ring": str(found.scheme.ring),
        "hash": content_hash(found.scheme),
        "additions": found.program.operations.additions,
        "sides": sides,
        "seconds": round(found.seconds, 3),
        "cpu_seconds": round(found.cpu_seconds, 3),
    }


def proofs_as_lines(found: dict[str, Any]) -> list[str]:
    """What `proofs_as_dict` holds, for people."""
    lines = [
        f"{found['target'].removeprefix('matmul:')}, rank {found['rank']} over {found['ring']}: "
        f"{found['additions']} additions, {found['cpu_seconds']:.1f} CPU s"
    ]
    for name, side in found["sides"].items():
        lines.append(f"{name}  {side['additions']} additions, {_proven(side)}")
    return lines


def _proven(side: dict[str, Any]) -> str:
    if side["refused"] is not None:
        return f"not searched: {side['refused']}"
    if not side["proven"]:
        return f"not proven; {side['nodes']:,} helpers looked at"
    claim = {name: side[name] for name in ("additions", "helpers", "nodes")}
    again = "" if side["kept"] is None else ", as kept" if side["kept"] == claim else ", but other figures are kept"
    return f"of them {side['helpers']} helpers; none has fewer, {side['nodes']:,} looked at{again}"
