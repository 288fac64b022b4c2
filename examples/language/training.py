"""Training of the character-aware model: batches of a stream of words, the three phases, and perplexity."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.strassen import Phase, distillation_loss, set_phase
from examples.language.network import CharacterModel, States, detached
from examples.language.text import TextError

LARGEST_LOSS = 50.0
"""Nats; a perplexity above its exponential is given as that."""

Heard = Callable[[str], None]
"""Told the phase before each of its epochs."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast a model learns.

    Attributes:
        epochs: At full precision, quantised and frozen.
        dense_epochs: Of the dense model.
        rates: Of Adam in each phase, falling to 0 along a cosine.
        batch: Streams that are read side by side.
        steps: Words of each stream between two changes of the weights.
        clip: Largest norm of a gradient.
        seed: Of the first weights and of what is dropped.
    """

    epochs: tuple[int, int, int] = (4, 2, 1)
    dense_epochs: int = 16
    rates: tuple[float, float, float] = (4e-3, 2e-3, 5e-4)
    batch: int = 40
    steps: int = 20
    clip: float = 5.0
    seed: int = 0


def streams(words: Tensor, batch: int) -> Tensor:
    """The words in columns of equal length, those that are left over cut off, shape (time, batch).

    Raises:
        TextError: If a column would have fewer than two words.
    """
    length = len(words) // batch
    if length < 2:
        raise TextError(f"{len(words)} words in {batch} streams; take fewer streams, or a longer text")
    return words[: length * batch].reshape(batch, length).mT.contiguous()


def windows(columns: Tensor, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Words and the words that follow them, each (time, batch), in order."""
    for start in range(0, len(columns) - 1, steps):
        end = min(start + steps, len(columns) - 1)
        yield columns[start:end], columns[start + 1 : end + 1]


@torch.no_grad()
def perplexity(model: CharacterModel, words: Tensor, recipe: Recipe) -> float:
    """The exponential of the mean loss a word, the streams read in the order of the text."""
    model.eval()
    total, count = 0.0, 0
    states: States | None = None
    for x, y in windows(streams(words, recipe.batch), recipe.steps):
        logits, states = model(x, states)
        total += float(functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
        count += y.numel()
    return math.exp(min(total / count, LARGEST_LOSS))


def train_dense(model: CharacterModel, words: Tensor, recipe: Recipe, heard: Heard) -> None:
    """At the first phase's rate."""
    _train(model, words, recipe, recipe.dense_epochs, recipe.rates[0], None, partial(heard, "dense"))


def train_phases(
    model: CharacterModel, words: Tensor, recipe: Recipe, teacher: CharacterModel | None, heard: Heard
) -> Iterator[Phase]:
    """The three phases of StrassenNets, each yielded when it is over.

    Args:
        model: Of StrassenNets layers, fresh.
        words: To train on.
        recipe: How.
        teacher: A trained model whose answers count as much as the words; None to learn from the words alone.
        heard: See `Heard`.
    """
    for phase, epochs, rate in zip(Phase, recipe.epochs, recipe.rates, strict=True):
        set_phase(model, phase)
        _train(model, words, recipe, epochs, rate, teacher, partial(heard, phase.name.lower()))
        yield phase


def _train(
    model: CharacterModel,
    words: Tensor,
    recipe: Recipe,
    epochs: int,
    rate: float,
    teacher: CharacterModel | None,
    heard: Callable[[], None],
) -> None:
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(learned, rate)
    columns = streams(words, recipe.batch)
    steps = epochs * math.ceil((len(columns) - 1) / recipe.steps)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps))
    model.train()
    for _ in range(epochs):
        heard()
        states: States | None = None
        lessons: States | None = None
        for x, y in windows(columns, recipe.steps):
            logits, states = model(x, states)
            states = detached(states)
            answers = None
            if teacher is not None:
                answers, lessons = _taught(teacher, x, lessons)
            optimiser.zero_grad()
            _loss(logits, y, answers).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(learned, recipe.clip)
            optimiser.step()
            schedule.step()


@torch.no_grad()
def _taught(teacher: CharacterModel, x: Tensor, states: States | None) -> tuple[Tensor, States]:
    answers: tuple[Tensor, States] = teacher.eval()(x, states)
    return answers


def _loss(logits: Tensor, y: Tensor, answers: Tensor | None) -> Tensor:
    if answers is None:
        return functional.cross_entropy(logits.flatten(0, 1), y.flatten())
    return distillation_loss(logits.flatten(0, 1), y.flatten(), answers.flatten(0, 1))
