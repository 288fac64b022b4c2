"""The gradient solver: parameterisations against their exported factors, learning at small sizes, bad input."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import TooLargeError
from bilinear.decompositions.transforms import Transform, TransformError, parse_transform, relative_error
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget, BudgetError
from bilinear.discover.transforms.gradient.export import exported
from bilinear.discover.transforms.gradient.halving import Gradient
from bilinear.discover.transforms.gradient.refine import refined
from bilinear.discover.transforms.gradient.structures import BLOCKS, STRUCTURES, Structure, bit_reversal, permutations
from bilinear.discover.transforms.gradient.trials import Trials, finished, losses_of
from bilinear.discover.transforms.solver import Task


def task(seed, seconds, **more):
    return Task(seed, Budget(seconds=seconds), **more)


def drawn(structure, trials=2, seed=0):
    return structure.initial(trials, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", sorted(STRUCTURES))
@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_factors_are_the_matrix(name, blocks, is_complex, transposed):
    structure = Structure(name, 8, blocks, is_complex, transposed)
    parameters = drawn(structure)
    matrices = structure.matrices(parameters, hard=True).numpy()
    for one, matrix in zip(parameters, matrices, strict=True):
        assert relative_error(matrix, exported(structure, one).dense()) < 1e-13


@pytest.mark.parametrize("name", sorted(STRUCTURES))
@pytest.mark.parametrize("is_complex", [False, True])
def test_unitary_blocks_make_unitary_matrices(name, is_complex):
    structure = Structure(name, 16, "unitary", is_complex)
    matrices = structure.matrices(drawn(structure), hard=True)
    product = matrices @ matrices.conj().transpose(1, 2)
    assert (product - torch.eye(16)).abs().max() < 1e-12


def test_tied_blocks_hold_four_numbers_a_stride():
    assert Structure("B", 16, "tied", is_complex=False).parameters == 4 * 15
    assert Structure("B", 16, is_complex=False).parameters == 2 * 16 * 4
    assert Structure("BP", 16, is_complex=False).parameters == 2 * 16 * 4 + 3


@given(st.sampled_from([2, 4, 16]), st.tuples(*[st.sampled_from([0.0, 1.0])] * 3), st.integers(0, 3))
def test_decided_choices_are_permutations(size, choices, levels):
    [matrix] = permutations(torch.tensor([choices], dtype=torch.float64), size, min(levels, size.bit_length() - 1))
    assert set(matrix.ravel().tolist()) == {0.0, 1.0}
    assert (matrix @ matrix.T == torch.eye(size)).all()


@given(st.tuples(*[st.floats(0, 1)] * 3), st.integers(1, 3))
def test_relaxed_choices_keep_sums(choices, levels):
    [matrix] = permutations(torch.tensor([choices], dtype=torch.float64), 8, levels)
    assert torch.allclose(matrix.sum(0), torch.ones(8, dtype=torch.float64))
    assert torch.allclose(matrix.sum(1), torch.ones(8, dtype=torch.float64))


def test_even_odd_at_every_level_is_bit_reversal():
    [matrix] = permutations(torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64), 16, 3)
    assert matrix.argmax(dim=1).tolist() == bit_reversal(16).tolist()


def test_the_three_choices():
    def order(*choices):
        [matrix] = permutations(torch.tensor([choices], dtype=torch.float64), 8, 1)
        return matrix.argmax(dim=1).tolist()

    assert order(1.0, 0.0, 0.0) == [0, 2, 4, 6, 1, 3, 5, 7]
    assert order(0.0, 1.0, 0.0) == [3, 2, 1, 0, 4, 5, 6, 7]
    assert order(1.0, 0.0, 1.0) == [0, 2, 4, 6, 7, 5, 3, 1]


def test_blocks_start_unitary_and_trials_with_different_choices():
    structure = Structure("BPP", 8)
    parameters = drawn(structure, 64)
    first = torch.view_as_complex(parameters[:, :8].reshape(-1, 2, 2, 2))
    assert torch.allclose(first @ first.mH, torch.eye(2, dtype=torch.complex128), atol=1e-12)
    assert len({tuple(row) for row in parameters[:, ~structure.free()].sign().tolist()}) == 64


def test_decided_is_rounded():
    structure = Structure("BPP", 8)
    parameters = drawn(structure)
    soft = structure.matrices(structure.decided(parameters))
    assert (soft - structure.matrices(parameters, hard=True)).abs().max() < 1e-12
    assert int((~structure.free()).sum()) == 6


def test_losses_of_real_targets_are_of_the_real_part():
    matrices = torch.tensor([[[1 + 5j, 0], [0, 1]]], dtype=torch.complex128)
    assert losses_of(matrices, torch.eye(2, dtype=torch.float64)).item() == 0
    assert losses_of(matrices, torch.eye(2, dtype=torch.complex128)).item() == 25 / 4


def test_training_lowers_losses_and_repeats():
    target = torch.from_numpy(parse_transform("dft", 8).matrix / math.sqrt(8))
    runs = []
    for _ in range(2):
        trials = Trials.start(Structure("BP", 8), 3, torch.Generator().manual_seed(1))
        before = trials.losses(target)
        trials.train(target, 60, lambda: False)
        assert (trials.losses(target) < before).all()
        runs.append(trials.parameters)
    assert (runs[0] == runs[1]).all()


def test_the_finish_decides_every_choice_and_keeps_it():
    structure = Structure("BP", 4)
    target = torch.from_numpy(parse_transform("dft", 4).matrix / 2)
    before = drawn(structure, 1)[0]
    after, loss = finished(structure, before, target, 50, 1e-12)
    choices = ~structure.free()
    assert (after[choices].abs() > 30).all()
    assert (after[choices].sign() == before[choices].sign()).all()
    assert loss == pytest.approx(losses_of(structure.matrices(after[None]), target).item())


@pytest.mark.parametrize(("name", "structure"), [("dft", ("BP", False)), ("dct-ii", ("BPP", False))])
def test_transforms_are_learned(name, structure):
    found = Gradient((structure,), trials=64, finishes=2).solve(parse_transform(name, 8), task(0, 300))
    assert found.recovered
    assert found.training.successes >= 1
    dense = found.fast.dense()
    assert relative_error(found.transform.matrix, dense if name == "dft" else dense.real) == pytest.approx(found.error)


def test_a_random_matrix_is_not_learned():
    found = Gradient((("B", False),), trials=2, rungs=1, first_steps=20, rounds=1).solve(
        parse_transform("randn", 8), task(0, 300)
    )
    assert not found.recovered
    assert found.training.successes == 0
    assert (found.training.finished, found.training.trials) == (2, 2)


def test_refining_reaches_rounding_and_keeps_choices():
    structure = Structure("BP", 4)
    target = torch.from_numpy(parse_transform("dft", 4).matrix / 2)
    start = drawn(structure, 1)[0]
    start[~structure.free()] = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)
    rough, _ = finished(structure, start, target, 2000, 1e-20)
    rough[structure.free()] += 0.05 * drawn(structure, 1)[0, structure.free()]
    loss = losses_of(structure.matrices(rough[None]), target).item()
    fine = refined(structure, rough, target, 30, 1e-24, lambda: False)
    assert losses_of(structure.matrices(fine[None]), target).item() < 1e-20 < loss
    assert (fine[~structure.free()] == rough[~structure.free()]).all()


def test_a_search_goes_on_from_its_checkpoint(tmp_path):
    """What ends at a budget and goes on ends as one that is not cut."""
    solver = Gradient((("B", False),), trials=4, first_steps=50, rungs=2, finishes=1, rounds=1)
    transform = parse_transform("randn", 8)
    whole = solver.solve(transform, task(3, 300))
    path = tmp_path / "state.npz"
    first = solver.solve(transform, task(3, 0, checkpoint=path))
    assert first.training.finished == 1
    again = solver.solve(transform, task(3, 300, checkpoint=path, resume=True))
    assert again.rmse == min(whole.rmse, first.rmse)
    assert path.is_file()
    for changed, transform_too, text in (
        (replace(solver, trials=5), transform, "another search"),
        (solver, parse_transform("hilbert", 8), "another search"),
    ):
        with pytest.raises(CheckpointError, match=text):
            changed.solve(transform_too, task(3, 1, checkpoint=path, resume=True))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CheckpointError, match="damaged"):
        solver.solve(transform, task(3, 1, checkpoint=path, resume=True))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        solver.solve(transform, task(3, 1, checkpoint=tmp_path / "none.npz", resume=True))


def test_a_recovered_transform_leaves_no_checkpoint(tmp_path):
    path = tmp_path / "state.npz"
    assert (
        Gradient((("BP", False),), trials=8).solve(parse_transform("dft", 4), task(0, 300, checkpoint=path)).recovered
    )
    assert not path.exists()


@pytest.mark.parametrize(
    ("solver", "name", "size", "text"),
    [
        (Gradient(is_complex=False), "dft", 8, "dft: a complex matrix; a real parameterisation cannot hold it"),
        (Gradient(), "dft", 12, "size 12: gradients need a power of two"),
        (Gradient((("BQ", False),)), "dft", 8, "structure 'BQ': unknown; known are B, BP"),
        (Gradient(blocks="round"), "dft", 8, "blocks 'round': unknown; known are untied, tied, unitary"),
    ],
)
def test_bad_input(solver, name, size, text):
    with pytest.raises(TransformError, match=text):
        solver.solve(parse_transform(name, size), task(0, 1))


def test_memory_is_asked_for_first(monkeypatch):
    transform = Transform("given", np.eye(8))
    monkeypatch.setattr("bilinear.decompositions.memory.ALWAYS", 0)
    monkeypatch.setattr("bilinear.decompositions.memory.available", lambda: 1000)
    with pytest.raises(TooLargeError, match="64 trials of size 8"):
        Gradient().solve(transform, task(0, 1))


def test_a_budget_in_steps_is_refused():
    with pytest.raises(BudgetError, match="budget 5steps: the gradient solver needs a time, as in 10m"):
        Gradient().solve(parse_transform("dft", 4), Task(budget=Budget(steps=5)))
