"""Shortest programs: all chains of fewer helpers are looked at; where none makes the forms, no program is shorter."""

from __future__ import annotations

from dataclasses import dataclass

from bilinear.decompositions.programs.chain_kernel import FOUND, NODES, NONE, VALUES, compiled
from bilinear.decompositions.programs.chains import Forms, has_words, signed_matrix, work_for
from bilinear.decompositions.programs.program import Program, ProgramError
from bilinear.decompositions.programs.transpose import transposed


@dataclass(frozen=True)
class Proof:
    """That no program of these forms has fewer additions and subtractions of two values; signs are free.

    Attributes:
        additions: Of the shortest program.
        helpers: Values of it that are no forms (of the transposed matrix where that has fewer columns).
        nodes: Helpers that were looked at to see that fewer do not do; the same in every run.
    """

    additions: int
    helpers: int
    nodes: int


class Exhaustion:
    """A search for the shortest program of some forms, by slices: with no helper, with one, with two, ...

    Every program of the forms is one of their words, and all of those are looked at: so a proof needs no trust in the
    words being different, and a program that is found is run on symbols.

    Attributes:
        program: The shortest so far.
        proof: That it is the shortest; None before the search completes.
        nodes: Helpers looked at, also in the search that ends with a program.
    """

    def __init__(self, program: Program, seed: int = 0) -> None:
        """Begin with a program of the forms; one with more inputs than outputs is transposed.

        Raises:
            ProgramError: If coefficients are none of -1, 0 and 1, there are too many inputs, or, where it is
                transposed, if a form is 0 or an input is unused.
            TooLargeError: If the search would not fit into memory.
        """
        self.program, self.nodes, self._level = program, 0, 0
        self.proof: Proof | None = None
        self._turned = program.inputs > len(program.outputs)
        matrix = signed_matrix(program).T if self._turned else signed_matrix(program)
        if not has_words(matrix, program.characteristic):
            raise ProgramError("shortest programs are looked for where coefficients are -1, 0 and 1")
        if self._turned and not (matrix.any(axis=0).all() and matrix.any(axis=1).all()):
            raise ProgramError("a form is 0 or an input is unused: the transposed program tells nothing")
        self._forms = Forms(matrix, program.characteristic, seed)
        self._targets = len(self._forms.targets)
        self._shift = len(matrix) - matrix.shape[1] if self._turned else 0
        self._most = program.operations.additions - self._shift - self._targets
        self._helpers, self._work = 0, work_for(self._forms, 0, max(self._most, 1))
        self._begin()

    @property
    def helpers(self) -> int:
        """How many helpers the chains have that are looked at now."""
        return self._helpers

    def _begin(self) -> None:
        forms = self._forms
        compiled().begin(self._work, forms.inputs, forms.rows, max(self._most, 1), forms.characteristic)
        self._settle()

    def _settle(self) -> None:
        """What the program at hand has is enough to look below."""
        if self._helpers >= self._most:
            self.proof = Proof(self.program.operations.additions, self._most, self._level)

    def advance(self, nodes: int) -> None:
        """Look at so many helpers, or fewer where that settles it."""
        if self.proof is not None:
            return
        before = int(self._work.numbers[NODES])
        found = compiled().advance(self._work, self._helpers, nodes, self._forms.characteristic)
        self.nodes += int(self._work.numbers[NODES]) - before
        if found == FOUND:
            self._take(self._work.values[len(self._forms.inputs) : self._work.numbers[VALUES]].tolist())
        elif found == NONE:
            self._helpers += 1
            self._level = self.nodes
            compiled().again(self._work)
            self._settle()

    def _take(self, words: list[int]) -> None:
        program = self._forms.program(words)
        if program is None:
            raise ProgramError("two forms have one word; another seed is needed")
        self.program, self._most = (transposed(program) if self._turned else program), self._helpers
        self.proof = Proof(self.program.operations.additions, self._helpers, self._level)
