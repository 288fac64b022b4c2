"""Programs with few additions: sums that several forms share are computed once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.programs.coefficients import Codes, Matrix, coded
from bilinear.decompositions.programs.kernel import compiled, make_work
from bilinear.decompositions.programs.program import Draft, Program, ProgramError, Term
from bilinear.decompositions.programs.transpose import transposed

NONE_YET = 1 << 40  # additions of no program
BYTES_A_PAIR = 2 + 3 * 4
MOST_PAIRS = (1 << 31) - 1  # their numbers are int32


@dataclass(frozen=True)
class Strategy:
    """How pairs of terms are chosen, and how often the choice is made anew.

    Attributes:
        rounds: Programs that are made; each begins with a part of the steps of the best so far.
        dropped: Highest share of steps that a round forgets.
        foresight: The chance that a round weighs what a choice leaves possible.
        alpha: Highest weight of that, against the additions saved at once.
        mix: Highest chance, in every other round, that a step is drawn by weight instead.

    Source:
        T. Martensson, P. S. Wagner, "The number of the beast: reducing additions in fast matrix multiplication
        algorithms", eprint 2024/2063, for the potential; we add the forgetting of steps.
    """

    rounds: int = 200
    dropped: float = 0.5
    foresight: float = 0.2
    alpha: float = 0.5
    mix: float = 0.3


MIXED = Strategy()
GREEDY = Strategy(rounds=1, foresight=0.0, mix=0.0)


def plain(matrix: Matrix, characteristic: int = 0) -> Program:
    """The program that adds the terms of every form by themselves, nothing shared."""
    draft = Draft(matrix.shape[1], characteristic)
    rows = [{k: Fraction(x) for k, x in enumerate(row) if x} for row in matrix.tolist()]
    return draft.program([draft.total(Term(k, c) for k, c in row.items()) for row in rows])


def shorten(matrix: Matrix, characteristic: int = 0, strategy: Strategy = MIXED, seed: int = 0) -> Program:
    """A program with few additions for the forms `matrix @ x`.

    Whichever of the matrix and its transpose has fewer columns is searched; by the transposition principle a program of
    one gives a program of the other.

    Args:
        matrix: Exact coefficients, shape (forms, inputs); 0 and 1 over `f2`, signed residues over `f3`.
        characteristic: 0, 2 or 3.
        strategy: How to search.
        seed: Same seed, same program.

    Raises:
        ProgramError: If the coefficients are too different from one another to be counted.
        TooLargeError: If the counts would not fit into memory.
    """
    search = Search(matrix, characteristic, seed)
    search.go_on(strategy)
    return search.program


class Search:
    """A search for a short program that can be gone on with.

    Attributes:
        additions: Of the best program so far, of the matrix as it was given.
    """

    def __init__(self, matrix: Matrix, characteristic: int = 0, seed: int = 0) -> None:
        self.characteristic = characteristic
        self._turned = matrix.shape[1] > matrix.shape[0]
        self._codes: Codes = coded(matrix.T if self._turned else matrix)
        rows, columns = self._codes.matrix.shape
        terms = int((self._codes.matrix != 0).sum())
        ratios, room = max(len(self._codes.quotients), 1), max(min(terms // 2, rows + 2 * columns), 1)
        pairs, work = ratios * (columns + room) ** 2, f"sharing sums of a {rows} x {columns} matrix"
        memory.require(BYTES_A_PAIR * pairs, work)
        if pairs > MOST_PAIRS:
            raise ProgramError(f"{work} with {ratios} quotients counts {pairs:.0e} pairs; at most {MOST_PAIRS:.0e}")
        self._work = make_work(rows, columns, ratios, room)
        self._steps = np.zeros((room, 3), np.int32)
        self._count, self._best = 0, NONE_YET
        self._random = np.random.default_rng(seed).integers(0, 1 << 63, 1, dtype=np.uint64)

    @property
    def additions(self) -> int:
        """Of the best program so far."""
        return self.program.operations.additions

    def go_on(self, strategy: Strategy) -> None:
        """Make the strategy's rounds."""
        codes = self._codes
        self._count, self._best = compiled().search(
            self._work,
            codes.matrix,
            codes.ratio,
            max(len(codes.quotients), 1),
            strategy.rounds,
            strategy.dropped,
            strategy.foresight,
            strategy.alpha,
            strategy.mix,
            self._steps,
            self._random,
            self._count,
            self._best,
        )

    @property
    def program(self) -> Program:
        """The best program so far."""
        program = _program(self._codes, self._steps[: self._count], self.characteristic)
        return transposed(program) if self._turned else program


def _program(codes: Codes, steps: NDArray[np.int32], characteristic: int) -> Program:
    """The program in which each step names a shared sum of two terms."""
    rows, columns = _coefficients(codes), codes.matrix.shape[1]
    draft = Draft(columns, characteristic)
    made = [Term(column, Fraction(1)) for column in range(columns)]
    for i, j, r in steps.tolist():
        quotient, new = codes.quotients[r], len(made)
        value = draft.total([made[i], made[j].times(quotient)])
        assert value is not None
        made.append(value)
        for row in rows:
            if i in row and j in row and row[j] == quotient * row[i]:
                row[new] = row.pop(i)
                del row[j]
    return draft.program([draft.total(made[k].times(c) for k, c in row.items()) for row in rows])


def _coefficients(codes: Codes) -> list[dict[int, Fraction]]:
    """The nonzero coefficients of every row, by column."""
    return [{k: codes.values[c] for k, c in enumerate(row) if c} for row in codes.matrix.tolist()]
