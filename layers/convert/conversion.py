"""What a configuration says of the layers of a model: which come into question, why one is left, what it becomes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar

import torch
from torch import Tensor, nn

Pair = tuple[Tensor, Tensor]
"""Inputs of a layer, and the outputs that it should give."""

Shapes = Sequence[torch.Size]
"""Of the inputs of a layer, one for each call."""


@dataclass(frozen=True)
class Verdict:
    """Whether a layer gains anything by being converted.

    Attributes:
        against: Why it is left as it is; empty if it is converted.
        note: What the report says of it where it is converted.
    """

    against: str = ""
    note: str = ""


@dataclass(frozen=True)
class Maker:
    """What makes the layers of one model.

    Attributes:
        make: From a dense layer, and what to calibrate on, to the layer in its place; called once for each, in order.
        notes: What the report says of all of them.
        verdict: From a dense layer and the shapes that it is fed, where they are known, to what its speed says.
        mixed: Most tokens that a layer mixes.
    """

    make: Callable[[nn.Module, Pair | None], nn.Module]
    notes: tuple[str, ...] = ()
    verdict: Callable[[nn.Module, Shapes | None], Verdict] = lambda module, shapes: Verdict()
    mixed: int = 1


class Conversion(ABC):
    """What the layers of a model become; the base of the configurations of `convert_`.

    Attributes:
        dense: The classes that are converted; their subclasses are left.
        alone: The functions that convert a single layer.
        calibrated: Whether the new layers can be calibrated.
        include: Patterns as of file names; a layer's name must match one.
        exclude: Likewise; it must match none.
    """

    dense: ClassVar[tuple[type[nn.Module], ...]]
    alone: ClassVar[str]
    calibrated: ClassVar[bool]
    include: tuple[str, ...]
    exclude: tuple[str, ...]

    def names(self, name: str) -> bool:
        """Whether the patterns take a layer of that name."""
        return any(fnmatchcase(name, pattern) for pattern in self.include) and not any(
            fnmatchcase(name, pattern) for pattern in self.exclude
        )

    @abstractmethod
    def already(self, module: nn.Module) -> str:
        """That a module is such a layer already; empty if it is none."""

    @abstractmethod
    def reason(self, module: nn.Module) -> str:
        """Why a dense layer cannot become one; empty if it can."""

    @abstractmethod
    def tied(self, owners: Sequence[str], dense: Sequence[str]) -> str:
        """Why a layer is left whose weight others hold too; empty if it is not.

        Args:
            owners: Names of the other modules that hold it.
            dense: Of those of them that stay as they are.
        """

    @abstractmethod
    def maker(self) -> Maker:
        """What makes the layers of one model.

        Raises:
            BilinearError: If none can be made.
        """
