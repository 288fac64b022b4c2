"""The atlas as a table: for every format of one coefficient set how it is made of smaller ones; and its recipes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bilinear.decompositions.atlas import kernel
from bilinear.decompositions.atlas.closure import Closure
from bilinear.decompositions.atlas.outers import Outer, partitions
from bilinear.decompositions.composition import Sizes, resized, rising
from bilinear.decompositions.operations import AXES
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules import pairs
from bilinear.decompositions.rules.recipe import Recipe, RecipeError, Step
from bilinear.decompositions.rules.support import Group, divided, joined


@dataclass(frozen=True)
class Line:
    """How one format is made.

    Attributes:
        step: Its last step, without the positions of its parts.
        parts: The formats that it takes, sizes rising, the outer scheme of `blocks` left out.
        times: How often each of them.
        outer: Of `blocks`, the steps that make the outer scheme: a leaf or a rule without parts, and its permutation.
    """

    step: Step
    parts: tuple[Sizes, ...] = ()
    times: tuple[int, ...] = ()
    outer: tuple[Step, ...] = ()

    def rank(self, ranks: Mapping[Sizes, int]) -> int:
        """Its products if its parts had these."""
        if not self.parts:
            return ranks.get(self.step.sizes, self.step.rank)
        parts = [ranks[part] for part in self.parts]
        if self.step.rule == "kronecker":
            return parts[0] * parts[1]
        if self.step.rule == "pairs":
            return pairs.rank(parts[0], self.parts[1][0], parts[1])
        return sum(rank * times for rank, times in zip(parts, self.times, strict=True))


@dataclass(frozen=True)
class Atlas:
    """The cheapest recipes of all formats over one coefficient set.

    Attributes:
        ring: The coefficient set.
        largest: The largest size.
        lines: By format, sizes rising.
    """

    ring: Ring
    largest: int
    lines: Mapping[Sizes, Line]

    def rank(self, sizes: Iterable[int]) -> int:
        """Products of a format, in any order of its sizes.

        Raises:
            RecipeError: If it is larger than those of the atlas.
        """
        return self.line(sizes).step.rank

    def line(self, sizes: Iterable[int]) -> Line:
        """How a format is made.

        Raises:
            RecipeError: If it is larger than those of the atlas.
        """
        wanted = rising(sizes)
        if wanted not in self.lines:
            raise RecipeError(f"{'x'.join(map(str, wanted))}: this atlas holds sizes from 1 to {self.largest}")
        return self.lines[wanted]

    def recipe(self, sizes: Iterable[int]) -> Recipe:
        """The whole recipe of a format, its sizes rising.

        Raises:
            RecipeError: If the format is larger than those of the atlas.
        """
        self.line(sizes)
        writer = _Writer(self)
        writer.format(rising(sizes))
        return Recipe(self.ring, tuple(writer.steps))


class _Writer:
    """Writes the steps of one recipe, each format and each outer scheme once."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.steps: list[Step] = []
        self._places: dict[Any, int] = {}

    def format(self, sizes: Sizes) -> int:
        """The position of the step that makes a format, its sizes rising."""
        line = self.atlas.lines[sizes]
        if not line.parts:
            return self._once(line.step, ())
        outer: list[int] = []
        for step in line.outer:
            outer = [self._once(step, tuple(outer))]
        return self._once(line.step, (*outer, *map(self.format, line.parts)))

    def _once(self, step: Step, parts: tuple[int, ...]) -> int:
        key = (step.rule, step.sizes, step.hash, parts, repr(step.parameters))
        if key not in self._places:
            self.steps.append(Step(step.rule, step.sizes, step.rank, parts, step.parameters, step.hash))
            self._places[key] = len(self.steps) - 1
        return self._places[key]


def atlas(closure: Closure) -> Atlas:
    """The table of a closure."""
    rows = zip(closure.formats.tolist(), closure.choices.tolist(), strict=True)
    lines = {(n, m, p): _line(closure, (n, m, p), *choice) for (n, m, p), choice in rows}
    return Atlas(closure.ring, closure.largest, lines)


def _line(closure: Closure, sizes: Sizes, rule: int, *numbers: int) -> Line:
    rank = closure.rank(sizes)
    if rule == kernel.STANDARD:
        return Line(Step("standard", sizes, rank))
    if rule == kernel.LEAF:
        return Line(closure.given[sizes])
    if rule == kernel.SPLIT:
        axis, front = numbers[:2]
        blocks = resized(sizes, axis, front), resized(sizes, axis, sizes[axis] - front)
        return Line(Step("split", sizes, rank, parameters={"axis": AXES[axis]}), blocks, (1, 1))
    if rule in (kernel.KRONECKER, kernel.PAIRS):
        outer, name = numbers[:3], "pairs" if rule == kernel.PAIRS else "kronecker"
        inner = rising(size // by for size, by in zip(sizes, outer, strict=True))
        return Line(Step(name, sizes, rank, parameters={"outer": list(outer)}), (rising(outer), inner), (1, 1))
    return _blocks(closure, sizes, *numbers)


def _blocks(closure: Closure, sizes: Sizes, which: int, *rows: int) -> Line:
    outer = closure.outers[which]
    table, filled = partitions()
    cuts = [
        filled[table[count, size, 0] + row, :count].tolist()
        for count, size, row in zip(outer.sizes, sizes, rows, strict=True)
    ]
    groups = grouped(outer, cuts, closure.rank)
    formats = outer.formats(cuts)
    needed = Counter(rising(joined(group.kind, formats[list(group.products)])) for group in groups)
    several = [[group.kind, list(group.products)] for group in groups if len(group.products) > 1]
    parameters = {"cuts": cuts} | ({"groups": several} if several else {})
    step = Step("blocks", sizes, closure.rank(sizes), parameters=parameters)
    return Line(step, tuple(needed), tuple(needed.values()), outer.made)


def grouped(outer: Outer, cuts: list[list[int]], rank: Callable[[Iterable[int]], int]) -> list[Group]:
    """The cheapest groups of an outer scheme's products for some sizes of blocks.

    Args:
        outer: The outer scheme.
        cuts: Sizes of the blocks along n, m and p.
        rank: Products of a format; 0 where there is none.
    """
    formats = outer.formats(cuts)
    shared = {q for group in outer.groups for q in group.products}
    alone = [Group("u", (q,)) for q in sorted(outer.products) if q not in shared]
    return alone + [part for group in outer.groups for part in divided(*group, formats, rank)]


def to_document(atlas: Atlas) -> dict[str, Any]:
    """The atlas as a dictionary of JSON."""
    return {"ring": atlas.ring.value, "largest": atlas.largest, "lines": [_row(line) for line in atlas.lines.values()]}


def _row(line: Line) -> list[Any]:
    parts = [list(part) for part in line.parts]
    return [_plain(line.step), parts, list(line.times), [_plain(step) for step in line.outer]]


def _plain(step: Step) -> list[Any]:
    return [step.rule, list(step.sizes), step.rank, dict(step.parameters), step.hash]


def from_document(document: Any) -> Atlas:
    """The atlas of what `to_document` wrote; nothing of it is checked but that its recipes can be read and built.

    Raises:
        KeyError, TypeError, ValueError: If it is something else.
    """
    lines = {}
    for step, parts, times, outer in document["lines"]:
        line = Line(_step(step), tuple((n, m, p) for n, m, p in parts), tuple(times), tuple(map(_step, outer)))
        lines[line.step.sizes] = line
    return Atlas(parse_ring(document["ring"]), document["largest"], lines)


def _step(row: Any) -> Step:
    rule, (n, m, p), rank, parameters, content = row
    return Step(rule, (n, m, p), rank, (), parameters, content)
