"""The Coq file of a scheme: what is claimed, the scheme itself, the proof. The laws it rests on lie beside as `*.v`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bilinear.decompositions.coq.wording import CHARACTERISTIC, INVERSE, MATMUL, TENSOR, head, proof
from bilinear.decompositions.errors import SchemeError, TooLargeError
from bilinear.decompositions.programs.program import Program, ProgramError, Term
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import FACTORS, Scheme
from bilinear.decompositions.targets import Target

MOST_TERMS = 250_000
"""Coefficients in a file: `coqc` takes about 10 KB of memory for each, and 0.2 ms."""

SIDES = "left_program", "right_program", "output_program"


def coq_source(scheme: Scheme, program: SchemeProgram | None = None) -> str:
    """A file that `coqc` accepts if and only if the scheme is right: it states the identity over every ring.

    With L the least common multiple of the denominators, the output forms are written L times, and the claim asks for a
    ring in which L has an inverse. Modulo p it asks for a ring of that characteristic.

    Args:
        scheme: Right or wrong: `coqc` decides.
        program: Of this scheme, in its own basis; then the claim is that its steps compute the map.

    Raises:
        SchemeError: If the scheme is over `qi`.
        TooLargeError: If `coqc` would not manage the file.
        ProgramError: If the program is of another scheme, in another basis, or multiplies by a fraction in a step.
    """
    if scheme.ring is Ring.QI or scheme.imag is not None:
        raise SchemeError(
            f"{scheme.target.short} over qi: the proof counts in integers; a scheme over zt, z, q or a prime is needed"
        )
    terms = sum(int(np.count_nonzero(factor)) for factor in scheme.factors)
    if terms > MOST_TERMS:
        raise TooLargeError(
            f"{scheme.target.short} of rank {scheme.rank}: {terms:,} coefficients, and coqc manages {MOST_TERMS:,}; "
            "export checker takes any size"
        )
    scale = math.lcm(*scheme.denominators.tolist())
    told = head(scheme, scale, program is not None), _file("meaning"), _file("running") if program else ""
    data = _forms(scheme, scale) if program is None else _programs(scheme, program, scale)
    claim = _claim(scheme, scale, program is not None)
    laws = (_file(name) for name in ("laws", "trees", "brent"))
    of_program = _file("programs") if program else ""
    matmul = _file("matmul") if scheme.target.family == "matmul" else ""
    return "".join((*told, data, claim, *laws, matmul, of_program, proof(scheme, scale, program is not None)))


def _file(name: str) -> str:
    return Path(__file__).with_name(f"{name}.v").read_text(encoding="ascii")


def _forms(scheme: Scheme, scale: int) -> str:
    """The products and outputs as they stand in the scheme."""
    shares = [scale // d for d in scheme.denominators.tolist()]
    outputs = zip(*([s * c for c in row] for s, row in zip(shares, scheme.w.tolist(), strict=True)), strict=True)
    return _lists(scheme.u.tolist(), scheme.v.tolist(), outputs)


def _lists(u: Sequence[Any], v: Sequence[Any], outputs: Iterable[Sequence[Any]]) -> str:
    pairs = (f"({_form(enumerate(x))}, {_form(enumerate(y))})" for x, y in zip(u, v, strict=True))
    forms = (_form(enumerate(row)) for row in outputs)
    return (
        "\nDefinition products : list (list (nat * Z) * list (nat * Z)) := "
        f"{_lines(pairs)}.\n\nDefinition outputs : list (list (nat * Z)) := {_lines(forms)}.\n"
    )


def _form(terms: Iterable[tuple[int, int]]) -> str:
    """`[1 # 0; -1 # 3]`: x 0 less x 3."""
    return f"[{'; '.join(f'{c} # {i}' for i, c in terms if c)}]"


def _lines(items: Iterable[str]) -> str:
    return "[\n  " + ";\n  ".join(items) + "\n]"


def _programs(scheme: Scheme, program: SchemeProgram, scale: int) -> str:
    """The three programs, and the forms that they compute: those of the scheme, up to signs that cancel."""
    if program.basis is not None:
        raise ProgramError(f"{scheme.target.short}: programs in another basis are not proved; give one without")
    require_program(program, scheme)
    u, v, w = program.matrices()
    forms = _lists(u.tolist(), v.tolist(), [[int(scale * c) for c in row] for row in w.T.tolist()])
    parts = zip(SIDES, FACTORS, program.programs, (1, 1, scale), strict=True)
    return forms + "".join(_program(side, f"{scheme.target.short}: {name}", part, s) for side, name, part, s in parts)


def _program(side: str, name: str, program: Program, scale: int) -> str:
    steps = (_form(_terms(f"{name}, step {n}", step, 1)) for n, step in enumerate(program.steps))
    outputs = (_form(_terms(f"{name}, output {n}", [x] if x else [], scale)) for n, x in enumerate(program.outputs))
    return (
        f"\nDefinition {side} : Program := {{|\n inputs := {program.inputs};\n steps := {_lines(steps)};\n"
        f" results := {_lines(outputs)}\n|}}.\n"
    )


def _terms(thing: str, terms: Iterable[Term], scale: int) -> Iterable[tuple[int, int]]:
    for place, constant in terms:
        found = Fraction(constant) * scale
        if found.denominator != 1:
            raise ProgramError(
                f"program of {thing}: multiplies by {constant}; steps of integers are proved: export the scheme alone"
            )
        yield place, int(found)


def _claim(scheme: Scheme, scale: int, of_program: bool) -> str:
    """The definition of the claim; of a map that is no matrix product, with its tensor."""
    target, p = scheme.target, scheme.ring.characteristic
    conditions = (CHARACTERISTIC.format(p=p) if p else "") + (INVERSE.format(scale=scale) if scale > 1 else "")
    found = "run output_program (fun q => run left_program {x} q * run right_program {y} q)"
    found = found if of_program else "output products outputs {x} {y}"
    share = "inverse * " if scale > 1 else ""
    rank = f"{'inputs output_program' if of_program else 'length products'} = {scheme.rank}%nat"
    if target.family == "matmul":
        n, m, width = target.sizes
        found = share + found.format(x=f"(row_by_row {m} A)", y=f"(row_by_row {width} B)")
        return MATMUL.format(rank=rank, conditions=conditions, n=n, m=m, p=width, found=found)
    found = share + found.format(x="x", y="y")
    return TENSOR.format(tensor=_tensor(target), rank=rank, conditions=conditions, count=target.shape[2], found=found)


def _tensor(target: Target) -> str:
    """For each output the entries `(i, j, c)` of its bilinear form."""
    entries: list[list[str]] = [[] for _ in range(target.shape[2])]
    indices: Any = target.indices.tolist()
    for (i, j, k), value in zip(indices, target.values.tolist(), strict=True):
        entries[k].append(f"({i}%nat, {j}%nat, ({value})%Z)")
    return _lines(f"[{'; '.join(row)}]" for row in entries)
