"""What a conversion did to a model, and why it left the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Change = tuple[int, int]
"""Before and after."""


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        name: In the model.
        kind: Its class before.
        shape: Of its weight before, or of the layer as it is called: (out, in), (out, in, height, width).
        reason: Why it was left as it was; empty if it was replaced.
        parameters: Learned numbers, before and after.
        flops: Multiplications and additions for the example by the formulas, before and after; None without one.
        note: What is to be said of a layer that was replaced.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    reason: str
    parameters: Change
    flops: Change | None = None
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All layers that came into question; `str` gives a table.

    Attributes:
        rows: One a layer, in the order of the model.
        parameters: Learned numbers of the whole model, before and after; tied ones count once.
        counted: Multiplications and additions of the whole model on the example by torch's counter, before and after;
            None without an example.
        notes: What is to be said of the whole, a line each.
        done: What was done to the layers that were not left.
    """

    rows: tuple[Row, ...]
    parameters: Change
    counted: Change | None = None
    notes: tuple[str, ...] = ()
    done: str = "replaced"

    @property
    def replaced(self) -> list[str]:
        """Names of the layers that were."""
        return [row.name for row in self.rows if not row.reason]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The table, a head, a line for each layer, and the sums."""
        width = max([len(row.name) for row in self.rows] + [len("layer")])
        shapes = ["x".join(map(str, row.shape)) for row in self.rows]
        broad = max([*map(len, shapes), len("shape")])
        yield f"{'layer':{width}}  {'shape':>{broad}}  {'parameters':>23}  {'flops':>23}  result"
        for row, shape in zip(self.rows, shapes, strict=True):
            flops = "" if row.flops is None else _change(row.flops)
            result = f"{row.kind}: {row.reason}" if row.reason else f"{row.kind} {self.done}"
            result += f"; {row.note}" if row.note else ""
            yield f"{row.name:{width}}  {shape:>{broad}}  {_change(row.parameters):>23}  {flops:>23}  {result}"
        yield f"{len(self.replaced)} of {len(self.rows)} layers {self.done}; parameters {_change(self.parameters)}"
        if self.counted is not None:
            before, after = self.counted
            ratio = f", a ratio of {before / after:.2f}" if after else ""
            yield f"flops of the model by torch's counter {_change(self.counted)}{ratio}"
        yield from self.notes


def _change(change: Change) -> str:
    return f"{_short(change[0])} -> {_short(change[1])}" if change[0] != change[1] else _short(change[0])


def _short(number: int) -> str:
    """`950`, `24.10 k`, `4.26 M`."""
    for size, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= size:
            return f"{number / (1000 if letter == 'k' else size):.2f} {letter}"
    return str(number)
