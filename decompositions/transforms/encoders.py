"""Fast encoders: exact sparse factors of the changes of basis of a scheme, found from ranks of their blocks.

A butterfly splits rows and columns level by level so that blocks have rank 1. Encoders have that structure too, but are
rectangular and their row tree is uneven: an evaluation scheme of `cyclic:16` reduces modulo x^8 - 1 and x^8 + 1, and
12 of its 27 products need the one residue, 15 the other. So only columns are split as in `orders`; which rows
belong together follows from the entries. Two steps are tried on every block, each with its own two factors:

- *columns*: rows are grouped so that in each group columns of different parts are multiples of each other; they are
  added up once for the whole group (reduction modulo factors of a modulus);
- *rows*: within each part of the columns, rows that are multiples of each other are computed once (the values at t
  and -t share the even and the odd terms).

Arithmetic is exact throughout, over the rationals or Gaussian rationals, and the product is compared entry by entry.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.evaluation.fields import Gaussian
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.transforms.cyclotomic import prime_factors
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import Operations
from bilinear.decompositions.transforms.orders import fold

MOST_ENTRIES = 1 << 16
"""Of a matrix; its entries are Python numbers, and each is looked at some hundred times."""

TRIED = 3
"""Steps that are followed from a block, the cheapest first."""

Exact = Any
"""A Fraction, or a Gaussian."""

Row = tuple[Exact, ...]
Columns = list[int]
_SIGNS = (Fraction(1), Fraction(-1))
FREE = {*_SIGNS, *map(Gaussian, _SIGNS), *(Gaussian(Fraction(0), sign) for sign in _SIGNS)}
"""Coefficients that cost no multiplication."""


class Part(NamedTuple):
    """A sparse exact matrix: its shape, and (row, column, value) of the entries that are not 0."""

    shape: tuple[int, int]
    entries: tuple[tuple[int, int, Exact], ...]

    @property
    def operations(self) -> Operations:
        """A row of k entries takes k - 1 additions; entries other than 1, -1, i, -i a multiplication."""
        costly = sum(value not in FREE for _, _, value in self.entries)
        rows = len({row for row, _, _ in self.entries})
        return Operations(costly, len(self.entries) - rows, len(self.entries))

    def transposed(self) -> Part:
        """Rows as columns."""
        return Part(self.shape[::-1], tuple((column, row, value) for row, column, value in self.entries))

    def array(self) -> NDArray[Any]:
        """In floats: float64, complex128 if an entry is a Gaussian."""
        numbers = [_number(value) for _, _, value in self.entries]
        dense = np.zeros(self.shape, np.result_type(np.float64, *map(type, numbers)))
        for (row, column, _), number in zip(self.entries, numbers, strict=True):
            dense[row, column] = number
        return dense


Chain = tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class FactoredEncoder:
    """An encoder or decoder as a product of sparse exact matrices.

    Attributes:
        parts: In the order in which they are applied.
    """

    parts: Chain

    @property
    def shape(self) -> tuple[int, int]:
        """(outputs, inputs)."""
        return self.parts[-1].shape[0], self.parts[0].shape[1]

    @cached_property
    def operations(self) -> Operations:
        """Of all parts."""
        return _operations(self.parts)

    def transposed(self) -> FactoredEncoder:
        """The factors of the transpose: of a decoder, from those of W."""
        return FactoredEncoder(tuple(part.transposed() for part in self.parts[::-1]))

    def rows(self) -> tuple[Row, ...]:
        """The product of the factors, exactly."""
        value: list[dict[int, Exact]] = [{k: Fraction(1)} for k in range(self.shape[1])]
        for part in self.parts:
            value = _product(part, value)
        zero = Fraction(0)
        return tuple(tuple(row.get(k, zero) for k in range(self.shape[1])) for row in value)


def factored(matrix: NDArray[Any], imag: NDArray[Any] | None = None) -> FactoredEncoder:
    """Sparse factors of an exact matrix, with as few operations as the steps lead to; their product is proved.

    Args:
        matrix: Integers or fractions, shape (outputs, inputs).
        imag: Imaginary parts, likewise; None for a real matrix.

    Raises:
        TransformError: If it has more than 65536 entries, or none that is not 0.
    """
    if matrix.size > MOST_ENTRIES:
        raise TransformError(f"an encoder of shape {matrix.shape}; at most {MOST_ENTRIES} entries are factored exactly")
    rows = exact_rows(matrix, imag)
    live = [k for k, row in enumerate(rows) if any(row)]
    if not live:
        raise TransformError("an encoder whose every entry is 0; there is nothing to factor")
    [chain] = [_Search().chain(tuple(rows[k] for k in live))]
    found = FactoredEncoder(_with_rows(chain, live, len(rows)))
    if not _equal(found.rows(), rows):
        raise AssertionError("the factors of an encoder do not multiply to it")
    return found


def exact_rows(matrix: NDArray[Any], imag: NDArray[Any] | None = None) -> tuple[Row, ...]:
    """The entries as fractions, as Gaussian rationals where imaginary parts are given."""
    real = [[Fraction(x) for x in row] for row in matrix.tolist()]
    if imag is None:
        return tuple(map(tuple, real))
    both = zip(real, imag.tolist(), strict=True)
    return tuple(tuple(Gaussian(x, Fraction(y)) for x, y in zip(row, other, strict=True)) for row, other in both)


def dense(matrix: NDArray[Any], imag: NDArray[Any] | None = None) -> FactoredEncoder:
    """The matrix as its only factor."""
    return FactoredEncoder(_leaf(exact_rows(matrix, imag)))


class Encoders(NamedTuple):
    """The changes of basis of a scheme, factored; denominators are left to the products."""

    u: FactoredEncoder
    v: FactoredEncoder
    decoder: FactoredEncoder


def factored_scheme(scheme: Scheme) -> Encoders:
    """U, V and the transpose of W, numerators only.

    Raises:
        TransformError: If the scheme is over a finite field, or a factor is too large.
    """
    if scheme.ring.characteristic:
        raise TransformError(f"{scheme.target.short} over {scheme.ring.value}: encoders are factored over q or qi only")
    u, v, w = (factored(a, b) for a, b in zip(scheme.factors, scheme.imag or (None,) * 3, strict=True))
    return Encoders(u, v, w.transposed())


@dataclass
class _Search:
    """Factors of blocks, each found once.

    Attributes:
        known: By the entries of the block.
    """

    known: dict[tuple[Row, ...], Chain] = field(default_factory=dict)

    def chain(self, rows: tuple[Row, ...]) -> Chain:
        """The cheapest factors found of a block without zero rows."""
        if rows not in self.known:
            best = _leaf(rows)
            steps = sorted(_steps(rows), key=lambda step: step.estimate)
            for step in itertools.takewhile(lambda step: step.estimate < _cost(_leaf(rows)), steps[:TRIED]):
                made = step.carried_out([self.chain(child) for child in step.children])
                best = min(best, made, key=_cost)
            self.known[rows] = best
        return self.known[rows]


class _Step(NamedTuple):
    """rows = last * (children along the diagonal) * first."""

    first: Part
    children: list[tuple[Row, ...]]
    last: Part

    @property
    def estimate(self) -> int:
        """Operations if the children are not factored."""
        return _cost((self.first, self.last)) + sum(_cost(_leaf(child)) for child in self.children)

    def carried_out(self, chains: Sequence[Chain]) -> Chain:
        """The factors, those of the children side by side; moves of numbers are taken into their neighbours."""
        inner = list(_side_by_side(chains))
        before = [] if _moves(self.first) else [self.first]
        if not before:
            inner[0] = _moved(inner[0], self.first)
        after = [] if _moves(self.last) else [self.last]
        if not after:
            inner[-1] = _moved(inner[-1].transposed(), self.last.transposed()).transposed()
        return (*before, *inner, *after)


def _steps(rows: tuple[Row, ...]) -> Iterator[_Step]:
    """Both kinds, for every split of the columns."""
    for parts in _column_splits(len(rows[0])):
        yield _by_rows(rows, parts)
        yield _by_columns(rows, parts)


def _column_splits(count: int) -> list[tuple[Columns, ...]]:
    """Runs of neighbours and every p-th column, as they are or folded, for p = 2 and the prime factors of the count."""
    index = np.arange(count)
    found: dict[frozenset[frozenset[int]], tuple[Columns, ...]] = {}
    for radix in sorted({2, *prime_factors(count)}) if count > 1 else ():
        for order in (index, fold(index)):
            for parts in (np.array_split(order, radix), [order[k::radix] for k in range(radix)]):
                listed = tuple(part.tolist() for part in parts)
                found.setdefault(frozenset(map(frozenset, listed)), listed)
    return list(found.values())


def _by_rows(rows: tuple[Row, ...], parts: Iterable[Columns]) -> _Step:
    """Rows that are multiples of each other on a part of the columns are computed once."""
    children, taken, joined = [], [], []
    made = 0
    for part in parts:
        live = [c for c in part if any(row[c] for row in rows)]
        classes = _Classes([tuple(row[c] for c in live) for row in rows])
        if classes.members:
            children.append(tuple(classes.members))
            taken += live
            joined += [(q, made + k, scale) for q, k, scale in classes.places]
            made += len(classes.members)
    first = tuple((k, column, Fraction(1)) for k, column in enumerate(taken))
    return _Step(Part((len(taken), len(rows[0])), first), children, Part((len(rows), made), tuple(joined)))


def _by_columns(rows: tuple[Row, ...], parts: Sequence[Columns]) -> _Step:
    """Rows are grouped so that columns of different parts are multiples of each other; these are added up once."""
    across = [[c for c in pair if c is not None] for pair in itertools.zip_longest(*parts)]
    children, spread, order = [], [], []
    made = 0
    for group in _groups(rows, across):
        classes = _Classes(list(zip(*(rows[q] for q in group), strict=True)))
        children.append(tuple(zip(*classes.members, strict=True)))
        spread += [(made + k, column, scale) for column, k, scale in classes.places]
        made += len(classes.members)
        order += group
    last = tuple((row, k, Fraction(1)) for k, row in enumerate(order))
    return _Step(Part((made, len(rows[0])), tuple(spread)), children, Part((len(rows), len(order)), last))


class _Classes:
    """Vectors that are multiples of each other; zero vectors belong to none.

    Attributes:
        members: The first vector of each class.
        places: (vector, class, multiple of its first vector).
    """

    def __init__(self, vectors: Sequence[Row]) -> None:
        self.members: list[Row] = []
        self.places: list[tuple[int, int, Exact]] = []
        known: dict[Row, tuple[int, Exact]] = {}
        for position, vector in enumerate(vectors):
            lead = next(filter(None, vector), None)
            if lead is not None:
                number, first = known.setdefault(tuple(x / lead for x in vector), (len(self.members), lead))
                if number == len(self.members):
                    self.members.append(vector)
                self.places.append((position, number, lead / first))


def _groups(rows: tuple[Row, ...], across: Sequence[Columns]) -> list[list[int]]:
    """Rows whose entries have the same quotients within all of these sets of columns; zeros agree with anything."""
    keys = [tuple(_direction(row, columns) for columns in across) for row in rows]
    groups: list[tuple[list[Row | None], list[int]]] = []
    for q in sorted(range(len(rows)), key=lambda q: sum(one is None for one in keys[q])):
        for known, group in groups:
            if all(a is None or b is None or a == b for a, b in zip(keys[q], known, strict=True)):
                known[:] = [a or b for a, b in zip(known, keys[q], strict=True)]
                group.append(q)
                break
        else:
            groups.append((list(keys[q]), [q]))
    return [group for _, group in groups]


def _direction(row: Row, columns: Columns) -> Row | None:
    """The entries over the first that is not 0; None if all are."""
    lead = next((row[c] for c in columns if row[c]), None)
    return None if lead is None else tuple(row[c] / lead for c in columns)


def _leaf(rows: tuple[Row, ...]) -> Chain:
    entries = tuple((q, c, value) for q, row in enumerate(rows) for c, value in enumerate(row) if value)
    return (Part((len(rows), len(rows[0])), entries),)


def _side_by_side(chains: Sequence[Chain]) -> Iterator[Part]:
    """Block-diagonal matrices of factors; shorter chains wait at their end."""
    longest = max(map(len, chains))
    padded = [(*chain, *[_identity(chain[-1].shape[0])] * (longest - len(chain))) for chain in chains]
    for parts in zip(*padded, strict=True):
        rows, columns, entries = 0, 0, []
        for part in parts:
            entries += [(rows + row, columns + column, value) for row, column, value in part.entries]
            rows, columns = rows + part.shape[0], columns + part.shape[1]
        yield Part((rows, columns), tuple(entries))


def _identity(size: int) -> Part:
    return Part((size, size), tuple((k, k, Fraction(1)) for k in range(size)))


def _moves(part: Part) -> bool:
    """Whether it only moves numbers, each to one place."""
    ones = all(value == Fraction(1) for _, _, value in part.entries)
    rows, columns = ({entry[side] for entry in part.entries} for side in (0, 1))
    return ones and len(rows) == len(columns) == len(part.entries) == part.shape[0]


def _moved(part: Part, move: Part) -> Part:
    """part * move."""
    column = {row: source for row, source, _ in move.entries}
    entries = tuple((row, column[place], value) for row, place, value in part.entries)
    return Part((part.shape[0], move.shape[1]), entries)


def _with_rows(chain: Chain, live: list[int], count: int) -> Chain:
    """Rows of zeros put back."""
    last = Part((count, chain[-1].shape[1]), tuple((live[row], *rest) for row, *rest in chain[-1].entries))
    return (*chain[:-1], last)


def _operations(chain: Chain) -> Operations:
    counts = [part.operations for part in chain]
    return Operations(*(sum(each) for each in zip(*counts, strict=True)))


def _cost(chain: Chain) -> int:
    counts = _operations(chain)
    return counts.multiplications + counts.additions


def _product(part: Part, value: Sequence[dict[int, Exact]]) -> list[dict[int, Exact]]:
    """The part times a matrix, rows as dictionaries by column."""
    result: list[dict[int, Exact]] = [{} for _ in range(part.shape[0])]
    for row, column, factor in part.entries:
        for k, x in value[column].items():
            term = _times(factor, x)
            result[row][k] = _plus(result[row][k], term) if k in result[row] else term
    return result


def _times(x: Exact, y: Exact) -> Exact:
    return _wide(x) * _wide(y) if isinstance(x, Gaussian) or isinstance(y, Gaussian) else x * y


def _plus(x: Exact, y: Exact) -> Exact:
    return _wide(x) + _wide(y) if isinstance(x, Gaussian) or isinstance(y, Gaussian) else x + y


def _wide(x: Exact) -> Gaussian:
    return x if isinstance(x, Gaussian) else Gaussian(x)


def _number(value: Exact) -> float | complex:
    return complex(float(value.real), float(value.imag)) if isinstance(value, Gaussian) else float(value)


def _equal(found: Sequence[Row], wanted: Sequence[Row]) -> bool:
    pairs = zip(itertools.chain(*found), itertools.chain(*wanted), strict=True)
    return all(_wide(x) == _wide(y) for x, y in pairs)
