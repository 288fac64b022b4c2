"""Generated C is compiled by the system's gcc and run."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bilinear.decompositions import Ring, Scheme, concatenate, parse_target, standard, strassen
from bilinear.decompositions.codegen import generate
from bilinear.decompositions.programs import short_program

GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(GCC is None, reason="no gcc here")
TYPES = {Ring.F2: np.uint8, Ring.F3: np.int32}


def uneven() -> Scheme:
    return concatenate(strassen(), standard(parse_target("2x1x2")), "m")


def halved() -> Scheme:
    scheme = uneven()
    return Scheme(scheme.target, Ring.Q, 2 * scheme.u, scheme.v, scheme.w, np.full(scheme.rank, 2))


def compiled(scheme: Scheme, folder: Path, *options: str) -> ctypes.CDLL:
    source, library = folder / "generated.c", folder / "generated.so"
    source.write_text(generate(scheme, short_program(scheme), "c", 2 if scheme.target.family == "matmul" else 1))
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wno-maybe-uninitialized", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([str(GCC), *flags, *options, "-o", str(library), str(source)], check=True)
    return ctypes.CDLL(str(library))


def at(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def multiply(library: ctypes.CDLL, a: NDArray[np.generic], b: NDArray[np.generic], levels: int) -> NDArray[np.generic]:
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    sizes = [ctypes.c_size_t(k) for k in (*a.shape, b.shape[1])]
    lengths = [ctypes.c_size_t(matrix.shape[1]) for matrix in (a, b, c)]
    rows = [x for pair in zip(map(at, (a, b, c)), lengths, strict=True) for x in pair]
    assert library.multiply(*sizes, *rows, ctypes.c_int(levels)) == 0
    return c


@pytest.mark.parametrize("scheme", [strassen(), uneven(), halved(), uneven().to("f2"), uneven().to("f3")], ids=repr)
def test_matrices(scheme: Scheme, tmp_path: Path) -> None:
    library, p = compiled(scheme, tmp_path), scheme.ring.characteristic
    kind = TYPES.get(scheme.ring, np.float64)
    rng = np.random.default_rng(0)
    for levels in (0, 1, 2):
        n, m, q = (3 * size**levels for size in scheme.target.sizes)
        a, b = (rng.integers(0, p, s) if p else rng.integers(-9, 9, s) for s in ((n, m), (m, q)))
        wanted = a @ b % p if p else a @ b
        assert np.array_equal(multiply(library, a.astype(kind), b.astype(kind), levels), wanted)


@pytest.mark.parametrize("name", ["polymul:3x4", "cyclic:5", "2x2x3"])
def test_many_small_maps(name: str, tmp_path: Path) -> None:
    target = parse_target(name)
    library = compiled(standard(target), tmp_path, "-DNUMBER=long")
    rng = np.random.default_rng(1)
    x, y = (rng.integers(-9, 9, (7, side)) for side in target.shape[:2])
    z = np.zeros((7, target.shape[2]), np.int64)
    library.bilinear_each(ctypes.c_size_t(7), at(x), at(y), at(z))
    assert np.array_equal(z, np.einsum("ijk,bi,bj->bk", target.dense(), x, y))


def test_sizes_that_do_not_divide_are_reported(tmp_path: Path) -> None:
    library = compiled(strassen(), tmp_path)
    a = np.zeros((3, 2))
    sizes = [ctypes.c_size_t(k) for k in (3, 2, 2)]
    rows = [x for _ in range(3) for x in (at(a), ctypes.c_size_t(2))]
    assert library.multiply(*sizes, *rows, ctypes.c_int(1)) == -1


@pytest.mark.parametrize("number", ["long", "unsigned char", "short"])
def test_a_scheme_that_divides_compiles_with_no_integers(number: str, tmp_path: Path) -> None:
    source = tmp_path / "generated.c"
    source.write_text(generate(halved(), short_program(halved()), "c"))
    words = [str(GCC), "-std=c99", "-c", f"-DNUMBER={number}", "-o", str(tmp_path / "generated.o"), str(source)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode != 0
    assert "this_scheme_divides_so_NUMBER_must_be_a_floating_type" in done.stderr


@pytest.mark.parametrize(("number", "kind"), [("float", np.float32), ("long double", np.longdouble)])
def test_a_scheme_that_divides_compiles_with_any_floats(number: str, kind: type, tmp_path: Path) -> None:
    library = compiled(halved(), tmp_path, f"-DNUMBER={number}")
    rng = np.random.default_rng(2)
    a, b = rng.integers(-9, 9, (4, 9)).astype(kind), rng.integers(-9, 9, (9, 4)).astype(kind)
    assert np.array_equal(multiply(library, a, b, 1), a @ b)
