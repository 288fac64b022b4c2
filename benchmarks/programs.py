"""Additions of the catalog's schemes: as written, of shorter programs, of neighbours, beside the published counts.

python benchmarks/programs.py 3x3x3 4x4x4 --budget 60s --json programs.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear.catalog import Catalog, published
from bilinear.decompositions import parse_target
from bilinear.decompositions.programs import plain_program, short_program
from bilinear.decompositions.programs.basis import rebased_program
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.optimize import optimize

FORMATS = [f"{n}x{m}x{p}" for n in range(2, 6) for m in range(n, 6) for p in range(m, 6)]


def best_ternary(catalog: Catalog, name: str) -> str | None:
    """The id of the scheme of lowest rank over zt; None if there is none."""
    listings = [x for x in catalog.of_target(parse_target(name)) if x.kind == "scheme" and x.ring == "zt"]
    return min(listings, key=lambda x: (x.rank or 0, x.id)).id if listings else None


def measured(name: str, catalog: Catalog, budget: str, seed: int) -> dict[str, Any]:
    """Counts for one format."""
    known = published(parse_target(name), "zt")
    row: dict[str, Any] = {"format": name, "published": known and known.additions and known.additions.additions}
    row["published_rank"] = known and known.additions and known.additions.rank
    query = best_ternary(catalog, name)
    if query is None:
        return row
    scheme = catalog.scheme(query).value
    found = optimize(scheme, parse_budget(budget), seed=seed)
    rebased = rebased_program(found.scheme, seed=seed, restarts=2)
    return row | {
        "id": query,
        "rank": scheme.rank,
        "naive": plain_program(scheme).operations.additions,
        "own": short_program(scheme, seed=seed).operations.additions,
        "best": found.program.operations.additions,
        "factors": [program.operations.additions for program in found.program.programs],
        "rebased": rebased.operations.additions,
        "basis": rebased.basis_operations.additions,
        "slices": found.steps,
        "cpu_seconds": round(found.cpu_seconds, 1),
    }


def main() -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("formats", nargs="*", default=FORMATS, help="all with sizes from 2 to 5 if none is given")
    parser.add_argument("--budget", default="60s", help="for every format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--catalog", type=Path, help="your catalog's folder")
    parser.add_argument("--json", type=Path, help="file to write")
    asked = parser.parse_args()
    catalog, rows = Catalog(asked.catalog), []
    print(f"{'format':8}{'rank':>6}{'written':>9}{'own':>6}{'best':>6}{'rebased':>9}{'basis':>7}{'published':>11}")
    for name in asked.formats:
        row = measured(name, catalog, asked.budget, asked.seed)
        rows.append(row)
        widths = {"rank": 6, "naive": 9, "own": 6, "best": 6, "rebased": 9, "basis": 7, "published": 11}
        print(f"{name:8}" + "".join(f"{row.get(key) or '-':>{width}}" for key, width in widths.items()), flush=True)
    write(asked.json, rows)


if __name__ == "__main__":
    main()
