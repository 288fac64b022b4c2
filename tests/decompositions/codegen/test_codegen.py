"""Generated code is run: every language, one level and more, matrices and other maps, several rings."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from strategies import verified_schemes

from bilinear.decompositions import (
    Ring,
    Scheme,
    SchemeError,
    UnknownNameError,
    concatenate,
    parse_target,
    standard,
    strassen,
)
from bilinear.decompositions.codegen import LANGUAGES, RECURSIVE, CodeError, generate
from bilinear.decompositions.codegen.code import Code
from bilinear.decompositions.programs import ProgramError, plain_program, short_program
from bilinear.decompositions.programs.basis import rebased_program

REAL = tuple(ring for ring in Ring if ring is not Ring.QI)


def halved(scheme: Scheme) -> Scheme:
    """The same scheme with denominators."""
    return Scheme(scheme.target, Ring.Q, 2 * scheme.u, 3 * scheme.v, scheme.w, np.full(scheme.rank, 6))


def uneven() -> Scheme:
    """A scheme of 2x3x2."""
    return concatenate(strassen(), standard(parse_target("2x1x2")), "m")


SCHEMES = {
    "ternary": strassen(),
    "uneven": uneven(),
    "rational": halved(uneven()),
    "f2": uneven().to("f2"),
    "f3": uneven().to("f3"),
}


def module(source: str) -> dict[str, Any]:
    """The names that a generated Python source defines."""
    names: dict[str, Any] = {}
    exec(compile(source, "generated", "exec"), names)
    return names


def inputs(scheme: Scheme, levels: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Random matrices of the sizes that recursion divides, residues modulo p, and their product."""
    n, m, p = (size**levels for size in scheme.target.sizes)
    rng, modulus = np.random.default_rng(1), scheme.ring.characteristic
    a, b = (rng.integers(0, modulus, shape) if modulus else rng.integers(-9, 9, shape) for shape in ((n, m), (m, p)))
    return a, b, a @ b % modulus if modulus else a @ b


@given(scheme=verified_schemes(rings=REAL))
def test_python_on_numbers(scheme: Scheme) -> None:
    code = module(generate(scheme, short_program(scheme), "python"))
    rng, p = np.random.default_rng(2), scheme.ring.characteristic
    left, right, _ = scheme.target.shape
    x, y = (rng.integers(0, p, side) if p else rng.integers(-9, 9, side) for side in (left, right))
    wanted = np.einsum("ijk,i,j->k", scheme.target.dense(), x, y)
    found = code["bilinear"](*([int(v) if p else Fraction(int(v)) for v in side] for side in (x, y)))
    assert found == (wanted % p if p else wanted).tolist()


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("name", SCHEMES)
def test_python_on_matrices(name: str, levels: int) -> None:
    scheme = SCHEMES[name]
    code = module(generate(scheme, short_program(scheme), "python", levels))
    a, b, wanted = inputs(scheme, levels)
    assert code["multiply"](a.tolist(), b.tolist()) == wanted.tolist()


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("name", SCHEMES)
def test_numpy(name: str, levels: int) -> None:
    scheme = SCHEMES[name]
    code = module(generate(scheme, short_program(scheme), "numpy", levels))
    a, b, wanted = inputs(scheme, levels)
    assert np.array_equal(code["multiply"](a, b), wanted)
    stacked = code["multiply"](np.stack([a, a]), np.stack([b, b]))
    assert np.array_equal(stacked, np.stack([wanted, wanted]))


@pytest.mark.parametrize("name", SCHEMES)
def test_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    scheme = SCHEMES[name]
    code = module(generate(scheme, short_program(scheme), "torch", 2))
    a, b, wanted = inputs(scheme, 2)
    kind = torch.int64 if scheme.ring.characteristic else torch.float64
    found = code["multiply"](torch.tensor(a, dtype=kind), torch.tensor(b, dtype=kind))
    assert np.allclose(found.numpy(), wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["polymul:3x3", "quaternion"])
@pytest.mark.parametrize("language", ["numpy", "torch"])
def test_arrays_of_a_map_that_is_no_matrix_product(language: str, name: str) -> None:
    target = parse_target(name)
    code = module(generate(standard(target), short_program(standard(target)), language))
    rng = np.random.default_rng(3)
    x, y = rng.integers(-9, 9, (target.shape[0], 5)), rng.integers(-9, 9, (target.shape[1], 5))
    wanted = np.einsum("ijk,ib,jb->kb", target.dense(), x, y)
    if language == "torch":
        import torch

        assert np.array_equal(code["bilinear"](torch.tensor(x), torch.tensor(y)).numpy(), wanted)
    else:
        assert np.array_equal(code["bilinear"](x, y), wanted)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_sympy_script_proves_the_scheme(name: str, tmp_path: Path) -> None:
    scheme = SCHEMES[name]
    source = generate(scheme, short_program(scheme), "sympy")
    assert prove(source, tmp_path).returncode == 0
    wrong = source.replace("m2 = ", "m2 = 2 * a11 * b11 - ") if scheme.ring is not Ring.F2 else source
    wrong = wrong.replace("m1 = ", "m1 = a11 * b11 + ")
    assert prove(wrong, tmp_path).returncode == 1


def prove(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "proof.py"
    path.write_text(source)
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)


def test_latex_of_strassen() -> None:
    source = generate(strassen(), plain_program(strassen()), "latex", source="entry 1d3e")
    assert r"m_{1} &= \left(a_{11} + a_{22}\right) \cdot \left(b_{11} + b_{22}\right)" in source
    assert source.count("&=") == 11
    assert "18 additions (5 + 5 + 8)" in source
    assert "% From entry 1d3e; generated by bilinear." in source
    rational = generate(halved(strassen()), plain_program(halved(strassen())), "latex")
    assert r"\tfrac{1}{6} t_{1}" in rational
    assert r"\oplus" in generate(SCHEMES["f2"], plain_program(SCHEMES["f2"]), "latex")


def test_triton_on_its_interpreter(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    scheme, path = strassen(), tmp_path / "generated.py"
    check = "\na, b = torch.rand(64, 32), torch.rand(32, 96)\nassert torch.allclose(multiply(a, b), a @ b, atol=1e-4)\n"
    path.write_text(generate(scheme, short_program(scheme), "triton") + check)
    environment = {"TRITON_INTERPRET": "1", "PATH": ""}
    subprocess.run([sys.executable, str(path)], check=True, env=environment)


def test_triton_source_is_python() -> None:
    for scheme in (strassen(), halved(strassen()), standard(parse_target("polymul:2x3"))):
        compile(generate(scheme, short_program(scheme), "triton"), "generated", "exec")
    with pytest.raises(CodeError, match="2x3x2 over f2: triton multiplies floats"):
        generate(SCHEMES["f2"], short_program(SCHEMES["f2"]), "triton")


@given(scheme=verified_schemes(rings=REAL))
def test_the_code_has_as_many_additions_as_the_program(scheme: Scheme) -> None:
    program = short_program(scheme)
    code = Code(scheme, program)
    sums = [value for form in (code.left, code.right, code.output) for value in form.outputs]
    sums += [value for form in (code.left, code.right, code.output) for _, value in form.shared]
    assert sum(len(value) - 1 for value in sums) == program.operations.additions


def test_names_that_no_language_takes_are_replaced() -> None:
    scheme = standard(parse_target("group:s3"))
    for language in ("python", "numpy"):
        compile(generate(scheme, plain_program(scheme), language), "generated", "exec")


@pytest.mark.parametrize("language", LANGUAGES.names())
def test_the_header_tells_the_cost(language: str) -> None:
    source = generate(strassen(), plain_program(strassen()), language)
    assert "matmul:2x2x2 in 7 products over zt ({-1, 0, 1})." in source
    assert "7 products, 18 additions (5 + 5 + 8)" in source


def test_what_cannot_be_written_is_refused() -> None:
    scheme, program = strassen(), plain_program(strassen())
    with pytest.raises(UnknownNameError, match="unknown language 'fortran'"):
        generate(scheme, program, "fortran")
    with pytest.raises(CodeError, match="0 levels of recursion; 1 or more"):
        generate(scheme, program, "c", 0)
    with pytest.raises(CodeError, match="2 levels in latex: one is written"):
        generate(scheme, program, "latex", 2)
    other = standard(parse_target("polymul:2x2"))
    with pytest.raises(CodeError, match="2 levels of recursion need a matmul scheme"):
        generate(other, plain_program(other), "python", 2)
    with pytest.raises(CodeError, match="code is written in the scheme's own basis"):
        generate(scheme, rebased_program(scheme, restarts=1), "c")
    with pytest.raises(ProgramError, match="u has shape"):
        generate(scheme, plain_program(standard(parse_target("2x2x2"))), "c")
    with pytest.raises(SchemeError, match="over qi"):
        generate(scheme.to("qi"), program, "c")
    wide = Scheme(
        scheme.target, "q", scheme.u.astype(object) * (1 << 63), scheme.v, scheme.w, np.full(7, 1 << 63, dtype=object)
    )
    with pytest.raises(CodeError, match="2x2x2: the constant 9223372036854775808 has more than 63 bits"):
        generate(wide, plain_program(wide), "c")
    assert "9223372036854775808" in generate(wide, plain_program(wide), "python")
    assert set(RECURSIVE) <= set(LANGUAGES.names())
