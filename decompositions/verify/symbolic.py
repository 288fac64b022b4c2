"""Symbolic expansion: `W^T((U x)*(V y))` as polynomials in named symbols, compared with the map output by output."""

from __future__ import annotations

import time
from typing import Any

from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.record import Verification, field_name


def verify_symbolic(scheme: Scheme) -> Verification:
    """Expand every output in SymPy's sparse polynomial ring over the scheme's field and compare it with the map.

    The first output that differs is named, with what the scheme computes there.
    """
    start = time.perf_counter()
    domain = _domain(scheme.ring)
    x, y, zero = _symbols(scheme, domain)
    outputs = _expand(scheme, domain, x, y, zero)
    detail = f"all {len(outputs)} outputs expand to the map"
    ok = True
    for name, got, needed in zip(scheme.target.names[2], outputs, _map(scheme, domain, x, y, zero), strict=True):
        if got != needed:
            ok, detail = False, f"{name} expands to {_clip(got)}, must be {_clip(needed)}"
            break
    return Verification(ok, "symbolic", field_name(scheme.ring), time.perf_counter() - start, detail)


def _domain(ring: Ring) -> Any:
    from sympy import GF, QQ, QQ_I, ZZ

    if ring.characteristic:
        return GF(ring.characteristic)
    return {Ring.ZT: ZZ, Ring.Z: ZZ, Ring.Q: QQ, Ring.QI: QQ_I}[ring]


def _symbols(scheme: Scheme, domain: Any) -> tuple[list[Any], list[Any], Any]:
    """One symbol for each input coordinate, and the zero polynomial."""
    from sympy.polys.rings import ring

    left, right, _ = scheme.target.names
    polynomials, *symbols = ring([*left, *right], domain)
    return symbols[: len(left)], symbols[len(left) :], polynomials.zero


def _expand(scheme: Scheme, domain: Any, x: list[Any], y: list[Any], zero: Any) -> list[Any]:
    """The scheme's outputs as polynomials."""
    outputs = [zero] * scheme.target.shape[2]
    for q in range(scheme.rank):
        u, v, w = (_coefficients(real[q], None if imag is None else imag[q], domain) for real, imag in scheme.parts)
        product = _form(u, x, zero) * _form(v, y, zero)
        denominator = int(scheme.denominators[q])
        for k, coefficient in w.items():
            outputs[k] += product * (coefficient if denominator == 1 else coefficient / domain(denominator))
    return outputs


def _coefficients(real: IntArray, imag: IntArray | None, domain: Any) -> dict[int, Any]:
    """Nonzero coefficients of one row, as elements of the domain."""
    if imag is None:
        return {i: domain(int(c)) for i, c in enumerate(real.tolist()) if c}
    pairs = enumerate(zip(real.tolist(), imag.tolist(), strict=True))
    return {i: domain(int(a), int(b)) for i, (a, b) in pairs if a or b}


def _form(coefficients: dict[int, Any], symbols: list[Any], zero: Any) -> Any:
    """A linear form in the symbols."""
    total = zero
    for i, coefficient in coefficients.items():
        total = total + symbols[i] * coefficient
    return total


def _map(scheme: Scheme, domain: Any, x: list[Any], y: list[Any], zero: Any) -> list[Any]:
    """The target's outputs as polynomials."""
    outputs = [zero] * scheme.target.shape[2]
    for (i, j, k), value in zip(scheme.target.indices.tolist(), scheme.target.values.tolist(), strict=True):
        outputs[k] = outputs[k] + x[i] * y[j] * domain(value)
    return outputs


def _clip(polynomial: Any, limit: int = 120) -> str:
    text = str(polynomial.as_expr()) if len(polynomial) <= 12 else f"{len(polynomial)} terms"
    return text if len(text) <= limit else f"{text[:limit]}..."
