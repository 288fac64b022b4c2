"""The change of basis between two schemes, found by matching their products, and checked exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice, product

import numpy as np

from bilinear.decompositions import modular
from bilinear.decompositions.equivalence.colours import Colours, colours, matrices, prime_of
from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.modular import Residues, narrowed, ranks
from bilinear.decompositions.operations import ORDERS, permute, sandwich
from bilinear.decompositions.scheme import Scheme

MOST_STEPS = 5_000  # pairs of products tried before the answer is "undecided"
GUESSES = 4  # matrices drawn where the products' lines leave a choice, of each size
MOST_ELEMENTS = 729  # where so few are left, all are taken
MOST_GUESSES = 64  # changes of basis tried then

Space = tuple[Residues, Residues, Residues]
Vectors = tuple[tuple[Residues | None, Residues | None], ...]


class Verdict(Enum):
    """What is known of two schemes."""

    SAME = "one is the other after a change of basis"
    DIFFERENT = "no change of basis takes one to the other"
    UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The answer, with its proof where there is one.

    Attributes:
        verdict: What is known.
        order: The order of the sizes in which the first scheme is taken, see `operations.permute`.
        changes: L, M, R of `operations.sandwich`, which then gives the second scheme; integer matrices.
    """

    verdict: Verdict
    order: tuple[int, ...] = (0, 1, 2)
    changes: tuple[Residues, ...] = ()


@dataclass
class _Search:
    """Two schemes of one format whose products are to be matched.

    Attributes:
        first: The scheme to be changed.
        second: The scheme wanted.
        p: The prime modulo which is calculated.
        colours: Of both.
        vectors: Of both: of each product the lines that its rank-1 matrices give, see `_lines`.
        steps: Pairs tried.
    """

    first: Scheme
    second: Scheme
    p: int
    colours: tuple[Colours, Colours]
    vectors: tuple[list[Vectors], list[Vectors]]
    steps: int = 0
    complete: bool = field(default=True)

    def changes(self) -> tuple[Residues, ...] | None:
        """A change of basis that takes the first scheme to the second."""
        spaces = tuple(np.eye(size * size, dtype=np.int64) for size in self.first.target.sizes)
        return self._matched([], spaces)  # type: ignore[arg-type]

    def _matched(self, pairs: list[tuple[int, int]], spaces: Space) -> tuple[Residues, ...] | None:
        """Match one product more, as long as the basis is not fixed."""
        if any(not len(space) for space in spaces):
            return None
        if all(len(space) == 1 for space in spaces):
            return self._proved(spaces)
        chosen = self._next(pairs, spaces)
        if chosen is None:
            return self._guessed(spaces)
        for image in self._images(chosen, pairs):
            self.steps += 1
            if self.steps > MOST_STEPS:
                self.complete = False
                return None
            found = self._matched([*pairs, (chosen, image)], self._narrowed(spaces, chosen, image))
            if found is not None:
                return found
        return None

    def _guessed(self, spaces: Space) -> tuple[Residues, ...] | None:
        """One of the changes of basis that are left where the lines do not fix it: any may do, or none."""
        choices = [list(self._invertible(space)) for space in spaces]
        for one, two, three in islice(product(*choices), MOST_GUESSES):
            found = self._proved((one, two, three))
            if found is not None:
                return found
        self.complete = False
        return None

    def _invertible(self, space: Residues) -> Iterator[Residues]:
        """All invertible matrices of a small space, a few of a large one, each as a row."""
        dimension = len(space)
        if self.p**dimension <= MOST_ELEMENTS:
            factors = np.array(list(product(range(self.p), repeat=dimension)), np.int64)
        else:
            factors = np.random.default_rng(dimension).integers(1, 4, (GUESSES, dimension))
        size = math.isqrt(space.shape[1])
        elements = modular.product(factors, space, self.p)
        for element in elements[ranks(elements.reshape(-1, size, size), self.p) == size]:
            yield element[None]

    def _next(self, pairs: list[tuple[int, int]], spaces: Space) -> int | None:
        """A product that says something of the basis, of the rarest colour there is."""
        used = {chosen for chosen, _ in pairs}
        open_ones = [
            product
            for product, vectors in enumerate(self.vectors[0])
            if product not in used
            and any(len(space) > 1 and _says(pair) for space, pair in zip(spaces, vectors, strict=True))
        ]
        every = self.colours[0].products
        return min(open_ones, key=lambda product: int((every == every[product]).sum()), default=None)

    def _images(self, product: int, pairs: list[tuple[int, int]]) -> Iterator[int]:
        """The products of the second scheme that look like one of the first, seen from those matched so far."""
        one, two = self.colours
        for image in np.flatnonzero(two.products == one.products[product]).tolist():
            alike = (
                one.pairs[product, q] == two.pairs[image, r] and one.pairs[q, product] == two.pairs[r, image]
                for q, r in pairs
            )
            if all(alike) and all(image != r for _, r in pairs):
                yield image

    def _narrowed(self, spaces: Space, product: int, image: int) -> Space:
        """The changes of basis that also take the lines of one product to those of another."""
        pairs = zip(spaces, self.vectors[0][product], self.vectors[1][image], strict=True)
        n, m, p = (self._kept(space, before, after) for space, before, after in pairs)
        return n, m, p

    def _kept(
        self,
        space: Residues,
        before: tuple[Residues | None, Residues | None],
        after: tuple[Residues | None, Residues | None],
    ) -> Residues:
        """The matrices L of a space that take the vector after back to the one before, and L^T the form before on."""
        for transposed, x, y in ((False, after[0], before[0]), (True, before[1], after[1])):
            if x is not None and y is not None:
                space = narrowed(space, _parallel(x, y, transposed), self.p)
        return space

    def _proved(self, spaces: Space) -> tuple[Residues, ...] | None:
        """The one change of basis that is left, as integers, if it takes all products to all products."""
        found = []
        for space, size in zip(spaces, self.first.target.sizes, strict=True):
            matrix = space[0].reshape(size, size)
            if ranks(matrix[None], self.p)[0] < size:
                return None
            if not self.first.ring.characteristic:
                scaled = space * pow(int(space[0][np.flatnonzero(space[0])[0]]), -1, self.p) % self.p
                fractions = modular.rational(scaled, self.p)
                if fractions is None:
                    return None
                matrix = fractions[0].reshape(size, size)
            found.append(matrix)
        changed = sandwich(self.first, *found)
        return tuple(found) if content_hash(changed) == content_hash(self.second) else None


def equivalent(first: Scheme, second: Scheme) -> Equivalence:
    """Whether a symmetry of the target takes one scheme to the other: a change of basis, after any order of the sizes.

    `SAME` is proved by applying the change of basis, exactly. `DIFFERENT` rests on `colours`, or on a search that tried
    every way to match the products. Schemes whose rank-1 matrices do not fix the basis stay `UNDECIDED`.

    Args:
        first: A scheme of n x m x p.
        second: One of the same format, in any order of its sizes, over a set of the same characteristic.

    Raises:
        SchemeError: As for `colours.matrices`; if the two are of different formats or characteristics.
    """
    if first.ring.characteristic != second.ring.characteristic:
        raise SchemeError(f"schemes over {first.ring} and {second.ring}: one characteristic is needed")
    if sorted(first.target.sizes) != sorted(second.target.sizes):
        raise SchemeError(f"schemes of {first.target.short} and {second.target.short}: one format is needed")
    seen, complete = colours(second), True
    if first.rank != second.rank:
        return Equivalence(Verdict.DIFFERENT)
    for order in ORDERS:
        turned = permute(first, order)
        if turned.target != second.target:
            continue
        own = colours(turned)
        if sorted(own.products.tolist()) != sorted(seen.products.tolist()):
            continue
        search = _Search(turned, second, prime_of(first), (own, seen), (_lines(turned), _lines(second)))
        changes = search.changes()
        if changes is not None:
            return Equivalence(Verdict.SAME, order, changes)
        complete &= search.complete
    return Equivalence(Verdict.DIFFERENT if complete else Verdict.UNDECIDED)


def _says(pair: tuple[Residues | None, Residues | None]) -> bool:
    return pair[0] is not None or pair[1] is not None


def _lines(scheme: Scheme) -> list[Vectors]:
    """Of each product, for each of the sizes n, m, p, a vector and a form, where its matrices have rank 1.

    Of a matrix of rank 1 the columns are multiples of one vector, the rows of another. The change of basis L takes
    those of W by L^-1 and those of U by L^T; M the rows of U and the columns of V, R those of V and of W likewise.
    """
    u, v, w = matrices(scheme)
    p = prime_of(scheme)
    lines = [[_line(matrix, p) for matrix in stack] for stack in (w, u)]
    lines += [[_line(matrix.T, p) for matrix in u], [_line(matrix, p) for matrix in v]]
    lines += [[_line(matrix.T, p) for matrix in v], [_line(matrix.T, p) for matrix in w]]
    a, b, c, d, e, f = lines
    return [((a[q], b[q]), (c[q], d[q]), (e[q], f[q])) for q in range(scheme.rank)]


def _line(matrix: Residues, p: int) -> Residues | None:
    """A column of a matrix of rank 1; None for any other."""
    if ranks(matrix[None], p)[0] != 1:
        return None
    column: Residues = matrix[:, np.flatnonzero(matrix.any(axis=0))[0]]
    return column


def _parallel(x: Residues, y: Residues, transposed: bool) -> Residues:
    """Equations on the entries of a matrix, row by row: it, or its transpose, takes x to a multiple of y."""
    size = len(x)
    image = np.zeros((size, size * size), np.int64)
    for row in range(size):
        for column in range(size):
            image[row, column * size + row if transposed else row * size + column] = x[column]
    lead = int(np.flatnonzero(y)[0])
    minors = np.zeros((size - 1, size), np.int64)
    for place, row in enumerate(row for row in range(size) if row != lead):
        minors[place, row], minors[place, lead] = y[lead], -y[row]
    return minors @ image  # no sum: image has one entry in each column
