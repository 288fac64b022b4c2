"""Filters as three matrices: known ones, their points, files and source in three parts."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import numpy as np
import pytest

from bilinear.decompositions import Ring, Scheme, TargetError, parse_target, strassen
from bilinear.decompositions.codegen import CodeError, generate
from bilinear.decompositions.evaluation import Choice, evaluated, filter_files
from bilinear.decompositions.evaluation.filtering import data_and_output_programs, filtering, points_of
from bilinear.decompositions.programs import short_program


def at(name: str, points: str) -> Scheme:
    return evaluated(parse_target(name), Ring.Q, Choice(points=points))


@pytest.mark.parametrize(
    ("name", "points"), [("correlation:2x3", "0,1,-1,inf"), ("correlation:4x3", "0,1,-1,1/2,-2,inf")]
)
def test_the_three_matrices_filter(name: str, points: str) -> None:
    """And the points are those given; the programs of two of them divide nothing."""
    scheme = at(name, points)
    found, (m, r) = filtering(scheme), scheme.target.sizes
    data = [Fraction(k * k - 3, 7) for k in range(m + r - 1)]
    taps = [Fraction(k + 2, 5) for k in range(r)]
    forms = [sum(g * t for g, t in zip(row, taps, strict=True)) for row in found.taps]
    seen = [sum(int(b) * d for b, d in zip(row, data, strict=True)) for row in found.data]
    outputs = [sum(int(a) * f * s for a, f, s in zip(row, forms, seen, strict=True)) for row in found.outputs]
    assert outputs == [sum(data[k + i] * taps[i] for i in range(r)) for k in range(m)]
    assert points_of(scheme) is not None
    assert sorted(points_of(scheme) or ()) == sorted(points.split(","))
    into, out = data_and_output_programs(scheme)
    assert [[int(x) for x in row] for row in into.matrix()] == found.data.tolist()
    assert [[int(x) for x in row] for row in out.matrix()] == found.outputs.tolist()


def test_a_scheme_without_points_has_none_and_others_are_no_filters() -> None:
    moduli = evaluated(parse_target("correlation:2x3"), Ring.Q, Choice(moduli="0,1;1,0,1;inf"))
    assert points_of(moduli) is None
    for scheme in (strassen(), evaluated(parse_target("correlation:2x2"), Ring.F2)):
        with pytest.raises(TargetError, match="filter"):
            filtering(scheme)


def test_files_hold_the_matrices() -> None:
    scheme = at("correlation:4x3", "0,1,-1,2,-2,inf")
    files = filter_files.write(scheme)
    whole, arrays = json.loads(files[""]), np.load(io.BytesIO(files[".npz"]))
    assert (whole["outputs"], whole["taps"]) == (4, 3)
    assert sorted(whole["points"]) == sorted(["0", "1", "-1", "2", "-2", "inf"])
    for name in ("BT", "G", "AT"):
        assert np.allclose([[float(Fraction(x)) for x in row] for row in whole[name]], arrays[name])
    data, taps = np.arange(6.0) ** 2, np.array([1.0, -2.0, 0.5])
    found = arrays["AT"] @ ((arrays["G"] @ taps) * (arrays["BT"] @ data))
    assert np.allclose(found, np.correlate(data, taps))


@pytest.mark.parametrize("language", ["python", "numpy", "torch"])
def test_source_in_three_parts(language: str) -> None:
    scheme = at("correlation:4x3", "0,1,-1,2,-2,inf")
    space: dict[str, object] = {}
    exec(generate(scheme, short_program(scheme), language, parted=True), space)
    convert = __import__("torch").tensor if language == "torch" else np.array
    data, taps = np.arange(6.0) ** 2, np.array([1.0, -2.0, 0.5])
    into, fixed, out = (space[f"{name}_transform"] for name in ("input", "filter", "output"))
    products = [x * y for x, y in zip(into(convert(data)), fixed(convert(taps)), strict=True)]
    assert np.allclose([float(y) for y in out(products)], np.correlate(data, taps))


def test_parts_of_matrices_and_what_has_none() -> None:
    space: dict[str, object] = {}
    exec(generate(strassen(), short_program(strassen()), "numpy", parted=True), space)
    x, y = np.arange(4.0), np.arange(4.0) + 3
    found = space["outputs"](space["forms_of_x"](x) * space["forms_of_y"](y))
    assert np.allclose(found.reshape(2, 2), x.reshape(2, 2) @ y.reshape(2, 2))
    with pytest.raises(CodeError, match="parts in c at 1 levels; one level in numpy, python, torch is written"):
        generate(strassen(), short_program(strassen()), "c", parted=True)
