"""`--solver auto`: what it chooses, what it says, and that what is found names the solver used."""

from pathlib import Path

import numpy as np
import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import parse_target, standard
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.seeds import seed
from bilinear.decompositions.targets import Target
from bilinear.discover.auto import resolve
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.order import Order, default_checkpoint
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.solver import OptionError
from bilinear.discover.replay import replay
from bilinear.discover.search import execute, search


def polymul(path: Path, size: int) -> Target:
    """The product of two polynomials, as a map from a file."""
    tensor = np.zeros((size, size, 2 * size - 1), np.int64)
    for i, j in np.ndindex(size, size):
        tensor[i, j, i + j] = 1
    np.save(path, tensor)
    return parse_target(f"file:{path}")


def choice(order: Order) -> tuple[str, str]:
    chosen, sentence = resolve(order)
    return chosen.solver, sentence


@pytest.mark.parametrize("rank", [None, 23])
@pytest.mark.parametrize("ring", ["f2", "f3"])
def test_matrix_products_modulo_a_prime_go_to_flip_graph(ring: str, rank: int | None) -> None:
    solver, sentence = choice(Order(Problem(parse_target("3x3x3"), rank, Ring(ring))))
    assert solver == "flip-graph"
    assert sentence.startswith("auto chose flip-graph: flips, the quickest measured on matrix products, growing from ")
    assert ("no rank is given, so it goes as low as the budget allows" in sentence) == (rank is None)
    assert "lifted" not in sentence


@pytest.mark.parametrize("rank", [None, 23])
@pytest.mark.parametrize("ring", ["zt", "z", "q"])
def test_other_matrix_products_go_to_the_portfolio(ring: str, rank: int | None) -> None:
    solver, sentence = choice(Order(Problem(parse_target("3x3x3"), rank, Ring(ring))))
    assert solver == "portfolio"
    assert "in turns growing from 2x2x2 (2 of 4 slices), symmetric walks (1 of 4 slices), a pool (1 of 4" in sentence
    assert f"lifted from f2 to {ring}" in sentence
    assert ("no rank is given, so it goes as low as the budget allows" in sentence) == (rank is None)


def test_symmetric_walks_have_their_turns_where_the_format_is_square() -> None:
    assert "symmetric walks (4 of 6 slices)" in choice(Order(Problem(parse_target("5x5x5"), 97)))[1]
    assert "symmetric" not in choice(Order(Problem(parse_target("3x4x5"), 47)))[1]


def test_a_search_with_starts_goes_to_flip_graph() -> None:
    order = Order(Problem(parse_target("2x2x2"), 7), starts=(standard(parse_target("2x2x2")),))
    assert choice(order)[0] == "flip-graph"
    assert "from the schemes given" in choice(order)[1]


def test_the_walk_that_was_asked_for_is_named() -> None:
    assert "lifted from f3 to q" in choice(Order(Problem(parse_target("3x3x3"), 23, Ring.Q), options={"walk": "f3"}))[1]
    assert "lifted" not in choice(Order(Problem(parse_target("3x3x3"), 23), options={"walk": "zt"}))[1]


def test_a_small_map_with_a_rank_goes_to_als(tmp_path: Path) -> None:
    small, large = polymul(tmp_path / "small.npy", 3), polymul(tmp_path / "large.npy", 12)
    assert choice(Order(Problem(small, 6)))[0] == "als"
    assert choice(Order(Problem(parse_target("quaternion"), 8, Ring.Q)))[0] == "als"
    assert choice(Order(Problem(small)))[0] == "flip-graph"
    assert choice(Order(Problem(small, 6, Ring.F2)))[0] == "flip-graph"
    assert choice(Order(Problem(small, 6), starts=(standard(small),)))[0] == "flip-graph"
    assert choice(Order(Problem(large, 100))) == (
        "flip-graph",
        "auto chose flip-graph: flips, from the standard algorithm, lifted from f2 to zt",
    )


@pytest.mark.parametrize(
    ("target", "ring", "reason"),
    [
        ("2x2x2", Ring.QI, "flip-graph walks over f2, f3 and zt, not over qi"),
        ("17x17x17", Ring.ZT, "flip-graph holds at most 256 coordinates a side, 17x17x17 has 289"),
    ],
)
def test_what_flip_graphs_cannot_hold_goes_to_ternary_sgd(target: str, ring: Ring, reason: str) -> None:
    assert choice(Order(Problem(parse_target(target), 4000, ring))) == (
        "ternary-sgd",
        f"auto chose ternary-sgd: {reason}",
    )


def test_the_options_given_decide() -> None:
    solver, sentence = choice(Order(Problem(parse_target("2x2x2"), 7), options={"restarts": 64}))
    assert (solver, sentence) == ("ternary-sgd", "auto chose ternary-sgd: it has what was set with --option: restarts")
    assert choice(Order(Problem(parse_target("2x2x2"), 7), options={"plus-diff": 3}))[0] == "flip-graph"


def test_an_option_of_no_solver_is_refused() -> None:
    with pytest.raises(OptionError, match="solver 'portfolio' has no option 'speed'"):
        search("2x2x2", 7, solver="auto", options={"speed": 1})


def test_a_solver_that_is_named_is_left_alone() -> None:
    order = Order(Problem(parse_target("2x2x2"), 7), solver="ternary-sgd")
    assert resolve(order) == (order, "")
    resolved, _ = resolve(Order(Problem(parse_target("2x2x2"), 7), solver=" AUTO "))
    assert default_checkpoint(resolved).name.startswith("2x2x2-portfolio-0-")


def test_what_auto_finds_names_the_solver_used_and_is_replayed(tmp_path: Path) -> None:
    mine = Catalog(tmp_path / "catalog", shipped=None)
    order = Order(Problem(parse_target("2x2x3"), 11), solver="auto", checkpoint=tmp_path / "state.npz", seed=2)
    result = execute(order, mine)
    assert result.scheme is not None
    assert result.notes[0].startswith("auto chose portfolio: ")
    entry = mine.scheme(result.added[0].id).entry
    assert entry.provenance.solver == "portfolio"
    assert "--solver portfolio --seed 2" in entry.provenance.command
    assert replay(entry, lambda parent: mine.scheme(parent).value).same


def test_without_a_rank_the_rank_falls(tmp_path: Path) -> None:
    order = Order(
        Problem(parse_target("2x3x3")),
        solver="auto",
        budget=parse_budget("40000000steps"),
        checkpoint=tmp_path / "state.npz",
    )
    result = execute(order)
    assert result.scheme is not None
    assert result.scheme.rank == 15


def test_products_of_polynomials_are_constructed() -> None:
    solver, sentence = choice(Order(Problem(parse_target("polymul:3x3"), 6, Ring.F2)))
    assert solver == "evaluation"
    assert "constructed at points" in sentence
    solver, sentence = choice(Order(Problem(parse_target("polymul:8x8"), 25, Ring.F2)))
    assert solver == "evaluation"
    assert "walks to fewer products begin at the scheme that is constructed" in sentence
    assert choice(Order(Problem(parse_target("polymul:64x64"), 300, Ring.F2)))[0] != "evaluation"


@pytest.mark.parametrize(
    ("target", "rank", "ring", "solver"),
    [("2x4x5", 32, "q", "als"), ("quaternion", 7, "qi", "als"), ("2x4x5", 33, "q", "portfolio")],
)
def test_ranks_that_need_fractions_go_to_als(target: str, rank: int, ring: str, solver: str) -> None:
    assert choice(Order(Problem(parse_target(target), rank, Ring(ring))))[0] == solver


def test_starts_of_other_formats_go_to_meta() -> None:
    order = Order(Problem(parse_target("2x2x2"), 7), starts=(standard(parse_target("2x2x3")),))
    solver, sentence = choice(order)
    assert solver == "meta"
    assert "they are cut, extended and walked down, lifted from f2 to zt" in sentence


def test_approximate_starts_go_to_als() -> None:
    target = parse_target("2x2x2")
    near = seed("kronecker", target, 7, np.random.default_rng(0))
    solver, sentence = choice(Order(Problem(target, 7), starts=(near,)))
    assert solver == "als"
    assert "the starts are approximations" in sentence
    assert choice(Order(Problem(target, 7), starts=(near,), options={"recipe": "paper"}))[0] == "ternary-sgd"


def test_options_of_als_alone_lead_to_it() -> None:
    assert choice(Order(Problem(parse_target("2x2x2"), 6), options={"approximate": "true"}))[0] == "als"
