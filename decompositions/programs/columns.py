"""Programs that first add inputs to inputs: sums whose terms cancel later, which shared pairs alone do not find."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.programs.coefficients import Matrix
from bilinear.decompositions.programs.eliminate import BYTES_A_PAIR, MIXED, Search, Strategy
from bilinear.decompositions.programs.kernel import GREEDY, compiled, make_work
from bilinear.decompositions.programs.program import Program, Step, Term
from bilinear.decompositions.programs.transpose import transposed

_ONE = Fraction(1)
_RATIO = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], np.int16)  # quotients of the codes 1 (for 1) and 2 (for -1)

HOT, COLD = 0.7, 0.15
"""Temperatures, in additions, of the annealing."""

UNDONE = 0.4  # of its moves take an addition back
LIKELY = 0.7  # of the others add where nonzeros vanish, the rest anywhere


class Added(NamedTuple):
    """One addition: column `onto` of the matrix takes `sign` times column `column`, input `column` loses as much.

    Attributes:
        onto: Column that changes, and the input that is added.
        column: Column that is added, and the input that changes.
        sign: 1 or -1.
    """

    onto: int
    column: int
    sign: int


def prepared(
    matrix: Matrix, characteristic: int = 0, strategy: Strategy = MIXED, seed: int = 0, moves: int = 400
) -> Program | None:
    """A program for the forms `matrix @ x` that begins with additions of inputs to inputs, each in place.

    They multiply the matrix by elementary ones from the right; which, and in what order, is found by simulated
    annealing over their list, judged by their number and the additions of a greedy program of what is left. The
    Kronecker product of a factor of Winograd's scheme with itself takes 41 additions so, and 43 by shared sums.

    Args:
        matrix: As for `shorten`.
        characteristic: 0, 2 or 3.
        strategy: How shared sums are searched for at the end.
        seed: Same seed, same program.
        moves: Lists that are tried.

    Returns:
        None if a coefficient is none of -1, 0 and 1, or there is but one input.

    Raises:
        TooLargeError: If the search would not fit into memory.
    """
    turned = matrix.shape[1] > matrix.shape[0]
    forms = matrix.T if turned else matrix
    if forms.shape[1] < 2 or not np.isin(forms, (-1, 0, 1)).all():
        return None
    walk = _Walk(forms.astype(np.int8), characteristic, seed)
    for k in range(moves):
        walk.move(HOT + (COLD - HOT) * k / moves)
    rest = Search(walk.best.forms.astype(object), characteristic, seed)
    rest.go_on(strategy)
    program = _after(walk.best.added, rest.program)
    return transposed(program) if turned else program


def _after(added: tuple[Added, ...], rest: Program) -> Program:
    """The program that makes the additions, then goes on from what the inputs have become."""
    places, steps = list(range(rest.inputs)), list[Step]()
    for onto, column, sign in added:
        steps.append((Term(places[column], _ONE), Term(places[onto], _ONE * -sign)))
        places[column] = rest.inputs + len(steps) - 1
    if rest.characteristic == 2:
        steps = [tuple(Term(place, _ONE) for place, _ in step) for step in steps]
    places += range(rest.inputs + len(steps), rest.inputs + len(steps) + len(rest.steps))
    steps += [tuple(Term(places[term.place], term.scale) for term in step) for step in rest.steps]
    outputs = tuple(None if out is None else Term(places[out.place], out.scale) for out in rest.outputs)
    return Program(rest.inputs, tuple(steps), outputs, rest.characteristic)


@dataclass(frozen=True)
class _Place:
    """A list of additions, the matrix they lead to, and the additions of a program in all."""

    added: tuple[Added, ...]
    forms: NDArray[np.int8]
    cost: int


class _Walk:
    """Annealing over lists of additions.

    Attributes:
        best: The place of lowest cost that was met.
    """

    def __init__(self, forms: NDArray[np.int8], characteristic: int, seed: int) -> None:
        self._forms, self._characteristic = forms, characteristic
        self._rng = np.random.default_rng(seed)
        rows, columns = forms.shape
        self._ratios, room = 1 if characteristic == 2 else 2, rows + 2 * columns
        memory.require(BYTES_A_PAIR * self._ratios * (columns + room) ** 2, f"programs of a {rows} x {columns} matrix")
        self._work = make_work(rows, columns, self._ratios, room)
        self._random = self._rng.integers(0, 1 << 63, 1, dtype=np.uint64)
        self._here = self.best = _Place((), forms, self._greedy(forms))

    def move(self, temperature: float) -> None:
        """Try a list that differs in one addition."""
        there = self._undone() if self._here.added and self._rng.random() < UNDONE else self._one_more()
        if there is None:
            return
        rise = there.cost - self._here.cost
        if rise <= 0 or self._rng.random() < np.exp(-rise / temperature):
            self._here = there
        if there.cost < self.best.cost:
            self.best = there

    def _undone(self) -> _Place | None:
        gone = int(self._rng.integers(len(self._here.added)))
        added = self._here.added[:gone] + self._here.added[gone + 1 :]
        forms = self._forms
        for one in added:
            forms = self._after(forms, one)
        return self._place(added, forms)

    def _one_more(self) -> _Place | None:
        forms = self._here.forms
        onto, sign = int(self._rng.integers(forms.shape[1])), int(self._rng.choice((-1, 1)))
        sums = self._reduced(forms[:, [onto]] + sign * forms)
        gains = np.count_nonzero(forms[:, onto]) - np.count_nonzero(sums, axis=0)
        fits = (np.abs(sums).max(axis=0) <= 1) & (np.arange(forms.shape[1]) != onto)
        likely = np.flatnonzero(fits & (gains > 0))
        chosen = likely if len(likely) and self._rng.random() < LIKELY else np.flatnonzero(fits)
        if not len(chosen):
            return None
        one = Added(onto, int(self._rng.choice(chosen)), sign)
        return self._place((*self._here.added, one), self._after(forms, one))

    def _place(self, added: tuple[Added, ...], forms: NDArray[np.int8]) -> _Place | None:
        if np.abs(forms).max(initial=0) > 1:
            return None
        return _Place(added, forms, len(added) + self._greedy(forms))

    def _after(self, forms: NDArray[np.int8], one: Added) -> NDArray[np.int8]:
        changed = forms.copy()
        changed[:, one.onto] = self._reduced(forms[:, one.onto] + one.sign * forms[:, one.column])
        return changed

    def _reduced(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Residues modulo the characteristic; signed ones modulo 3."""
        p = self._characteristic
        return (values + p // 2) % p - p // 2 if p == 3 else values % p if p else values

    def _greedy(self, forms: NDArray[np.int8]) -> int:
        """The additions of a greedy program."""
        kernel, columns = compiled(), forms.shape[1]
        kernel.load(self._work, np.where(forms < 0, 2, forms).astype(np.int16), _RATIO, self._ratios)
        found = kernel.reduce(self._work, _RATIO, self._ratios, columns, GREEDY, 0.0, 0.0, self._random)
        return int(found)
