"""The character-aware language model: convolutions over a word's characters, highways, an LSTM over words, a softmax.

Source:
    Y. Kim, Y. Jernite, D. Sontag and A. M. Rush, "Character-aware neural language models", AAAI 2016; its StrassenNets
    form, M. Tschannen, A. Khanna and A. Anandkumar, "StrassenNets", ICML 2018, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.strassen import (
    Operations,
    StrassenConv1d,
    StrassenHighway,
    StrassenLinear,
    StrassenLSTM,
    dense_conv_operations,
    dense_linear_operations,
)
from bilinear.layers.strassen.linear import CARRY
from examples.language.text import PADDING, TextError

GATES = 4
States = list[Any]
"""Of each layer of the LSTM; None before the first word."""


@dataclass(frozen=True)
class CharacterConfig:
    """Sizes of the model.

    Attributes:
        vocabulary: Number of words.
        alphabet: Number of characters, the signs included.
        longest: Characters of a word.
        embedding: Length of a character's vector.
        filters: Number of filters of width 1, 2, 3, ...
        highways: Highway layers.
        hidden: Units of each layer of the LSTM.
        layers: Of the LSTM.
        dropout: Share that is dropped before each layer of the LSTM and behind the last.

    Raises:
        TextError: If a size is below 1, or the widest filter longer than a word.
    """

    vocabulary: int
    alphabet: int
    longest: int
    embedding: int = 15
    filters: tuple[int, ...] = (10, 20, 30, 40)
    highways: int = 1
    hidden: int = 100
    layers: int = 1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if min(self.embedding, self.hidden, self.layers, *self.filters) < 1 or self.highways < 0:
            raise TextError(f"{self}: every size must be at least 1")
        if len(self.filters) > self.longest:
            raise TextError(f"filters of width {len(self.filters)} on words of {self.longest} characters; give fewer")

    @property
    def features(self) -> int:
        """Length of a word's vector."""
        return sum(self.filters)


@dataclass(frozen=True)
class Budget:
    """Products of the StrassenNets layers.

    Attributes:
        share: Products for each output, the paper's r / n_out.
        last: Products of the layer before the softmax, which the paper keeps at 2000.
    """

    share: float
    last: int

    def rank(self, outputs: int) -> int:
        """Products of a layer with so many outputs."""
        return max(1, round(self.share * outputs))


class Highway(nn.Module):
    """`gate * relu(transform(x)) + (1 - gate) * x`."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.transform, self.gate = nn.Linear(features, features), nn.Linear(features, features)
        nn.init.constant_(self.gate.bias, CARRY)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return gate * functional.relu(self.transform(x)) + (1 - gate) * x


class CharacterModel(nn.Module):
    """Logits for the next word, shape (time, batch, vocabulary), from words (time, batch).

    Attributes:
        spelling: Characters of every word, shape (vocabulary, longest).
    """

    spelling: Tensor

    def __init__(self, config: CharacterConfig, spelling: Tensor, budget: Budget | None = None) -> None:
        """Build a model with random weights.

        Args:
            config: The sizes.
            spelling: See the class.
            budget: Of products, for a model of StrassenNets layers; dense layers if None.
        """
        super().__init__()
        self.config, self.budget = config, budget
        self.register_buffer("spelling", spelling)
        self.embedding = nn.Embedding(config.alphabet, config.embedding, padding_idx=PADDING)
        self.convolutions = nn.ModuleList(self._convolutions())
        self.highways = nn.ModuleList(self._highway() for _ in range(config.highways))
        inputs = [config.features, *[config.hidden] * (config.layers - 1)]
        self.recurrent = nn.ModuleList(self._recurrent(size) for size in inputs)
        self.dropout = nn.Dropout(config.dropout)
        self.last = self._last()
        if budget is None:
            self._draw()

    @torch.no_grad()
    def _draw(self) -> None:
        """Draw dense matrices as StrassenNets layers draw theirs: normal, keeping the variance of their input."""
        for module in (*self.convolutions, *self.highways, *self.recurrent, self.last):
            for parameter in module.parameters():
                if parameter.ndim > 1:
                    nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)

    def _convolutions(self) -> Iterator[nn.Module]:
        for width, count in enumerate(self.config.filters, start=1):
            if self.budget is None:
                yield nn.Conv1d(self.config.embedding, count, width)
            else:
                yield StrassenConv1d(self.config.embedding, count, width, self.budget.rank(count))

    def _highway(self) -> nn.Module:
        features = self.config.features
        return Highway(features) if self.budget is None else StrassenHighway(features, self.budget.rank(features))

    def _recurrent(self, size: int) -> nn.Module:
        hidden = self.config.hidden
        return nn.LSTM(size, hidden) if self.budget is None else StrassenLSTM(size, hidden, self.budget.rank(hidden))

    def _last(self) -> nn.Module:
        sizes = self.config.hidden, self.config.vocabulary
        return nn.Linear(*sizes) if self.budget is None else StrassenLinear(*sizes, self.budget.last)

    def forward(self, words: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Apply the model.

        Args:
            words: Shape (time, batch).
            states: What it returned for the words before; None before the first.

        Returns:
            The logits, shape (time, batch, vocabulary), and the states of the LSTM behind the last word.
        """
        x = self._vectors(words.flatten()).reshape(*words.shape, -1)
        after = []
        for layer, state in zip(self.recurrent, states or [None] * len(self.recurrent), strict=True):
            x, state = layer(self.dropout(x), state)
            after.append(state)
        logits: Tensor = self.last(self.dropout(x))
        return logits, after

    def _vectors(self, words: Tensor) -> Tensor:
        """Vectors of words, shape (words, features): the largest answer of each filter over the word's places."""
        characters = self.embedding(self.spelling[words]).mT
        x = torch.cat([torch.tanh(conv(characters)).amax(dim=2) for conv in self.convolutions], dim=1)
        for highway in self.highways:
            x = highway(x)
        return x

    def operations(self) -> Operations:
        """Multiplications and additions of the matrices for one word, by the formulas of `bilinear.layers.strassen`."""
        return sum(self._operations(), Operations(0, 0))

    def _operations(self) -> Iterator[Operations]:
        config, places = self.config, (self.config.longest,)
        if self.budget is None:
            for width, count in enumerate(config.filters, start=1):
                yield dense_conv_operations(config.embedding, count, (width,), (config.longest - width + 1,))
            for _ in range(2 * config.highways):
                yield dense_linear_operations(config.features, config.features)
            for layer in range(config.layers):
                size = config.hidden if layer else config.features
                yield dense_linear_operations(size + config.hidden, GATES * config.hidden)
            yield dense_linear_operations(config.hidden, config.vocabulary)
            return
        for module in self.modules():
            if isinstance(module, StrassenConv1d):
                yield module.operations(places)
            elif isinstance(module, StrassenLinear):
                yield module.operations()


def detached(states: States) -> States:
    """The states without their history."""
    return [tuple(part.detach() for part in state) for state in states]
