"""Generated C against OpenBLAS: products of fixed small sizes, and one level of recursion on large ones.

python benchmarks/generated_c.py --json generated_c.json
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog
from bilinear.decompositions import Scheme, standard
from bilinear.decompositions.codegen import generate
from bilinear.discover.optimize.programs import program_of

Array = NDArray[np.float64]

GLUE = """
typedef void blas_t(char *, char *, int *, int *, int *, double *, const double *, int *, const double *, int *,
                    double *, double *, int *);
static blas_t *dgemm;
void use(blas_t *function) { dgemm = function; }

/* Row by row C = A B is column by column C' = B' A'. */
void blas(size_t rows, size_t inner, size_t columns, const double *a, size_t lda, const double *b, size_t ldb,
          double *restrict c, size_t ldc)
{
    int n = rows, m = inner, p = columns, x = lda, y = ldb, z = ldc;
    double one = 1, zero = 0;
    dgemm("N", "N", &p, &n, &m, &one, b, &y, a, &x, &zero, c, &z);
}
void blas_each(size_t count, size_t n, size_t m, size_t p, const double *a, const double *b, double *c)
{
    for (size_t k = 0; k < count; k++)
        blas(n, m, p, a + k * n * m, m, b + k * m * p, p, c + k * n * p, p);
}
"""


def openblas() -> ctypes.c_void_p:
    """SciPy's dgemm, of the OpenBLAS that comes with it."""
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__["dgemm"]
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.c_void_p(pointer(capsule, name(capsule)))


def compiled(scheme: Scheme, catalog: Catalog, folder: Path) -> ctypes.CDLL:
    """The generated code of a scheme with OpenBLAS below it, as a library."""
    source = generate(scheme, program_of(catalog, scheme), "c")
    path = folder / f"{scheme.target.short}-{scheme.rank}.c"
    path.write_text(source + GLUE)
    library = path.with_suffix(".so")
    flags = ["-O3", "-march=native", "-DPRODUCT=blas", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", str(library), str(path)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.use(openblas())
    return loaded


def best_time(work: Callable[[], object], repeats: int) -> float:
    """The fastest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def pointers(*arrays: Array) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def sizes(*numbers: int) -> list[ctypes.c_size_t]:
    return [ctypes.c_size_t(number) for number in numbers]


def small(scheme: Scheme, catalog: Catalog, folder: Path, count: int, repeats: int) -> dict[str, Any]:
    """Nanoseconds a product of fixed size: the scheme, the standard algorithm generated alike, and OpenBLAS."""
    n, m, p = scheme.target.sizes
    rng = np.random.default_rng(0)
    a, b, c = rng.random((count, n, m)), rng.random((count, m, p)), np.zeros((count, n, p))
    fast, plain = (compiled(s, catalog, folder) for s in (scheme, standard(scheme.target)))
    runs: dict[str, Callable[[], object]] = {
        "scheme": lambda: fast.bilinear_each(*sizes(count), *pointers(a, b, c)),
        "standard": lambda: plain.bilinear_each(*sizes(count), *pointers(a, b, c)),
        "openblas": lambda: fast.blas_each(*sizes(count, n, m, p), *pointers(a, b, c)),
    }
    row: dict[str, Any] = {"kind": "small", "target": scheme.target.short, "rank": scheme.rank}
    for name, run in runs.items():
        c[:] = 0
        row[name] = round(best_time(run, repeats) / count * 1e9, 1)
        assert np.allclose(c, a @ b, rtol=0, atol=1e-9)
    return row


def large(scheme: Scheme, catalog: Catalog, folder: Path, size: int, repeats: int) -> dict[str, Any]:
    """Seconds of one product near a size: one level of the scheme over OpenBLAS, and OpenBLAS alone."""
    rows, inner, columns = (size // side * side for side in scheme.target.sizes)
    rng = np.random.default_rng(0)
    a, b, c = rng.random((rows, inner)), rng.random((inner, columns)), np.zeros((rows, columns))
    library = compiled(scheme, catalog, folder)

    def run(levels: int) -> None:
        (x, y, z), (lda, ldb, ldc) = pointers(a, b, c), sizes(inner, columns, columns)
        failed = library.multiply(*sizes(rows, inner, columns), x, lda, y, ldb, z, ldc, ctypes.c_int(levels))
        assert not failed

    row: dict[str, Any] = {"kind": "large", "target": scheme.target.short, "rank": scheme.rank, "size": size}
    for name, levels in (("openblas", 0), ("scheme", 1)):
        row[name] = round(best_time(lambda levels=levels: run(levels), repeats), 5)  # type: ignore[misc]
        assert np.allclose(c, a @ b, rtol=1e-9)
    return row


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--schemes", nargs="+", default=["2x2x2:7", "3x3x3:23", "4x4x4:49", "5x5x5:93"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1024, 2048, 3072])
    parser.add_argument("--count", type=int, default=100_000, help="small products in one run")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the fastest counts")
    parser.add_argument("--catalog", type=Path, help="your catalog's folder, with optimised programs")
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    catalog, rows = Catalog(asked.catalog), list[dict[str, Any]]()
    if shutil.which("gcc") is None:
        print("gcc is needed; nothing was measured", file=sys.stderr)
        asked.schemes = []
    with tempfile.TemporaryDirectory() as name:
        for query in asked.schemes:
            scheme = catalog.scheme(query, "q").value
            rows.append(small(scheme, catalog, Path(name), asked.count, asked.repeats))
            print(rows[-1], flush=True)
            for size in asked.sizes:
                rows.append(large(scheme, catalog, Path(name), size, asked.repeats))
                print(rows[-1], flush=True)
    write(asked.json, rows)


if __name__ == "__main__":
    main()
