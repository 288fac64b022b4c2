"""Cubes by aggregation, cut along lines and reduced by span: their recipes, kept as entries of a catalog.

    python benchmarks/cuts.py 14 n --catalog DIR

makes 13x14x14 of 14x14x14, keeps it, and says how many products each step took. More letters cut on: `15 nmn`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import write
from bilinear import __version__
from bilinear.catalog.entries import Provenance
from bilinear.catalog.recipes import entry_from_recipe
from bilinear.catalog.store import Catalog
from bilinear.decompositions.composition import rising
from bilinear.decompositions.cutting import drawn
from bilinear.decompositions.operations import AXES, order_to, permute
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import cubes, cut, span
from bilinear.decompositions.rules.recipe import Recipe, Step
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul


def chain(size: int, axes: str) -> Iterator[tuple[Recipe, Scheme]]:
    """What is left of a cube after each cut, its sizes rising."""
    rng = np.random.default_rng(0)
    scheme = cubes.build(size, size, size, Ring.Q)
    steps = [Step("cube", (size, size, size), scheme.rank)]
    for letter in axes:
        place = AXES.index(letter)
        form, line = ([int(x) for x in vector] for vector in drawn(scheme, place, rng))
        n, m, p = (length - (axis == place) for axis, length in enumerate(scheme.target.sizes))
        whole = scheme.rank
        scheme = cut.build((n, m, p), Ring.Q, [scheme], axis=letter, form=form, line=line)
        parameters = {"axis": letter, "form": form, "line": line}
        steps.append(Step("cut", (n, m, p), scheme.rank, (len(steps) - 1,), parameters))
        lost = scheme.rank
        scheme = span.build((n, m, p), Ring.Q, [scheme])
        if scheme.rank < lost:
            steps.append(Step("span", (n, m, p), scheme.rank, (len(steps) - 1,)))
        print(f"{scheme.target.short}: {whole}, cut {lost}, span {scheme.rank}", flush=True)
        yield turned(steps, scheme)


def turned(steps: list[Step], scheme: Scheme) -> tuple[Recipe, Scheme]:
    """The recipe with its sizes rising, and its scheme."""
    sizes = rising(scheme.target.sizes)
    order = order_to(scheme.target, matmul(*sizes))
    if order is None or order == (0, 1, 2):
        return Recipe(Ring.Q, tuple(steps)), scheme
    last = Step("permutation", sizes, scheme.rank, (len(steps) - 1,), {"order": list(order)})
    return Recipe(Ring.Q, (*steps, last)), permute(scheme, order)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int)
    parser.add_argument("axes", help="letters of n, m, p, one a cut")
    parser.add_argument("--catalog", help="the folder that keeps the entries")
    parser.add_argument("--json", type=Path, help="file to write")
    given, rows = parser.parse_args(), []
    catalog = Catalog(given.catalog, shipped=None)
    for count, (recipe, scheme) in enumerate(chain(given.size, given.axes), 1):
        begun = time.process_time()
        past = Provenance(
            solver="atlas",
            rank=recipe.rank,
            version=__version__,
            command=f"python benchmarks/cuts.py {given.size} {given.axes[:count]}",
        )
        added = catalog.add(entry_from_recipe(recipe, scheme, past))
        rows.append({"id": added.id, "cpu_seconds": round(time.process_time() - begun, 2)})
        print(f"{added.status}: {added.id}, {rows[-1]['cpu_seconds']} s")
    write(given.json, rows)


if __name__ == "__main__":
    main()
