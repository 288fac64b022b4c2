"""The solver `composition`: what the catalog's schemes make of larger formats, found again by its own command."""

from pathlib import Path

import numpy as np
import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import parse_target, standard, strassen
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.verify import verify
from bilinear.discover.auto import resolve
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.leaves import with_leaves
from bilinear.discover.replay import replay
from bilinear.discover.search import search


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "mine")


def test_the_catalog_composes_a_large_format_and_finds_it_again(catalog: Catalog) -> None:
    result = search("6x6x8", 203, catalog=catalog)
    assert result.scheme is not None
    assert result.scheme.rank == 203
    assert verify(result.scheme).ok
    [added] = result.added
    entry = catalog.serve(added.id).entry
    assert entry.kind == "scheme"
    assert entry.provenance.solver == "composition"
    assert len(entry.lineage.parents) == 2  # 2x2x2:7 and 3x3x4:29
    assert "--start" in entry.provenance.command
    assert replay(entry, lambda parent: catalog.scheme(parent).value).same


@pytest.mark.parametrize(("ring", "rank"), [("f2", 47 * 7), ("f3", 343), ("q", 343), ("qi", 343)])
def test_each_set_takes_the_schemes_that_hold_there(ring: str, rank: int) -> None:
    result = search("8x8x8", ring=ring, solver="composition", catalog=Catalog())
    assert result.scheme is not None
    assert (result.scheme.rank, str(result.scheme.ring)) == (rank, ring)
    assert verify(result.scheme).ok


def test_the_order_of_sizes_asked_for_is_kept() -> None:
    result = search("8x2x4", solver="composition", starts=[strassen()])
    assert result.scheme is not None
    assert result.scheme.target == parse_target("8x2x4")
    assert result.scheme.rank == 56


def test_auto_takes_what_is_at_hand_only_where_it_suffices(catalog: Catalog) -> None:
    def chosen(target: str, rank: int | None, **more: object) -> str:
        return resolve(with_leaves(Order(Problem(parse_target(target), rank), **more), catalog))[0].solver  # type: ignore[arg-type]

    assert chosen("4x6x6", 105) == "composition"
    assert chosen("4x6x6", 104) == "portfolio"
    assert chosen("4x6x6", None) == "portfolio"
    assert chosen("2x2x2", 7) == "portfolio"  # the entries of the target itself are not at hand
    assert chosen("4x6x6", 105, options={"lifts": 5}) == "portfolio"
    assert chosen("4x6x6", 105, solver="flip-graph") == "flip-graph"
    assert chosen("8x8x40", 1120) != "composition"
    assert chosen("complex", 3) != "composition"
    assert chosen("4x4x4", 49, starts=(strassen(),)) == "composition"
    assert chosen("2x2x2", 8, starts=(standard(parse_target("2x2x2")),)) == "flip-graph"


def test_without_a_catalog_only_the_standard_algorithm_is_there() -> None:
    result = search("2x3x4", solver="composition")
    assert result.scheme is not None
    assert result.scheme.rank == 24


def test_what_it_cannot_take_is_refused() -> None:
    solver, rng = make_solver("composition"), np.random.default_rng(0)
    with pytest.raises(ProblemError, match=r"composition puts matrix products together, not complex"):
        solver.start(Problem(parse_target("complex")), rng)
    with pytest.raises(ProblemError, match=r"reach 49 products \(2x2x2:7 \(x\) 2x2x2:7\), not 48; give better parts"):
        solver.start(Problem(parse_target("4x4x4"), 48), rng, [strassen()])
    with pytest.raises(ProblemError, match=r"start of complex: composition takes real schemes of matrix products"):
        solver.start(Problem(parse_target("4x4x4"), ring=Ring.Q), rng, [standard(parse_target("complex"))])
