"""The three programs of one scheme, made shorter by and by."""

from __future__ import annotations

from dataclasses import dataclass, field

from bilinear.decompositions.programs.chains import Chain
from bilinear.decompositions.programs.coefficients import Matrix
from bilinear.decompositions.programs.columns import prepared
from bilinear.decompositions.programs.eliminate import Search, Strategy
from bilinear.decompositions.programs.program import Program, ProgramError
from bilinear.decompositions.programs.scheme_program import SchemeProgram, matrices, settled
from bilinear.decompositions.scheme import Scheme

FEWEST_GREEDY, MOST_GREEDY = 60, 200  # greedy chains, from the best of which a search may begin


@dataclass
class Shortening:
    """The searches for the three programs of one scheme.

    Attributes:
        scheme: Whose programs.
        seed: Of the searches.
        matrices: U, V and W^T.
        best: The shortest programs so far.
    """

    scheme: Scheme
    seed: int
    matrices: list[Matrix] = field(init=False)
    best: list[Program] = field(init=False, default_factory=list)
    _searches: list[Search] = field(init=False)
    _chains: list[Chain | None] = field(init=False, default_factory=lambda: [None] * 3)

    def __post_init__(self) -> None:
        u, v, w = matrices(self.scheme)
        self.matrices = [u, v, w.T]
        self._searches = [Search(matrix, self.scheme.ring.characteristic, self.seed) for matrix in self.matrices]

    def share(self, strategy: Strategy) -> SchemeProgram:
        """Share more sums."""
        for search in self._searches:
            search.go_on(strategy)
        found = [search.program for search in self._searches]
        self.best = list(map(_shorter, self.best, found)) if self.best else found
        return self.settled

    def prepare(self, strategy: Strategy, moves: int) -> SchemeProgram:
        """Try programs that first add inputs to inputs."""
        self.seed += 1
        p = self.scheme.ring.characteristic
        for k, matrix in enumerate(self.matrices):
            found = prepared(matrix, p, strategy, self.seed, moves)
            self.best[k] = self.best[k] if found is None else _shorter(self.best[k], found)
        return self.settled

    def chain(self, tries: int) -> SchemeProgram:
        """Go on with addition chains of the programs, where they have any."""
        for k, program in enumerate(self.best):
            chain = self._chains[k]
            if chain is None or program.operations.additions < chain.program.operations.additions:
                chain = self._chains[k] = _begun(program, self.seed + k, min(max(tries, FEWEST_GREEDY), MOST_GREEDY))
            if chain is not None:
                chain.go_on(tries)
                self.best[k] = _shorter(program, chain.program)
        return self.settled

    @property
    def settled(self) -> SchemeProgram:
        """The program that they make."""
        u, v, w = self.best
        return settled(u, v, w)


def _begun(program: Program, seed: int, times: int) -> Chain | None:
    """A chain that begins with a program, or with a greedy one; None if the program has none."""
    try:
        chain = Chain(program, seed)
    except ProgramError:
        return None
    chain.begin_greedily(times)
    return chain


def _shorter(known: Program, found: Program) -> Program:
    return found if found.operations < known.operations else known
