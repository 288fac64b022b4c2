"""A small campaign in a process of its own: PLAN, JOBS, BUDGET and CLUSTER as the command `campaign run` takes them."""

import sys
from pathlib import Path

from bilinear.catalog import Catalog
from bilinear.decompositions import BilinearError
from bilinear.discover.campaign.hunt import hunt
from bilinear.discover.campaign.plan import read
from bilinear.discover.engine.budget import parse_budget

PLAN = """\
format = 1
targets = ["2x2x2", "2x2x3", "2x3x3", "3x3x3"]
rings = ["f2"]
goal = "lower"

[[solver]]
solver = "composition"
moves = ["compose"]
steps = 1

[[solver]]
solver = "flip-graph"
moves = ["fresh", "own"]
steps = 1_000_000

[[solver]]
solver = "meta"
moves = ["neighbours"]
steps = 1_000_000
"""
"""Goals that nobody reaches: the campaign goes on."""


def main(path: Path, jobs: int, budget: str, cluster: str | None = None) -> int:
    catalog = Catalog(path.parent / "catalog", shipped=None)
    try:
        reason, told = hunt(read(path), catalog, parse_budget(budget), jobs, cluster)
    except BilinearError as error:
        print(error, file=sys.stderr)
        return 2
    print(reason, told.ledger.done)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
