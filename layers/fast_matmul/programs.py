"""Straight-line programs of a scheme at several levels, as the sums of blocks that a group of products needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.programs import Program, SchemeProgram, Term, transposed
from bilinear.decompositions.programs.program import Draft
from bilinear.layers.fast_matmul.rows import Rows, Source

Ids = NDArray[np.int64]
Shape = tuple[int, int]
NOTHING = -1


@dataclass(frozen=True)
class Sides:
    """What one of the three matrices goes through at one level.

    Attributes:
        shape: Its blocks, down and across.
        encoder: From its blocks to a factor of each product.
        decoder: From the products to its blocks, the transposed matrix.
        gains: What the factors are multiplied by, shape (rank,), powers of two.
    """

    shape: Shape
    encoder: Program
    decoder: Program
    gains: tuple[Fraction, ...]


def sides_of(program: SchemeProgram, shapes: Sequence[Shape], gains: Sequence[Sequence[Fraction]]) -> list[Sides]:
    """The sides of the matrices a, b and c.

    Args:
        program: In the basis of the scheme itself.
        shapes: Blocks of the three, down and across.
        gains: Of the factors of the three.
    """
    programs = (
        (program.u, transposed(program.u)),
        (program.v, transposed(program.v)),
        (transposed(program.w), program.w),
    )
    return [Sides(shape, *pair, tuple(gain)) for shape, pair, gain in zip(shapes, programs, gains, strict=True)]


def encoder_at(side: Sides, levels: int) -> Program:
    """From the blocks of all levels, row by row, to a factor of each product of all levels."""
    grid = side.shape[0] ** levels, side.shape[1] ** levels
    maker = _Maker(side, grid[0] * grid[1])
    found = maker.encoded(np.arange(len(maker.terms)).reshape(grid))
    return maker.draft.program([maker.terms[i] if i >= 0 else None for i in found])


def decoder_at(side: Sides, levels: int, products: range) -> Program:
    """From some of the products of all levels to the blocks that they are added to."""
    maker = _Maker(side, len(products))
    given = np.full(len(side.gains) ** levels, NOTHING)
    given[products.start : products.stop] = np.arange(len(products))
    found = maker.decoded(given).ravel()
    return maker.draft.program([maker.terms[i] if i >= 0 else None for i in found])


class _Maker:
    """Steps for several levels; values are known by their place in `terms`."""

    def __init__(self, side: Sides, inputs: int) -> None:
        self.side, self.draft = side, Draft(inputs)
        self.terms = [Term(place, Fraction(1)) for place in range(inputs)]

    def encoded(self, grid: Ids) -> list[int]:
        """A factor of each product, from the values of a grid of blocks."""
        if grid.size == 1:
            return [int(grid[0, 0])]
        (n, m), (rows, columns) = self.side.shape, grid.shape
        blocks = grid.reshape(n, rows // n, m, columns // m).transpose(1, 3, 0, 2).reshape(-1, n * m)
        forms = np.array([self._run(self.side.encoder, block.tolist()) for block in blocks])
        inner = forms.T.reshape(-1, rows // n, columns // m)
        return [
            place
            for part, gain in zip(inner, self.side.gains, strict=True)
            for place in self.encoded(self._times(part, gain))
        ]

    def decoded(self, products: Ids) -> Ids:
        """The values of a grid of blocks, from those of the products."""
        if products.size == 1:
            return products.reshape(1, 1)
        (n, m), gains = self.side.shape, self.side.gains
        parts = products.reshape(len(gains), -1)
        inner = np.stack([self._times(self.decoded(p), gain) for p, gain in zip(parts, gains, strict=True)])
        _, rows, columns = inner.shape
        forms = [self._run(self.side.decoder, values.tolist()) for values in inner.reshape(len(gains), -1).T]
        blocks = np.array(forms).reshape(rows, columns, n, m).transpose(2, 0, 3, 1)
        return blocks.reshape(n * rows, m * columns)

    def _times(self, places: Ids, gain: Fraction) -> Ids:
        if gain == 1:
            return places
        scaled = [NOTHING if i < 0 else self._kept(self.terms[i].times(gain)) for i in places.ravel().tolist()]
        return np.array(scaled).reshape(places.shape)

    def _run(self, program: Program, given: list[int]) -> list[int]:
        """Add the steps of one program at these values; the places of its forms."""
        if max(given) < 0:
            return [NOTHING] * len(program.outputs)
        known: list[Term | None] = [self.terms[i] if i >= 0 else None for i in given]
        for step in program.steps:
            known.append(self._sum([(known[place], scale) for place, scale in step]))
        outputs = [(None, Fraction(0)) if term is None else (known[term.place], term.scale) for term in program.outputs]
        return [NOTHING if value is None else self._kept(value.times(scale)) for value, scale in outputs]

    def _sum(self, pairs: Sequence[tuple[Term | None, Fraction]]) -> Term | None:
        terms = [value.times(scale) for value, scale in pairs if value is not None]
        if len(terms) == 2 and terms[0].place == terms[1].place:
            scale = terms[0].scale + terms[1].scale
            return Term(terms[0].place, scale) if scale else None
        return self.draft.total(terms)

    def _kept(self, term: Term) -> int:
        self.terms.append(term)
        return len(self.terms) - 1


def rows_of(program: Program, outputs: Sequence[int], targets: Sequence[int], gains: Sequence[bool]) -> Rows:
    """The sums that give some forms of a program; a value used once stands in the sum that uses it.

    Args:
        program: Of source blocks.
        outputs: Which of its forms.
        targets: The block that each becomes.
        gains: Whether it is added to what the block holds.
    """
    wanted = [program.outputs[k] for k in outputs]
    uses = _uses(program, wanted)
    steps = [place for place in range(program.inputs, len(uses)) if uses[place] > 1]
    needed = {place: _expanded(program, program.steps[place - program.inputs], uses) for place in steps}
    forms = [[] if term is None else _expanded(program, (term,), uses) for term in wanted]
    return _Layout(program.inputs, needed, forms).rows(targets, gains)


def _uses(program: Program, wanted: Sequence[Term | None]) -> list[int]:
    """How often the wanted forms, and the steps they need, use each value."""
    uses = [0] * (program.inputs + len(program.steps))
    for term in wanted:
        if term is not None:
            uses[term.place] += 1
    for place in reversed(range(len(program.steps))):
        if uses[program.inputs + place]:
            for index, _ in program.steps[place]:
                uses[index] += 1
    return uses


def _expanded(program: Program, terms: Sequence[Term], uses: Sequence[int]) -> list[Term]:
    """A sum in terms of inputs and of values that are used more than once."""
    found: dict[int, Fraction] = {}
    waiting = list(terms)
    while waiting:
        term = waiting.pop()
        if term.place < program.inputs or uses[term.place] > 1:
            found[term.place] = found.get(term.place, Fraction(0)) + term.scale
        else:
            waiting += [inner.times(term.scale) for inner in program.steps[term.place - program.inputs]]
    return sorted((Term(place, scale) for place, scale in found.items() if scale), key=lambda term: term.place)


class _Layout:
    """Where the values lie that are used more than once: in a target that becomes just that, or aside.

    Attributes:
        inputs: Source blocks.
        needed: The sums that are used more than once, in their order.
        forms: The sums that become targets.
    """

    def __init__(self, inputs: int, needed: dict[int, list[Term]], forms: list[list[Term]]) -> None:
        self.inputs, self.needed, self.forms = inputs, needed, forms

    def rows(self, targets: Sequence[int], gains: Sequence[bool]) -> Rows:
        """The sums in an order in which each is there when it is used."""
        homes: dict[int, int] = {}
        for t, form in enumerate(self.forms):
            if len(form) == 1 and form[0].scale == 1 and form[0].place >= self.inputs and not gains[t]:
                homes.setdefault(form[0].place, t)
        order: list[tuple[list[Term], int | None, int | None]] = []
        done, waiting = set(), [t for t in range(len(self.forms)) if t not in homes.values()]
        for place, terms in [*self.needed.items(), (NOTHING, [])]:
            if place != NOTHING:
                order.append((terms, homes.get(place), place))
                done.add(place)
            ready = [t for t in waiting if all(x.place < self.inputs or x.place in done for x in self.forms[t])]
            order += [(self.forms[t], t, None) for t in ready]
            waiting = [t for t in waiting if t not in ready]
        return self._placed(order, homes, targets, gains)

    def _placed(
        self,
        order: Sequence[tuple[list[Term], int | None, int | None]],
        homes: dict[int, int],
        targets: Sequence[int],
        gains: Sequence[bool],
    ) -> Rows:
        """Give each value that has no target a place aside, taken again after its last use."""
        last = {term.place: k for k, (terms, _, _) in enumerate(order) for term in terms}
        free: list[int] = []
        slots: dict[int, int] = {}
        count = 0
        written: list[tuple[Source, int, bool]] = []
        sums: list[list[tuple[Source, int, float]]] = []
        for k, (terms, t, place) in enumerate(order):
            sums.append([(*self._where(term.place, homes, slots, targets), float(term.scale)) for term in terms])
            if t is not None:
                written.append((Source.TARGET, targets[t], gains[t]))
            else:
                assert place is not None
                if not free:
                    free.append(count)
                    count += 1
                slots[place] = free.pop()
                written.append((Source.ASIDE, slots[place], False))
            free += [slots[x.place] for x in terms if x.place in slots and last[x.place] == k]
        return Rows.of(written, sums, count)

    def _where(
        self, place: int, homes: dict[int, int], slots: dict[int, int], targets: Sequence[int]
    ) -> tuple[Source, int]:
        if place < self.inputs:
            return Source.SOURCE, place
        return (Source.TARGET, targets[homes[place]]) if place in homes else (Source.ASIDE, slots[place])
