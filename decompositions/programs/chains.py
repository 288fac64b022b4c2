"""Programs as addition chains: the forms and a few helpers, which are searched for; sums may cancel in any way.

The cost of a chain is the number of its values that are no inputs. Each form that is neither 0, an input nor one of the
others up to sign is one of them, in any program; what can be saved are the helpers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.programs.chain_kernel import LEFT, VALUES, Work, compiled, make_work, sizes
from bilinear.decompositions.programs.coefficients import Matrix
from bilinear.decompositions.programs.program import Program, ProgramError, Step, Term
from bilinear.decompositions.programs.transpose import transposed

BYTES_A_WORD, BYTES_A_CHANGE = 4 * 18 + 4, 5
"""Memory of a search; its table of words has up to four places for each."""

MOST_INPUTS = {0: 4096, 2: 64, 3: 32}
"""By characteristic: what a word of 64 bits tells apart."""

DROPPED = 3  # helpers that are taken out at once
LEAST_VALUES = 40
LOOKED_AT = 80_000  # helpers that a search for others looks at, times the values that are there


def word_keys(inputs: int, characteristic: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """The words of the inputs; sums of them are the words of the forms."""
    if characteristic == 0:
        return rng.integers(0, 1 << 63, inputs, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return np.uint64(1) << np.arange(inputs, dtype=np.uint64)


def has_words(matrix: Matrix, characteristic: int) -> bool:
    """Whether chains of the forms `matrix @ x` can be searched: -1, 0 and 1 alone, and not too many inputs."""
    few = 0 < matrix.shape[1] <= MOST_INPUTS[characteristic]
    return few and bool(np.isin(matrix, (0, 1) if characteristic == 2 else (-1, 0, 1)).all())


def signed_matrix(program: Program) -> Matrix:
    """The forms of a program, shape (outputs, inputs); residues modulo 3 as -1, 0, 1."""
    matrix = program.matrix()
    return (matrix + 1) % 3 - 1 if program.characteristic == 3 else matrix


class Forms:
    """Linear forms as words.

    Attributes:
        matrix: Coefficients -1, 0, 1, shape (forms, inputs).
        characteristic: 0, 2 or 3.
        inputs: uint64, their words, upright.
        rows: uint64, the words of the forms, upright.
    """

    def __init__(self, matrix: Matrix, characteristic: int, seed: int) -> None:
        self.matrix, self.characteristic = matrix.astype(np.int64), characteristic
        self._keys = word_keys(matrix.shape[1], characteristic, np.random.default_rng(seed))
        self.inputs = np.array([self._upright(int(key)) for key in self._keys], np.uint64)
        self.rows = np.array([self._upright(self.word(row)) for row in self.matrix.tolist()], np.uint64)

    @property
    def targets(self) -> list[int]:
        """Words of the forms that take an addition in any program."""
        return sorted(set(self.rows.tolist()) - set(self.inputs.tolist()) - {0})

    def word(self, row: Sequence[int]) -> int:
        """The word of a form."""
        word = 0
        for coefficient, key in zip(row, self._keys.tolist(), strict=True):
            if coefficient:
                word = self.plus(word, key if coefficient > 0 else self.negative(key))
        return word

    def words(self, program: Program) -> list[int] | None:
        """Upright words of the steps of a program; None if one multiplies by another constant than 1 and -1."""
        values = self._keys.tolist()
        for step in program.steps:
            if any(abs(term.scale) != 1 for term in step):
                return None
            terms = [values[place] if scale > 0 else self.negative(values[place]) for place, scale in step]
            values.append(terms[0] if len(terms) == 1 else self.plus(*terms))
        return [self._upright(word) for word in values[program.inputs :]]

    def program(self, held: Sequence[int]) -> Program | None:
        """The program that makes these values, each a sum of two; None if they are none, or not those of the forms."""
        values, missing, steps = self._keys.tolist(), set(held), list[Step]()
        one, place = Fraction(1), 0
        while place < len(values):
            for other in range(place + 1):
                for sign in (1, -1):
                    term = values[place] if sign > 0 else self.negative(values[place])
                    word = self.plus(values[other], term)
                    if self._upright(word) in missing:
                        missing.discard(self._upright(word))
                        values.append(word)
                        scale = one if self.characteristic == 2 else one * sign
                        steps.append((Term(other, one), Term(place, scale)))
            place += 1
        places = {self._upright(word): (k, word) for k, word in enumerate(values)}
        if missing or not all(word == 0 or word in places for word in self.rows.tolist()):
            return None
        outputs = [self._output(self.word(row), places) for row in self.matrix.tolist()]
        program = Program(len(self._keys), tuple(steps), tuple(outputs), self.characteristic)
        return program if self._is_right(program) else None

    def plus(self, x: int, y: int) -> int:
        """The word of a sum."""
        if self.characteristic == 0:
            return (x + y) % (1 << 64)
        return x ^ y if self.characteristic == 2 else int(compiled().plus(np.uint64(x), np.uint64(y), 3))

    def negative(self, x: int) -> int:
        """The word with its sign changed."""
        if self.characteristic == 0:
            return -x % (1 << 64)
        return x if self.characteristic == 2 else int(compiled().negative(np.uint64(x), 3))

    def _upright(self, word: int) -> int:
        return min(word, self.negative(word))

    def _output(self, word: int, places: dict[int, tuple[int, int]]) -> Term | None:
        if word == 0:
            return None
        place, made = places[self._upright(word)]
        return Term(place, Fraction(1 if made == word else -1))

    def _is_right(self, program: Program) -> bool:
        difference = program.matrix() - self.matrix
        return not np.any(difference % self.characteristic if self.characteristic else difference)


class Chain:
    """A program that becomes shorter: helpers are taken out, and fewer that do their work, or others, looked for."""

    def __init__(self, program: Program, seed: int) -> None:
        """Begin with a program; one with more inputs than outputs is transposed first.

        Raises:
            ProgramError: If it has other coefficients than -1, 0 and 1, other constants, or too many inputs.
            TooLargeError: If the search would not fit into memory.
        """
        self._given, self._turned = program, program.inputs > len(program.outputs)
        self._best = transposed(program) if self._turned else program
        matrix = signed_matrix(self._best)
        if not has_words(matrix, program.characteristic):
            raise ProgramError("chains are of forms with coefficients -1, 0 and 1")
        self._forms = Forms(matrix, program.characteristic, seed)
        self._random = np.random.default_rng(seed).integers(0, 1 << 63, 1, dtype=np.uint64)
        words = self._forms.words(self._best)
        if words is None:
            raise ProgramError("chains are of additions and subtractions alone")
        self._work = work_for(self._forms, len(set(words)))
        self._hold(words)

    def _hold(self, words: Sequence[int]) -> None:
        """Take these values for the shortest chain so far."""
        targets, room = self._forms.targets, len(self._work.values) - len(self._forms.inputs)
        helpers = sorted(set(words) - set(targets) - set(self._forms.inputs.tolist()) - {0})
        self._held, self._count, self._targets = np.zeros(room, np.uint64), len(targets) + len(helpers), len(targets)
        self._held[: self._count] = [*targets, *helpers]

    @property
    def program(self) -> Program:
        """The shortest program so far."""
        if self._count < self._best.operations.additions:
            found = self._forms.program(self._held[: self._count].tolist())
            if found is None:  # two forms have one word: of 2^64, so never
                return self._given
            self._best = found
        program = transposed(self._best) if self._turned else self._best
        return program if program.operations.additions < self._given.operations.additions else self._given

    def begin_greedily(self, times: int) -> None:
        """Begin with chains that always take the helper which makes most forms, where they are as short."""
        forms, kernel, work = self._forms, compiled(), self._work
        rows = np.array(forms.targets, np.uint64)
        for _ in range(times):
            most = self._count - self._targets
            kernel.begin(work, forms.inputs, rows, most, forms.characteristic)
            length = kernel.greedy(work, most, self._random, forms.characteristic)
            if work.numbers[LEFT] == 0 and length <= self._count:
                self._hold(work.values[: work.numbers[VALUES]].tolist())

    def go_on(self, tries: int) -> None:
        """Take out helpers so many times."""
        self._count = compiled().trim(
            self._work,
            self._forms.inputs,
            self._held,
            self._count,
            self._targets,
            tries,
            DROPPED,
            LOOKED_AT // max(self._count, LEAST_VALUES),
            self._random,
            self._forms.characteristic,
        )


def work_for(forms: Forms, values: int, helpers: int = DROPPED) -> Work:
    """Memory for searches of so many helpers beside so many values, or all forms, that are made anyway.

    Raises:
        TooLargeError: If there is not so much.
    """
    targets = max(values, len(forms.rows))
    held, words, changes = sizes(len(forms.inputs), targets, helpers)
    memory.require(BYTES_A_WORD * words + BYTES_A_CHANGE * changes, f"addition chains of {held} values")
    return make_work(len(forms.inputs), targets, helpers)


def shortened(program: Program, tries: int, seed: int = 0) -> Program:
    """The program, or a shorter one that a chain comes to; programs with other constants stay as they are."""
    try:
        chain = Chain(program, seed)
    except ProgramError:
        return program
    chain.go_on(tries)
    return chain.program
