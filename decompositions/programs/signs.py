"""Signs pushed through programs, so that as few values as possible are negated by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from bilinear.decompositions.programs.program import Program, Step, Term


def flipped(program: Program, signs: Sequence[int]) -> Program:
    """The program for inputs of which some come with their signs changed, the forms staying what they were.

    Args:
        program: Of any characteristic.
        signs: 1 or -1, one an input.
    """
    held, steps = list(signs), list[Step]()
    for step in program.steps:
        terms = [Term(index, scale * held[index]) for index, scale in step]
        sign = 1 if any(term.scale > 0 for term in terms) else -1
        terms = sorted((Term(index, scale * sign) for index, scale in terms), key=lambda term: term.scale < 0)
        steps.append(tuple(terms))
        held.append(sign)
    outputs = [None if x is None else Term(x.place, x.scale * held[x.place]) for x in program.outputs]
    return Program(program.inputs, tuple(steps), tuple(outputs), program.characteristic)


def positive(program: Program) -> tuple[Program, list[int]]:
    """The program with positive constants at its outputs, and the signs that were there."""
    signs = [-1 if output is not None and output.scale < 0 else 1 for output in program.outputs]
    outputs = [None if x is None else Term(x.place, abs(x.scale)) for x in program.outputs]
    return Program(program.inputs, program.steps, tuple(outputs), program.characteristic), signs
