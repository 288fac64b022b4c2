"""What a butterfly layer applies one after the other: learned blocks and fixed selections."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from bilinear.layers.butterfly.factors import Shape, groups, inputs_of, joined, mixed, outputs_of


class Mixing(nn.Module):
    """A butterfly factor.

    Attributes:
        blocks: The parameter, six axes, see `bilinear.layers.butterfly.factors`.
    """

    def __init__(self, blocks: Tensor) -> None:
        super().__init__()
        self.blocks = nn.Parameter(blocks)

    @property
    def block_shape(self) -> Shape:
        """Six sizes."""
        return tuple(self.blocks.shape)

    def sizes(self) -> tuple[int, int]:
        """(inputs, outputs)."""
        return inputs_of(self.block_shape), outputs_of(self.block_shape)


class Selecting(nn.Module):
    """A fixed permutation, or a part of one: output i is input `indices[i]`, 0 where the index is -1.

    Attributes:
        indices: A buffer, shape (outputs,).
        inputs: Length of an input vector.
    """

    indices: Tensor

    def __init__(self, indices: Tensor, inputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.register_buffer("indices", indices)

    def sizes(self) -> tuple[int, int]:
        """(inputs, outputs)."""
        return self.inputs, len(self.indices)

    def forward(self, x: Tensor) -> Tensor:
        """The selected entries of the last axis; a zero stands at its end, where index -1 finds it."""
        return functional.pad(x, (0, 1))[..., self.indices]


Stage = Mixing | Selecting


def applied(stages: Sequence[nn.Module], x: Tensor) -> Tensor:
    """All stages on tokens, shape (tokens, inputs); neighbouring factors are multiplied first, see `groups`."""
    for step in condensed(stages):
        x = mixed(x, step) if isinstance(step, Tensor) else step(x)
    return x


def condensed(stages: Sequence[nn.Module]) -> list[Tensor | Selecting]:
    """Blocks of few factors instead of many, and the selections between them."""
    found: list[Tensor | Selecting] = []
    run: list[Mixing] = []
    for stage in [*stages, None]:
        if isinstance(stage, Mixing):
            run.append(stage)
            continue
        found += _products(run)
        run = []
        if isinstance(stage, Selecting):
            found.append(stage)
    return found


def _products(run: Sequence[Mixing]) -> list[Tensor]:
    """The products of the groups of a run of factors."""
    products, place = [], 0
    for count in groups([stage.block_shape for stage in run]):
        product: Tensor = run[place].blocks
        for stage in run[place + 1 : place + count]:
            product = joined(product, stage.blocks)
        products.append(product)
        place += count
    return products
