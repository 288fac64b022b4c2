"""Code from schemes: readable source in several languages, with the sums a program shares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

from bilinear.decompositions.codegen.code import Code, CodeError
from bilinear.decompositions.programs.scheme_program import SchemeProgram, require_program
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.scheme import Scheme

LANGUAGES = Registry(
    "language",
    {
        "c": "bilinear.decompositions.codegen.c:generate",
        "latex": "bilinear.decompositions.codegen.formulas:latex",
        "numpy": "bilinear.decompositions.codegen.arrays:numpy_source",
        "python": "bilinear.decompositions.codegen.python:generate",
        "sympy": "bilinear.decompositions.codegen.formulas:sympy",
        "torch": "bilinear.decompositions.codegen.arrays:torch_source",
        "triton": "bilinear.decompositions.codegen.triton:generate",
    },
)
RECURSIVE = ("c", "numpy", "python", "torch")
"""Languages whose code can recur; the others write one level."""
LARGEST_MODULUS = 3
"""Modulo larger primes no language has code."""


PARTED = ("numpy", "python", "torch")
"""Languages that have the three parts of a scheme as functions of their own."""


def generate(
    scheme: Scheme, program: SchemeProgram, language: str, levels: int = 1, source: str = "", parted: bool = False
) -> str:
    """Source code that computes the scheme's map with the program's sums.

    Args:
        scheme: Verified.
        program: Of this scheme, in its own basis.
        language: A name of `LANGUAGES`.
        levels: Of recursion, by blocks; more than one needs a `matmul`.
        source: Where the scheme comes from, for the header.
        parted: Whether the forms of x, those of y and the outputs are functions of their own.

    Raises:
        UnknownNameError: If there is no such language.
        ProgramError: If the program is of another scheme.
        CodeError: If the language or the target has no recursion, or the ring is not one the language can hold.
    """
    write = _writer(language)
    if program.basis is not None:
        raise CodeError(f"{scheme.target.short}: code is written in the scheme's own basis; give a program without one")
    if levels < 1:
        raise CodeError(f"{levels} levels of recursion; 1 or more are needed")
    if levels > 1 and language not in RECURSIVE:
        raise CodeError(f"{levels} levels in {language}: one is written; languages with more: {', '.join(RECURSIVE)}")
    if levels > 1 and scheme.target.family != "matmul":
        raise CodeError(f"{scheme.target.short}: {levels} levels of recursion need a matmul scheme")
    code = _code(scheme, program, levels, source)
    if not parted:
        return write(code)
    from bilinear.decompositions.codegen.parts import write_parts

    if language not in PARTED or levels > 1:
        raise CodeError(f"parts in {language} at {levels} levels; one level in {', '.join(PARTED)} is written")
    return write_parts(code, language)


def generate_all(scheme: Scheme, program: SchemeProgram, source: str = "") -> dict[str, str]:
    """The code of one level in every language that can hold the scheme; the arguments are those of `generate`.

    Raises:
        ProgramError: If the program is of another scheme.
        CodeError: If no language holds the ring.
    """
    code, found = _code(scheme, program, 1, source), {}
    for language in LANGUAGES.names():
        with suppress(CodeError):
            found[language] = _writer(language)(code)
    return found


def _writer(language: str) -> Callable[[Code], str]:
    return cast("Callable[[Code], str]", LANGUAGES.load(language))


def _code(scheme: Scheme, program: SchemeProgram, levels: int, source: str) -> Code:
    """What every language is given, the program compared with the scheme."""
    if scheme.ring.characteristic > LARGEST_MODULUS:
        raise CodeError(
            f"{scheme.target.short} over {scheme.ring}: code is written modulo 2 and 3, and over the integers"
        )
    require_program(program, scheme)
    return Code(scheme, program, levels, source)


__all__ = ["LANGUAGES", "PARTED", "RECURSIVE", "Code", "CodeError", "generate", "generate_all"]
