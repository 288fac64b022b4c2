"""Source in three parts: the forms of x, those of y, and the outputs from their products; a filter is y, made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from bilinear.decompositions.codegen.code import Code, CodeError, Forms, forms
from bilinear.decompositions.codegen.python import lines_of
from bilinear.decompositions.evaluation.filtering import data_and_output_programs, is_filter
from bilinear.decompositions.rings import Ring

NAMES = ("forms_of_x", "forms_of_y", "outputs")
OF_FILTERS = ("input_transform", "filter_transform", "output_transform")

IMPORTS = {"python": "", "numpy": "import numpy as np\n\n\n", "torch": "import torch\n\n\n"}
STACKS = {"python": "[{}]", "numpy": "np.stack([{}])", "torch": "torch.stack([{}])"}


def write_parts(code: Code, language: str) -> str:
    """A module with the three functions; each takes and gives values with their coordinates along the first axis.

    Those of a filter (`correlation:MxR`) are named as such, and nothing but the filter is divided.

    Args:
        code: Of one level.
        language: `python`, `numpy` or `torch`.

    Raises:
        CodeError: Over `f2` and `f3`.
    """
    if code.scheme.ring in (Ring.F2, Ring.F3):
        raise CodeError(f"{code.scheme.target.short} over {code.scheme.ring}: parts are written in characteristic 0")
    left, right, output, names = code.left, code.right, code.output, NAMES
    if is_filter(code.scheme):
        (into, out), names = data_and_output_programs(code.scheme), OF_FILTERS
        pairs = zip(code.program.v.outputs, code.scheme.denominators, strict=True)
        scaled = tuple(None if term is None else term.times(Fraction(1, int(d))) for term, d in pairs)
        left, output = forms(into, code.names[0], "r"), forms(out, code.products, "t")
        right = forms(replace(code.program.v, outputs=scaled), code.names[1], "s")
    products = [f"p{q + 1}" for q in range(code.scheme.rank)]
    parts = [
        _function(code, language, names[0], "x", (code.names[0], products), left),
        _function(code, language, names[1], "y", (code.names[1], products), right),
        _function(code, language, names[2], "m", (code.products, code.names[2]), output),
    ]
    multiply = f"outputs = {names[2]}({names[0]}(x) * {names[1]}(y))" if language != "python" else ""
    head = "\n".join([*code.header(), *([multiply] if multiply else [])])
    return f'"""{head}\n"""\n\n{IMPORTS[language]}' + "\n\n".join(parts)


def _function(
    code: Code, language: str, name: str, given: str, sides: tuple[Sequence[str], Sequence[str]], form: Forms
) -> str:
    inputs, outputs = sides
    lines = [f"{', '.join(inputs)}{',' * (len(inputs) == 1)} = {given}", *lines_of(code, form, tuple(outputs))]
    lines.append(f"return {STACKS[language].format(', '.join(outputs))}")
    body = "\n".join(f"    {line}" for line in lines)
    return f'def {name}({given}):\n    """{len(inputs)} values to {len(outputs)}."""\n{body}\n'
