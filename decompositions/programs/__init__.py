"""Straight-line programs of schemes: shared sums, transposition, alternative bases, execution on symbols."""

from bilinear.decompositions.programs.eliminate import GREEDY, MIXED, Strategy, plain, shorten
from bilinear.decompositions.programs.program import Operations, Program, ProgramError, Term
from bilinear.decompositions.programs.scheme_program import SchemeProgram, plain_program, require_program, short_program
from bilinear.decompositions.programs.transpose import transposed

__all__ = [
    "GREEDY",
    "MIXED",
    "Operations",
    "Program",
    "ProgramError",
    "SchemeProgram",
    "Strategy",
    "Term",
    "plain",
    "plain_program",
    "require_program",
    "short_program",
    "shorten",
    "transposed",
]
