"""Schemes as people read them: factors, products and outputs as formulas, exponent, cost."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from bilinear.decompositions.rings import IntArray
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target


def products(scheme: Scheme) -> list[str]:
    """`m1 = (a11 + a22) * (b11 + b22)`, one line a product."""
    left, right, _ = scheme.target.names
    (u, ui), (v, vi), _ = scheme.parts
    lines = []
    for q in range(scheme.rank):
        x = _form(_terms(u, ui, q), left)
        y = _form(_terms(v, vi, q), right)
        lines.append(f"m{q + 1} = {_bracketed(x)} * {_bracketed(y)}")
    return lines


def outputs(scheme: Scheme) -> list[str]:
    """`c11 = m1 + m4 - m5 + m7`, one line an output."""
    names = tuple(f"m{q + 1}" for q in range(scheme.rank))
    w, wi = scheme.parts[2]
    denominators = scheme.denominators.tolist()
    lines = []
    for k, name in enumerate(scheme.target.names[2]):
        column = _terms(w.T, None if wi is None else wi.T, k)
        scaled = [(q, Fraction(a, denominators[q]), Fraction(b, denominators[q])) for q, a, b in column]
        lines.append(f"{name} = {_form(scaled, names)}")
    return lines


def _bracketed(form: str) -> str:
    return f"({form})" if " " in form or form.startswith("-") else form


def _row(real: IntArray, imag: IntArray | None, q: int) -> list[tuple[Fraction, Fraction]]:
    other = [0] * real.shape[1] if imag is None else imag[q].tolist()
    return [(Fraction(a), Fraction(b)) for a, b in zip(real[q].tolist(), other, strict=True)]


def _terms(real: IntArray, imag: IntArray | None, q: int) -> list[tuple[int, Fraction, Fraction]]:
    """What is not zero in a row: where, and its real and imaginary part."""
    row, other = real[q], None if imag is None else imag[q]
    places = np.flatnonzero(row if other is None else (row != 0) | (other != 0)).tolist()
    parts = [0] * len(places) if other is None else other[places].tolist()
    return [(i, Fraction(a), Fraction(b)) for i, a, b in zip(places, row[places].tolist(), parts, strict=True)]


def _form(terms: list[tuple[int, Fraction, Fraction]], names: tuple[str, ...]) -> str:
    """A linear form; "0" if it is empty."""
    text = ""
    for place, real, imag in terms:
        sign, size = _coefficient(real, imag)
        text += (f" {sign} " if text else "-" * (sign == "-")) + size + names[place]
    return text or "0"


def _coefficient(real: Fraction, imag: Fraction) -> tuple[str, str]:
    """Sign and size of a coefficient; the size is empty for 1."""
    if real and imag:
        joint = "-" if imag < 0 else "+"
        return "+", f"({real} {joint} {'' if abs(imag) == 1 else abs(imag)}i) "
    value, unit = (real, "") if real else (imag, "i")
    size = ("" if abs(value) == 1 else str(abs(value))) + unit
    return ("-" if value < 0 else "+"), size + (" " if size else "")


def additions(scheme: Scheme) -> int:
    """Additions of the straightforward program, before common sums are shared: nonzeros less one in every form."""
    total = 0
    for factor, (real, imag) in zip("uvw", scheme.parts, strict=True):
        mask = real != 0 if imag is None else (real != 0) | (imag != 0)
        counts = mask.sum(axis=0 if factor == "w" else 1)
        total += int(np.maximum(counts - 1, 0).sum())
    return total


def exponent(scheme: Scheme) -> float | None:
    """The exponent omega of multiplication by recursion with this scheme, 3 log(r) / log(n m p); None if undefined."""
    return exponent_of(scheme.target, scheme.rank)


def exponent_of(target: Target, rank: int) -> float | None:
    """The same of any scheme of a target with that many products."""
    volume = math.prod(target.sizes) if target.family == "matmul" else 1
    return 3 * math.log(rank) / math.log(volume) if volume > 1 and rank else None


def factor_cells(scheme: Scheme, axis: int) -> list[list[str]]:
    """The coefficients of the factor u, v or w as text, a list a product; a dot for zero, denominators apart."""
    real, imag = scheme.parts[axis]
    return [list(map(_plain, _row(real, imag, q))) for q in range(scheme.rank)]


def factor_table(scheme: Scheme, axis: int) -> list[str]:
    """The factor u, v or w as lines, products down, coordinates across; the denominators stand beside w."""
    names = scheme.target.names[axis]
    rows = [[f"m{q + 1}", *cells] for q, cells in enumerate(factor_cells(scheme, axis))]
    if axis == 2 and any(d != 1 for d in scheme.denominators.tolist()):
        rows = [[*row, f"/ {d}"] for row, d in zip(rows, scheme.denominators.tolist(), strict=True)]
    header = ["UVW"[axis], *names] + [""] * (len(rows[0]) - len(names) - 1 if rows else 0)
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in [header, *rows]]


def _plain(coefficient: tuple[Fraction, Fraction]) -> str:
    real, imag = coefficient
    if not imag:
        return str(real) if real else "."
    return f"{real}{'+' if imag > 0 else ''}{imag}i" if real else f"{imag}i"


def describe(scheme: Scheme, factors: bool = True) -> list[str]:
    """The factors, if asked for, then the products and the outputs as formulas."""
    tables = [line for axis in range(3) for line in (*factor_table(scheme, axis), "")] if factors else []
    return [*tables, *products(scheme), "", *outputs(scheme)]
