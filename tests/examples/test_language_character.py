"""The character-aware model: its operations, its streams of words, its phases and its teacher."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from bilinear.layers.strassen import Phase, StrassenLinear, StrassenLSTM, SumProduct
from examples.language.network import Budget, CharacterConfig, CharacterModel
from examples.language.text import TextError, plain_text
from examples.language.training import Recipe, perplexity, streams, train_dense, train_phases, windows

TEXT = "the cat saw a dog .\nthe dog saw a cat .\n" * 12
CORPUS = plain_text("it", TEXT, most=50, longest=7)
SIZES = CharacterConfig(len(CORPUS.vocabulary), CORPUS.alphabet, 7, 4, filters=(3, 5), hidden=8, dropout=0.0)
QUICK = Recipe(epochs=(2, 1, 1), dense_epochs=10, rates=(1e-2, 1e-2, 1e-3), batch=4, steps=5)


def model(share: float | None = None, seed: int = 0) -> CharacterModel:
    torch.manual_seed(seed)
    return CharacterModel(SIZES, CORPUS.spelling, None if share is None else Budget(share, 12))


def weights(trained: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trained.parameters()])


def test_the_papers_dense_model_has_the_papers_multiplications() -> None:
    """2.05e7 for a word, as read off the paper's figure for Penn Treebank."""
    filters = (50, 100, 150, 200, 200, 200, 200)
    config = CharacterConfig(10_000, 51, 21, filters=filters, highways=2, hidden=650, layers=2)
    with torch.device("meta"):
        dense = CharacterModel(config, torch.zeros(10_000, 21, dtype=torch.int64))
    assert dense.operations().multiplications == pytest.approx(2.05e7, rel=0.01)


def test_a_budget_bounds_the_multiplications() -> None:
    places = [7 - width + 1 for width in (1, 2)]
    convolutions = 3 * places[0] + 5 * places[1]
    assert model(1.0).operations().multiplications == convolutions + 2 * 8 + 8 * 8 + 12
    assert model(0.01).operations().multiplications == sum(places) + 2 + 8 + 12
    last = 12 * (8 + len(CORPUS.vocabulary))
    assert model(2.0).operations().additions - last == 2 * (model(1.0).operations().additions - last)


@pytest.mark.parametrize("share", [None, 1.0])
def test_the_state_is_all_that_a_window_needs_of_those_before(share: float | None) -> None:
    whole = model(share).eval()
    words = streams(CORPUS.train, 4)
    states, parts = None, []
    for x, _ in windows(words, 3):
        logits, states = whole(x, states)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts), whole(words[:-1])[0])


def test_every_word_but_the_first_of_a_stream_is_predicted_once() -> None:
    words = streams(torch.arange(37), 3)
    assert words.mT.tolist() == torch.arange(36).reshape(3, 12).tolist()
    pairs = list(windows(words, 5))
    assert torch.cat([y for _, y in pairs]).mT.tolist() == words[1:].mT.tolist()
    assert all(((y - x) == 1).all() for x, y in pairs)


def test_too_few_words_for_the_streams() -> None:
    with pytest.raises(TextError, match="7 words in 4 streams; take fewer streams, or a longer text"):
        streams(torch.arange(7), 4)


def test_filters_wider_than_a_word() -> None:
    with pytest.raises(TextError, match="filters of width 4 on words of 3 characters; give fewer"):
        CharacterConfig(9, 9, 3, filters=(1, 1, 1, 1))


def test_a_model_that_knows_nothing_is_as_perplexed_as_there_are_words() -> None:
    blank = model()
    with torch.no_grad():
        for parameter in blank.last.parameters():
            parameter.zero_()
    assert perplexity(blank, CORPUS.valid, QUICK) == pytest.approx(len(CORPUS.vocabulary))


@pytest.mark.parametrize("share", [None, 1.0])
def test_training_learns_a_text_that_repeats(share: float | None) -> None:
    learner = model(share)
    before = perplexity(learner, CORPUS.test, QUICK)
    if share is None:
        train_dense(learner, CORPUS.train, QUICK, lambda phase: None)
    else:
        list(train_phases(learner, CORPUS.train, replace(QUICK, epochs=(8, 4, 2)), None, lambda phase: None))
    assert perplexity(learner, CORPUS.test, QUICK) < 0.5 * before


def test_the_phases_end_with_ternary_matrices() -> None:
    learner, heard = model(1.0), []
    assert list(train_phases(learner, CORPUS.train, QUICK, None, heard.append)) == list(Phase)
    assert heard == ["full", "full", "quantised", "frozen"]
    layers = [module for module in learner.modules() if isinstance(module, SumProduct)]
    assert len(layers) == 2 + 2 + 8 + 1
    assert all(set(matrix.unique().tolist()) <= {-1, 0, 1} for layer in layers for matrix in layer.ternary().values())
    assert isinstance(learner.last, StrassenLinear)
    assert isinstance(learner.recurrent[0], StrassenLSTM)


def test_a_teacher_changes_the_pupil_and_stays_as_it_is() -> None:
    teacher, pupils = model(seed=1), (model(1.0), model(1.0))
    known = weights(teacher)
    for pupil, taught in zip(pupils, (None, teacher), strict=True):
        list(train_phases(pupil, CORPUS.train, QUICK, taught, lambda phase: None))
    assert torch.equal(weights(teacher), known)
    assert not torch.allclose(weights(pupils[0]), weights(pupils[1]))


def test_a_pupil_that_only_listens_comes_near_to_its_teacher() -> None:
    """After training with a teacher its answers are nearer to the teacher's than before, on words of the test."""
    teacher, pupil = model(), model(2.0, seed=3)
    train_dense(teacher, CORPUS.train, QUICK, lambda phase: None)
    words = streams(CORPUS.test, 2)

    def distance() -> float:
        answers = [f.eval()(words)[0].log_softmax(-1) for f in (pupil, teacher)]
        return float(nn.functional.kl_div(*answers, log_target=True, reduction="sum").detach())

    before = distance()
    list(train_phases(pupil, CORPUS.train, QUICK, teacher, lambda phase: None))
    assert distance() < 0.5 * before


def test_the_same_seed_trains_the_same_model() -> None:
    found = []
    for _ in range(2):
        learner = model(0.5)
        list(train_phases(learner, CORPUS.train, QUICK, None, lambda phase: None))
        found.append(weights(learner))
    assert torch.equal(*found)
    assert math.isfinite(float(found[0].sum()))
