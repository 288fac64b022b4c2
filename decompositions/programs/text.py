"""Programs as JSON: an attachment of a catalog entry, or a file of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from bilinear.decompositions import memory
from bilinear.decompositions.programs.program import Program, ProgramError, Step, Term
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program
from bilinear.decompositions.scheme import FACTORS, Scheme

FORMAT_VERSION = 1
ATTACHMENT = "program.json"
BASIS_ATTACHMENT = "program-basis.json"
"""Names under which a catalog keeps the best program of an entry, and the best in an alternative basis."""

MAX_FILE = 64 * 10**6
MAX_VALUES = 1 << 16
_CONSTANT = re.compile(r"[+-]?[0-9]+(?:/[0-9]+)?", re.ASCII)
"""No decimals: an exponent of nine digits is a number of a gigabyte."""

BYTES_A_BYTE = 40
"""Memory that parsing takes for each byte of text, at most."""


def dumps(program: SchemeProgram) -> bytes:
    """The program, the same bytes for the same program, one step a line.

    A term is `[index, constant]`, the constant an integer or a text `"p/q"`; a step has one term or two; an output is a
    term, or null for the form 0.
    """
    parts = dict(zip(FACTORS, program.programs, strict=True))
    if program.basis is not None:
        parts |= dict(zip(("x", "y", "z"), program.basis, strict=True))
    lines = [f'"format_version":{FORMAT_VERSION}', '"kind":"program"', f'"characteristic":{program.u.characteristic}']
    lines += [f'"{name}":{_written(part)}' for name, part in parts.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _written(program: Program) -> str:
    steps = ",\n".join(json.dumps([_term(term) for term in step], separators=(",", ":")) for step in program.steps)
    outputs = json.dumps([None if x is None else _term(x) for x in program.outputs], separators=(",", ":"))
    return f'{{"inputs":{program.inputs},"outputs":{outputs},"steps":[\n{steps}]}}'


def _term(term: Term) -> list[int | str]:
    return [term.place, int(term.scale) if term.scale.denominator == 1 else str(term.scale)]


def loads(data: bytes, source: str, scheme: Scheme) -> SchemeProgram:
    """The program in these bytes, run on symbols and compared with the scheme.

    Args:
        data: What `dumps` wrote.
        source: Where it comes from, as the error names it.
        scheme: What it must compute, product by product.

    Raises:
        ProgramError: One line, `SOURCE: thing: fact; need`.
        TooLargeError: If reading or running it would not fit into memory.
    """
    try:
        program = _program(_parsed(data))
        require_program(program, scheme)
    except ProgramError as error:
        raise ProgramError(f"{source}: {error}") from None
    return program


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FILE:
        raise ProgramError(f"{memory.human(len(data))}; a program has at most {memory.human(MAX_FILE)}")
    memory.require(BYTES_A_BYTE * len(data), "reading a program")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"no JSON: {str(error)[:80]}; a program is a JSON object") from None
    if not isinstance(document, dict) or document.get("kind") != "program":
        raise ProgramError("no program; a JSON object with kind 'program' is needed")
    if document.get("format_version") != FORMAT_VERSION:
        raise ProgramError(f"format_version {str(document.get('format_version'))[:20]}; {FORMAT_VERSION} is needed")
    return document


def _program(document: dict[str, Any]) -> SchemeProgram:
    characteristic = _count("characteristic", document.get("characteristic"))
    u, v, w = (_part(name, document.get(name), characteristic) for name in FACTORS)
    if not {"x", "y", "z"} & document.keys():
        return SchemeProgram(u, v, w)
    x, y, z = (_part(name, document.get(name), characteristic) for name in "xyz")
    return SchemeProgram(u, v, w, (x, y, z))


def _part(name: str, part: Any, characteristic: int) -> Program:
    if not isinstance(part, dict) or not {"inputs", "outputs", "steps"} <= part.keys():
        raise ProgramError(f"{name}: an object with inputs, outputs and steps is needed")
    inputs = _count(f"{name}.inputs", part["inputs"])
    steps = tuple(_step(f"{name}.steps[{k}]", step) for k, step in enumerate(_list(f"{name}.steps", part["steps"])))
    outputs = [
        None if output is None else _read_term(f"{name}.outputs[{k}]", output)
        for k, output in enumerate(_list(f"{name}.outputs", part["outputs"]))
    ]
    try:
        return Program(inputs, steps, tuple(outputs), characteristic)
    except ProgramError as error:
        raise ProgramError(f"{name}: {error}") from None


def _step(thing: str, step: Any) -> Step:
    return tuple(_read_term(thing, term) for term in _list(thing, step))


def _read_term(thing: str, term: Any) -> Term:
    if not isinstance(term, list) or len(term) != 2:
        raise ProgramError(f"{thing}: {str(term)[:40]} is no term; [index, constant] is needed")
    index, scale = term
    whole = isinstance(scale, int) and not isinstance(scale, bool)
    if not whole and not (isinstance(scale, str) and len(scale) < 2000 and _CONSTANT.fullmatch(scale)):
        raise ProgramError(f"{thing}: constant {str(scale)[:40]}; an integer or a text 'p/q' is needed")
    try:
        return Term(_count(thing, index), Fraction(scale))
    except ZeroDivisionError:
        raise ProgramError(f"{thing}: constant {str(scale)[:40]!r}; an integer or a text 'p/q' is needed") from None


def _count(thing: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_VALUES:
        raise ProgramError(f"{thing}: {str(value)[:40]}; a number from 0 to {MAX_VALUES} is needed")
    return value


def _list(thing: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ProgramError(f"{thing}: {str(value)[:40]}; a list is needed")
    return value
