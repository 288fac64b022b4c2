"""Schemes imported per second, by file format: parsing, proof, hash and writing, on one core.

python benchmarks/importing.py --count 1000 --json importing.json
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog
from bilinear.catalog.importing import import_paths
from bilinear.decompositions import Scheme, content_hash, kronecker, strassen
from bilinear.decompositions.formats import FORMATS
from bilinear.decompositions.formats import write as exported


def images(scheme: Scheme, count: int, seed: int) -> Iterator[Scheme]:
    """Different schemes of the same square format: rows and columns exchanged and negated at random."""
    rng, size, known = np.random.default_rng(seed), scheme.target.sizes[0], set[str]()
    while len(known) < count:
        orders = [rng.permutation(size) for _ in range(3)]
        signs = [rng.choice([-1, 1], size) for _ in range(3)]
        factors = []
        for factor, (i, j) in zip(scheme.factors, ((0, 1), (1, 2), (0, 2)), strict=True):
            blocks = factor.reshape(-1, size, size)[:, orders[i]][:, :, orders[j]]
            factors.append((blocks * np.outer(signs[i], signs[j])).reshape(len(factor), -1))
        image = Scheme(scheme.target, scheme.ring, *factors)
        if (content := content_hash(image)) not in known:
            known.add(content)
            yield image


def write_files(folder: Path, name: str, schemes: Iterator[Scheme]) -> None:
    """Each scheme as a file of that format; the maps of flip-cpd's are told by name."""
    for q, scheme in enumerate(schemes):
        stem = f"gg-{''.join(map(str, scheme.target.sizes))}-{q}"
        for ending, data in exported(scheme, name).items():
            (folder / f"{stem}{ending}").write_bytes(data)


def measured(name: str, scheme: Scheme, count: int, folder: Path, again: bool) -> tuple[float, float]:
    """Schemes per second, and per CPU second, through `import_paths`: all of them new, or all known already."""
    files, root = folder / name, folder / f"{name}-catalog"
    files.mkdir()
    write_files(files, name, images(scheme, count, seed=7))
    catalog = Catalog(root, shipped=None)
    if again:
        import_paths(catalog, [files])
    start, cpu = time.perf_counter(), time.process_time()
    report = import_paths(catalog, [files])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert report.count("duplicate" if again else "imported") == count, report.results[0]
    return count / seconds, count / cpu


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("formats", nargs="*", default=FORMATS.names(), help="all of them if none is named")
    parser.add_argument("--count", type=int, default=300, help="schemes of 4x4x4, rank 49")
    parser.add_argument("--again", action="store_true", help="measure the import of what is known already")
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    scheme, results = kronecker(strassen(), strassen()), []
    for name in asked.formats:
        with tempfile.TemporaryDirectory() as folder:
            speed, by_cpu = measured(name, scheme, asked.count, Path(folder), asked.again)
        figures = {"per_second": round(speed), "per_cpu_second": round(by_cpu)}
        results.append({"format": name, "scheme": "4x4x4:49 zt", "schemes": asked.count, **figures})
        print(f"{name:18} {speed:7.0f} schemes/s {by_cpu:7.0f} schemes/CPU s")
    write(asked.json, results)


if __name__ == "__main__":
    main()
