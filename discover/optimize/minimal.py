"""Proofs that no program of a side of a scheme is shorter: searched, kept with the entry, and run again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.program import Program, ProgramError
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program, settled
from bilinear.decompositions.programs.shortest import Exhaustion, Proof
from bilinear.decompositions.scheme import FACTORS, Scheme
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.outcome import Status
from bilinear.discover.optimize.search import Standing, repeat

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog

MINIMAL = "minimal.json"
"""The attachment with the proofs of an entry."""

FORMAT_VERSION = 1
NODES = 50_000  # helpers looked at in a slice, about a tenth of a second


@dataclass(frozen=True)
class Proved:
    """The end of a search for proofs.

    Attributes:
        status: `EXHAUSTED` if every side that can be searched is proven, else `BUDGET` or `INTERRUPTED`.
        scheme: That was given.
        program: Its shortest program, verified on symbols.
        proofs: Of the sides `u`, `v`, `w` that are proven.
        refused: Why a side cannot be searched.
        nodes: Helpers looked at, side by side, also by searches that did not end.
        seconds: Wall time.
        cpu_seconds: CPU time.
    """

    status: Status
    scheme: Scheme
    program: SchemeProgram
    proofs: Mapping[str, Proof]
    refused: Mapping[str, str]
    nodes: Mapping[str, int]
    seconds: float
    cpu_seconds: float


def prove(
    scheme: Scheme, program: SchemeProgram, budget: Budget, on_progress: Callable[[Standing], None] = lambda _: None
) -> Proved:
    """Look for the shortest program of each side until all are proven, the budget is spent or the user interrupts.

    Args:
        scheme: Verified.
        program: Of it; what is proven is that it, or a shorter one that turns up, is the shortest.
        budget: Wall time, or slices of 50,000 helpers.
        on_progress: Called after every slice.

    Raises:
        TooLargeError: If the searches would not fit into memory.
    """
    cpu_began, run = time.process_time(), _Sides(program)
    status, seconds = repeat(run, budget, on_progress)
    require_program(run.best, scheme)
    proofs = {name: side.proof for name, side in run.sides.items() if side.proof is not None}
    nodes = {name: side.nodes for name, side in run.sides.items()}
    cpu = time.process_time() - cpu_began
    return Proved(status, scheme, run.best, proofs, run.refused, nodes, seconds, cpu)


class _Sides:
    """The searches of the three sides between two slices: the one that looked at fewest helpers goes on."""

    def __init__(self, program: SchemeProgram) -> None:
        self.steps, self._given = 0, program
        self.sides: dict[str, Exhaustion] = {}
        self.refused: dict[str, str] = {}
        for name, part in zip(FACTORS, program.programs, strict=True):
            try:
                self.sides[name] = Exhaustion(part)
            except ProgramError as error:
                self.refused[name] = str(error)

    @property
    def _open(self) -> list[str]:
        return [name for name, side in self.sides.items() if side.proof is None]

    @property
    def best(self) -> SchemeProgram:
        """The shortest program so far."""
        parts = zip(FACTORS, self._given.programs, strict=True)
        u, v, w = (self._best(name, part) for name, part in parts)
        return settled(u, v, w)

    def _best(self, name: str, part: Program) -> Program:
        return self.sides[name].program if name in self.sides else part

    @property
    def note(self) -> str:
        """Where the searches are."""
        sides = (f"{name}: {self.sides[name].helpers} helpers, {self.sides[name].nodes:,} seen" for name in self._open)
        return "; ".join(sides)

    def ended(self) -> Status | None:
        """Every side is proven."""
        return None if self._open else Status.EXHAUSTED

    def advance(self) -> None:
        """One slice."""
        self.steps += 1
        side = min((self.sides[name] for name in self._open), key=lambda side: side.nodes)
        side.advance(NODES)


def dumps(proofs: Mapping[str, Proof]) -> bytes:
    """Proofs as JSON, the same bytes for the same proofs, one side a line."""
    lines = [f'"format_version":{FORMAT_VERSION}', '"kind":"minimal"']
    for name in FACTORS:
        if name in proofs:
            lines.append(f'"{name}":{json.dumps(vars(proofs[name]), separators=(",", ":"))}')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def loads(data: bytes, source: str) -> dict[str, Proof]:
    """The proofs in these bytes, as they are claimed.

    Raises:
        ProgramError: One line, `SOURCE: fact; need`.
    """
    try:
        document: Any = json.loads(data)
        if document["kind"] != "minimal" or document["format_version"] != FORMAT_VERSION:
            raise ValueError
        proofs = {name: Proof(**document[name]) for name in FACTORS if name in document}
        if any(type(value) is not int or value < 0 for proof in proofs.values() for value in vars(proof).values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProgramError(f"{source}: no proofs; JSON of kind 'minimal' with counts of u, v, w is needed") from None
    return proofs


def known_proofs(catalog: Catalog, scheme: Scheme) -> dict[str, Proof]:
    """The proofs kept for a scheme; none where they cannot be read."""
    key = content_hash(scheme)
    try:
        if MINIMAL not in catalog.attachments(key):
            return {}
        return loads(catalog.read_attachment(key, MINIMAL), f"attachment {MINIMAL} of {key[:8]}")
    except BilinearError:
        return {}


def attach_proofs(catalog: Catalog, found: Proved) -> bool:
    """Keep the proofs with the entry, beside those that stand there; whether anything was written.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    known = known_proofs(catalog, found.scheme)
    together = known | dict(found.proofs)
    if together == known:
        return False
    catalog.attach(content_hash(found.scheme), MINIMAL, dumps(together))
    return True
