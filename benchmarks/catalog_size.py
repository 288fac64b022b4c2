"""What queries take in a large catalog: entries made as orbits of known schemes, then looked up, listed, added to.

python benchmarks/catalog_size.py --count 100000 --json catalog_size.json
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog, Proved, entry_from_scheme
from bilinear.catalog.cache import NAME
from bilinear.catalog.entries import Provenance
from bilinear.catalog.importing import import_paths
from bilinear.decompositions import Scheme, sandwich, verify
from bilinear.decompositions.formats import write as exported
from bilinear.decompositions.rings import IntArray

SHARES = {"2x2x3:11": 0.5, "3x3x3:23": 0.25, "2x3x4:20": 0.125, "2x3x3:15": 0.125}
"""Known schemes, and how many of the entries each one's orbit makes."""

BATCH = 2000
PAST = Provenance(solver="orbit", command="bilinear benchmarks", version="0")


def orbit(scheme: Scheme, rng: np.random.Generator) -> Iterator[Scheme]:
    """The scheme in random bases of determinant 1 or -1."""
    while True:
        yield sandwich(scheme, *(_basis(size, rng) for size in scheme.target.sizes))


def _basis(size: int, rng: np.random.Generator) -> IntArray:
    """A product of two triangular matrices with ones and minus ones on the diagonal, rows in any order."""
    lower, upper = (np.tril(rng.integers(-1, 2, (size, size)), -1) for _ in range(2))
    signs = np.diag(rng.choice([-1, 1], size))
    basis: IntArray = ((lower + signs) @ (upper.T + np.eye(size, dtype=np.int64)))[rng.permutation(size)]
    return basis


def filled(root: Path, count: int, seed: int) -> Catalog:
    """A catalog of so many entries, each proved and written by the one way in, without waiting for the disk."""
    catalog, known, rng, fsync = Catalog(root), Catalog(root / "none"), np.random.default_rng(seed), os.fsync
    os.fsync = lambda descriptor: None
    try:
        for query, share in SHARES.items():
            source, missing = orbit(known.scheme(query).value, rng), int(share * count)
            while missing > 0:
                offers = [proved(scheme) for scheme in islice(source, min(missing, BATCH))]
                missing -= sum(one.status == "added" for one in catalog.add_all(offers))
    finally:
        os.fsync = fsync
    return catalog


def proved(scheme: Scheme) -> Proved:
    """The scheme as it is handed to a catalog."""
    return Proved(scheme, verify(scheme), lambda: entry_from_scheme(scheme, PAST))


def command(root: Path, *words: str) -> dict[str, float]:
    """The best of three runs of a command on a catalog: seconds, and CPU seconds."""
    runs = []
    for _ in range(3):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        line = [sys.executable, "-m", "bilinear.cli", *words, "--catalog", str(root)]
        subprocess.run(line, check=True, capture_output=True)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        runs.append((seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return {"seconds": min(run[0] for run in runs), "cpu_seconds": min(run[1] for run in runs)}


def call(work: Callable[[], object]) -> dict[str, float]:
    """One call in this process: seconds, and CPU seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}


def adding(catalog: Catalog, rng: np.random.Generator) -> dict[str, float]:
    """The best of five entries, each added alone."""
    source = orbit(Catalog(catalog.root / "none").scheme(next(iter(SHARES))).value, rng)
    runs = [call(lambda scheme=scheme: catalog.add_all([proved(scheme)])) for scheme in islice(source, 5)]
    return {key: min(run[key] for run in runs) for key in runs[0]}


def importing(catalog: Catalog, files: int, folder: Path, rng: np.random.Generator) -> dict[str, float]:
    """Other programs' files, taken over into a catalog."""
    folder.mkdir()
    source = orbit(Catalog(catalog.root / "none").scheme("2x3x3:15").value, rng)
    for number, scheme in enumerate(islice(source, files)):
        (folder / f"{number}.json").write_bytes(exported(scheme, "perminov-json")[""])
    return call(lambda: import_paths(catalog, [folder]))


def measured(count: int, files: int, folder: Path, seed: int, given: Path | None, rebuild: bool) -> dict[str, Any]:
    """Each of the things that are asked of a catalog, in one of so many entries, or in the one given."""
    rng = np.random.default_rng(seed + 1)
    root = given or folder / "catalog"
    made = call(lambda: None if root.exists() else filled(root, count, seed))
    catalog, first = Catalog(root), next(iter(SHARES))
    count = sum(not listing.shipped for listing in catalog)
    target = first.partition(":")[0]
    return {
        "entries": count,
        "made": made,
        f"show {first}": command(catalog.root, "show", first),
        f"catalog list --target {target}": command(catalog.root, "catalog", "list", "--target", target),
        "catalog status": command(catalog.root, "catalog", "status"),
        "an entry added": adding(catalog, rng),
        f"{files} files imported": importing(catalog, files, folder / "files", rng),
        f"{files} files imported into an empty catalog": importing(
            Catalog(folder / "empty"), files, folder / "others", rng
        ),
    } | ({"the same query without the table": without_table(catalog, first)} if rebuild else {})


def without_table(catalog: Catalog, query: str) -> dict[str, float]:
    """The query for which the table is made again."""
    (catalog.root / NAME).unlink()
    return call(lambda: catalog.serve(query))


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, nargs="+", default=[10_000], help="entries")
    parser.add_argument("--files", type=int, default=1000, help="files that are imported")
    parser.add_argument("--catalog", type=Path, help="measure in this one, and leave it; made if it is not there")
    parser.add_argument(
        "--rebuild", action="store_true", help="also have the table made again, which reads all entries"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file to write")
    asked, results = parser.parse_args(), []
    for count in asked.count:
        with tempfile.TemporaryDirectory() as folder:
            results.append(measured(count, asked.files, Path(folder), asked.seed, asked.catalog, asked.rebuild))
        print(f"{results[-1]['entries']} entries")
        for name, times in list(results[-1].items())[1:]:
            print(f"  {name:40} {times['seconds']:8.3f} s {times['cpu_seconds']:8.3f} CPU s")
    write(asked.json, results)


if __name__ == "__main__":
    main()
