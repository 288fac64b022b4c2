"""How long the site of a catalog takes to make, at first and again: the shipped entries, and orbits of known schemes.

python benchmarks/page.py --count 600 --json page.json
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.catalog_size import filled
from benchmarks.machine import write


def run(catalog: Path, out: Path, words: list[str]) -> dict[str, Any]:
    """Seconds of one command, and what the index weighs."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bilinear.cli", "page", *words, "--catalog", str(catalog), "--out", str(out)],
        check=True,
        capture_output=True,
    )
    return {"seconds": round(time.perf_counter() - start, 2), "index_bytes": (out / "data" / "index.js").stat().st_size}


def main() -> None:
    """Print two rows; write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=600, help="entries beside the shipped ones")
    parser.add_argument("--yours", action="store_true", help="without the shipped ones")
    parser.add_argument("--json", type=Path, help="file to write")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder) / "catalog", given.count, seed=0)
        words, out = ["--yours"] if given.yours else [], Path(folder) / "site"
        rows = {name: run(Path(folder) / "catalog", out, words) for name in ("first", "again")}
        pages = sum(1 for _ in (out / "entries").iterdir())
        megabytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    for name, row in rows.items():
        print(f"{name:6} {pages} pages  {row['seconds']:7.2f} s  index data {row['index_bytes'] / 1e6:.2f} MB")
    print(f"{megabytes:.0f} MB in all")
    write(given.json, {"pages": pages, "megabytes": round(megabytes, 1), "runs": rows})


if __name__ == "__main__":
    main()
