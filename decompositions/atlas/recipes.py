"""From the choices of a closure to recipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bilinear.decompositions.atlas import kernel
from bilinear.decompositions.atlas.closure import Closure
from bilinear.decompositions.atlas.outers import Outer, partitions
from bilinear.decompositions.composition import Sizes, resized, rising
from bilinear.decompositions.operations import AXES
from bilinear.decompositions.rules.recipe import Recipe, Step
from bilinear.decompositions.rules.support import Group, divided, joined


class Writer:
    """Writes the steps of one recipe, each format once.

    Attributes:
        closure: Whose choices are followed.
        steps: Written so far.
    """

    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self.steps: list[Step] = []
        self._places: dict[Any, int] = {}
        self._chosen = {
            (n, m, p): choice
            for (n, m, p), choice in zip(closure.formats.tolist(), closure.choices.tolist(), strict=True)
        }

    def format(self, sizes: Sizes) -> int:
        """The position of the step that makes a format, its sizes rising."""
        step = self.closure.given.get(sizes)
        if step is not None and self._chosen[sizes][0] == kernel.LEAF:
            return self._source(step)
        return self._once(sizes, lambda: self._step(sizes))

    def _once(self, key: Any, make: Callable[[], Step]) -> int:
        if key not in self._places:
            step = make()
            self.steps.append(step)
            self._places[key] = len(self.steps) - 1
        return self._places[key]

    def _step(self, sizes: Sizes) -> Step:
        rule, *numbers = self._chosen[sizes]
        rank = self.closure.rank(sizes)
        if rule == kernel.STANDARD:
            return Step("standard", sizes, rank)
        if rule == kernel.SPLIT:
            axis, front = numbers[:2]
            blocks = resized(sizes, axis, front), resized(sizes, axis, sizes[axis] - front)
            return Step("split", sizes, rank, tuple(map(self.format, blocks)), {"axis": AXES[axis]})
        if rule == kernel.KRONECKER:
            outer = numbers[:3]
            inner = rising(size // by for size, by in zip(sizes, outer, strict=True))
            parts = self.format(rising(outer)), self.format(inner)
            return Step("kronecker", sizes, rank, parts, {"outer": outer})
        return self._blocks(sizes, rank, *numbers)

    def _blocks(self, sizes: Sizes, rank: int, which: int, *rows: int) -> Step:
        outer = self.closure.outers[which]
        table, filled = partitions()
        cuts = []
        for count, size, row in zip(outer.sizes, sizes, rows, strict=True):
            cuts.append(filled[table[count, size, 0] + row, :count].tolist())
        groups = grouped(outer, cuts, self.closure.rank)
        formats = outer.formats(cuts)
        needed = {rising(joined(group.kind, formats[list(group.products)])) for group in groups}
        parts = [self._outer(outer), *(self.format(part) for part in sorted(needed))]
        several = [[group.kind, list(group.products)] for group in groups if len(group.products) > 1]
        parameters = {"cuts": cuts} | ({"groups": several} if several else {})
        return Step("blocks", sizes, rank, tuple(parts), parameters)

    def _source(self, step: Step) -> int:
        return self._once((step.rule, step.sizes, step.hash), lambda: step)

    def _outer(self, outer: Outer) -> int:
        source = self._source(outer.source)
        if outer.order == (0, 1, 2):
            return source
        step = Step("permutation", outer.sizes, outer.source.rank, (source,), {"order": list(outer.order)})
        return self._once((source, outer.order), lambda: step)


def grouped(outer: Outer, cuts: list[list[int]], rank: Callable[[Iterable[int]], int]) -> list[Group]:
    """The cheapest groups of an outer scheme's products for some sizes of blocks."""
    formats = outer.formats(cuts)
    shared = {q for group in outer.groups for q in group.products}
    alone = [Group("u", (q,)) for q in sorted(outer.products) if q not in shared]
    return alone + [part for group in outer.groups for part in divided(*group, formats, rank)]


def recipe(closure: Closure, sizes: Iterable[int]) -> Recipe:
    """The cheapest recipe of a format, its sizes rising."""
    writer = Writer(closure)
    writer.format(rising(sizes))
    return Recipe(closure.ring, tuple(writer.steps))
