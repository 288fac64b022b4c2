"""Every recipe of the atlas built and verified: format, ring, rank, rule, how verified, seconds, beside the tables.

    python benchmarks/atlas.py --upto 16 --ring zt --ring q --json benchmarks/results/atlas.json

What does not fit into an exact proof is evaluated at random modulo two primes, and the row says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog.atlas import atlas
from bilinear.catalog.parts import parts_of
from bilinear.catalog.recipes import verify_built
from bilinear.catalog.records import collected
from bilinear.catalog.store import Catalog
from bilinear.commands.words.atlas import rows
from bilinear.decompositions.atlas.table import Atlas
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules.recipe import settled
from bilinear.decompositions.scheme import Scheme

HELD = 200
"""Leaves that are held after they were proved."""


def built(every: Atlas, sizes: tuple[int, int, int], resolve: Callable[[str], Scheme]) -> dict[str, Any]:
    """What became of one recipe."""
    begun = time.process_time()
    recipe, scheme = settled(every.recipe(sizes), resolve)
    made = time.process_time()
    verification = verify_built(recipe, scheme)
    if not verification.ok:
        raise SystemExit(f"{recipe.sizes} over {recipe.ring}: {verification.detail}")
    done = time.process_time()
    return {
        "rank": scheme.rank,
        "steps": len(recipe.steps),
        "verified": verification.method,
        "build_seconds": round(made - begun, 3),
        "proof_seconds": round(done - made, 3),
    }


def measured(ring: Ring, upto: int, catalog: Catalog) -> dict[str, Any]:
    """All formats over one coefficient set."""
    begun = time.process_time()
    every = atlas(catalog, ring, upto)
    closed = time.process_time()
    own = atlas(catalog, ring, upto, only_found_here=True)
    resolve = lru_cache(HELD)(parts_of(catalog))
    formats = []
    for row in rows(every, own):
        told = row._asdict() | {"sizes": list(row.sizes), "told": row.rank} | built(every, row.sizes, resolve)
        del told["source"]
        formats.append(told)
        print(ring, "x".join(map(str, row.sizes)), told["rank"], row.published, told["verified"], flush=True)
    return {
        "ring": ring.value,
        "closure_cpu_seconds": round(closed - begun, 2),
        "below": sum(row["published"] is not None and row["rank"] < row["published"] for row in formats),
        "at": sum(row["rank"] == row["published"] for row in formats),
        "above": sum(row["published"] is not None and row["rank"] > row["published"] for row in formats),
        "own_at_or_below": sum(row["published"] is not None and row["own"] <= row["published"] for row in formats),
        "formats": formats,
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upto", type=int, default=16)
    parser.add_argument("--ring", action="append", default=None)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--catalog", help="the folder whose entries are leaves beside the shipped ones")
    given = parser.parse_args()
    catalog = Catalog(given.catalog)
    found = [measured(parse_ring(ring), given.upto, catalog) for ring in given.ring or ["zt", "z", "q", "f2", "f3"]]
    write(given.json, {"tables": collected(), "upto": given.upto, "rings": found})


if __name__ == "__main__":
    main()
