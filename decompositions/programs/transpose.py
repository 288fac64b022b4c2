"""The transposition principle: a program for a matrix, read backwards, is one for its transpose."""

from __future__ import annotations

from bilinear.decompositions.programs.program import Draft, Program, Term


def transposed(program: Program) -> Program:
    """The program of the transposed matrix.

    Every use of a value becomes a contribution to it. If no input goes unused and no output is 0, additions change by
    outputs - inputs: rows less columns of the matrix.

    Source:
        A. Fiduccia, "On the algebraic complexity of matrix multiplication", 1973; known as Tellegen's principle.
    """
    draft = Draft(max(len(program.outputs), 1), program.characteristic)
    uses: list[list[Term]] = [[] for _ in range(program.inputs + len(program.steps))]
    for place, output in enumerate(program.outputs):
        if output is not None:
            uses[output.place].append(Term(place, output.scale))
    for place in reversed(range(len(program.steps))):
        gathered = draft.total(uses[program.inputs + place])
        if gathered is not None:
            for index, scale in program.steps[place]:
                uses[index].append(gathered.times(scale))
    return draft.program([draft.total(uses[place]) for place in range(program.inputs)])
