"""A catalog with entries of every kind and ring, and hostile ones, for the sites that are made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bilinear.catalog import Catalog, Lineage, Provenance, entry_from_border, entry_from_scheme
from bilinear.catalog.entries import Credit
from bilinear.catalog.layout import Listing
from bilinear.catalog.recipes import entry_from_recipe
from bilinear.catalog.transforms import entry_from_transform
from bilinear.decompositions import Ring, Scheme, parse_target, sandwich, standard, strassen
from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.expressions import Laurent
from bilinear.decompositions.rules import recipe as recipes
from bilinear.decompositions.rules.recipe import Recipe, Step
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.transforms import exact_transform, parse_transform
from bilinear.discover.transforms.hierarchical import Hierarchical

SCRIPT = "</script><script>document.title='hostile'</script>"
QUOTES = "\" onmouseover='document.title=1' x=`"
BIDI = "abc\u202egnp.exe"
PAST = Provenance(solver="flip-graph", seed=1, steps=5, version="0", command="bilinear search 2x2x2 --rank 7")
HOSTILE = PAST.model_copy(
    update={"solver": SCRIPT, "command": f"bilinear {QUOTES} {SCRIPT}", "parameters": {SCRIPT: QUOTES}}
)
CREDIT = Credit(authors=f"{SCRIPT} {BIDI}", source=QUOTES, year=1999, licence="<b>none</b>")
SHIPPED = ("2x2x2", "2x3x3")
ALSO = ("2x4x5-r32-q-c9a268e2", "8x8x8-r343-zt-ec72cdd1", "4x4x4-r47-f2-49f264e3", "4x4x4-r48-q-972b2072")


def another(step: int) -> Scheme:
    """Strassen's scheme in another basis, over the integers."""
    return sandwich(strassen(), [[1, step], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]])


def gaussian() -> Scheme:
    """Its products with u times i and w times -i."""
    s = another(3)
    zero = np.zeros((7, 4), dtype=np.int64)
    return Scheme(s.target, Ring.QI, zero, s.v, zero, None, (s.u, zero, -s.w))  # type: ignore[arg-type]  # arrays


def border() -> Border:
    """`shortmul:2` by two products."""
    one, x, inverse = (Laurent({power: 1}) for power in (0, 1, -1))  # type: ignore[dict-item]  # integers do
    rows = [{0: one, 1: x}, {0: one}]
    return Border(parse_target("shortmul:2"), rows, rows, [{1: inverse}, {0: one, 1: -inverse}])


SCHEMES = {
    "big": another(2**60),
    "f2": strassen().to("f2"),
    "f7": another(5).to("f7"),
    "file": standard(from_dense("file:map.npy", np.array([[[1, 0], [0, 2]], [[0, 0], [-1, 0]], [[0, 3], [0, 0]]]))),
    "polymul": standard(parse_target("polymul:2x3")),
    "qi": gaussian(),
}
"""Of every ring that no shipped entry below has, by name."""


def catalog_of(root: Path) -> tuple[Catalog, dict[str, str]]:
    """Yours, joined with the shipped ones, and the ids of yours by what they are."""
    catalog, ids = Catalog(root), {}
    leaf = catalog.serve("2x2x2-r7-zt-1d3e92ec").entry.hash
    for name, scheme in SCHEMES.items():
        ids[name] = catalog.add(entry_from_scheme(scheme, PAST)).id
    ids["hostile"] = catalog.add(entry_from_scheme(another(2), HOSTILE, Lineage(recipe=SCRIPT), found_by=CREDIT)).id
    parents = Lineage(parents=(leaf,), recipe="a change of basis")
    ids["child"] = catalog.add(entry_from_scheme(another(7), PAST, parents)).id
    part = entry_from_scheme(another(7), PAST).hash
    steps = (Step("leaf", (2, 2, 2), 7, hash=part), Step("kronecker", (4, 4, 4), 49, (0, 0), {"outer": [2, 2, 2]}))
    recipe = Recipe(Ring.Z, steps)
    ids["recipe"] = catalog.add(entry_from_recipe(recipe, recipes.build(recipe, lambda _: another(7)), PAST)).id
    ids["border"] = catalog.add(entry_from_border(border(), PAST)).id
    for transform in ("dft", "hadamard"):
        target = parse_transform(transform, 8)
        plan = Hierarchical().solve(target).plan
        assert plan is not None
        ids[transform] = catalog.add(entry_from_transform(target, exact_transform(plan, 8), PAST)).id
    return catalog, ids


def listings_of(catalog: Catalog) -> list[Listing]:
    """Yours, those of two small formats, and a few more."""
    return [
        one for one in catalog if not one.shipped or one.target.removeprefix("matmul:") in SHIPPED or one.id in ALSO
    ]
