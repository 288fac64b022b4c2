"""Formulas: LaTeX to typeset, and a SymPy script that proves them."""

from __future__ import annotations

import re
from fractions import Fraction

from bilinear.decompositions.codegen.code import Code, Sum, written
from bilinear.decompositions.codegen.python import lines_of, product_lines

_INDEXED = re.compile(r"([a-z]+)_?(.+)")
_DIVISION = re.compile(r"([a-z]\w*) / (\d+)")


def latex(code: Code) -> str:
    """An `align*` environment (of amsmath), a line each for shared sums, products and outputs."""
    lines = [(name, _latex(code, value)) for form in (code.left, code.right) for name, value in form.shared]
    for name, x, y in zip(code.products, code.left.outputs, code.right.outputs, strict=True):
        lines.append((name, r" \cdot ".join(_bracketed(_latex(code, value)) for value in (x, y))))
    lines += [(name, _latex(code, value)) for name, value in code.output.shared]
    lines += [(name, _latex(code, value)) for name, value in zip(code.names[2], code.output.outputs, strict=True)]
    body = " \\\\\n".join(f"  {_symbol(name)} &= {value}" for name, value in lines)
    head = "\n".join(f"% {line}" for line in code.header())
    return f"{head}\n\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def _latex(code: Code, value: Sum) -> str:
    named = tuple(part._replace(name=_symbol(part.name)) for part in value)
    return written(named, _scaled, code.is_binary).replace("^", r"\oplus")


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)" if " " in text or text.startswith("-") else text


def _symbol(name: str) -> str:
    """`a_{11}` for a11."""
    found = _INDEXED.fullmatch(name)
    return name if found is None else f"{found[1]}_{{{found[2].replace('_', ',')}}}"


def _scaled(name: str, scale: Fraction) -> str:
    if scale.denominator == 1:
        return f"{scale} {name}"
    return rf"\tfrac{{{scale.numerator}}}{{{scale.denominator}}} {name}"


def sympy(code: Code) -> str:
    """A script that expands every output and compares it with the map; exit code 1 if one differs."""
    left, right, out = code.names
    lines = [*lines_of(code, code.left), *lines_of(code, code.right), *product_lines(code)]
    lines += lines_of(code, code.output, out)
    exact = "\n".join(_DIVISION.sub(r"\1 * sympy.Rational(1, \2)", line) for line in lines)
    if code.is_binary:
        exact = exact.replace("^", "+").replace("&", "*")
    return _SYMPY.format(
        head="\n".join(code.header()),
        left=", ".join(left) + "," * (len(left) == 1),
        right=", ".join(right) + "," * (len(right) == 1),
        lines=exact,
        outputs="\n".join(f"    ({name}, {_wanted(code, k)})," for k, name in enumerate(out)),
        modulus=code.scheme.ring.characteristic,
    )


def _wanted(code: Code, output: int) -> str:
    """The output by definition of the target."""
    target = code.scheme.target
    terms = [
        (code.names[0][i], code.names[1][j], value)
        for (i, j, k), value in zip(target.indices.tolist(), target.values.tolist(), strict=True)
        if k == output
    ]
    return " + ".join(f"{x} * {y}" if value == 1 else f"({value}) * {x} * {y}" for x, y, value in terms) or "0"


_SYMPY = '''"""{head}

Run it: it expands every output, compares it with the map, and ends with exit code 1 if one is wrong.
"""

import sys

import sympy

x = {left} = sympy.symbols("{left}", seq=True)
y = {right} = sympy.symbols("{right}", seq=True)

{lines}

pairs = [  # as computed, as defined
{outputs}
]
modulus = {modulus}  # 0: none
wrong = 0
for computed, defined in pairs:
    difference = sympy.Poly(computed - defined, *x, *y)
    wrong += any(c % modulus if modulus else c for c in difference.coeffs())
print(f"{{wrong}} of {{len(pairs)}} outputs are wrong" if wrong else f"all {{len(pairs)}} outputs are right")
sys.exit(wrong > 0)
'''
