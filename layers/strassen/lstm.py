"""Long short-term memory with a budget of products."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bilinear.layers.errors import LayerError
from bilinear.layers.strassen.budget import Operations
from bilinear.layers.strassen.linear import StrassenLinear
from bilinear.layers.strassen.sum_product import Weights

GATES = ("input", "forget", "cell", "output")
State = tuple[Tensor, Tensor]


class StrassenLSTM(nn.Module):
    """One layer of LSTM whose eight matrices, two for each gate, are `StrassenLinear`.

    Attributes:
        from_input: By gate, input_size -> hidden_size, with bias.
        from_hidden: By gate, hidden_size -> hidden_size, without.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        rank: int,
        *,
        weights: Weights = "free",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer with random weights.

        Args:
            input_size: Length of an input vector.
            hidden_size: Length of the hidden and the cell state.
            rank: Number of products of each of the eight matrices.
            weights: As for `StrassenLinear`.
            device: Likewise.
            dtype: Likewise.

        Raises:
            LayerError: As `StrassenLinear`.
        """
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size

        def gates(size: int, bias: bool) -> nn.ModuleDict:
            return nn.ModuleDict(
                {
                    gate: StrassenLinear(size, hidden_size, rank, bias, weights=weights, device=device, dtype=dtype)
                    for gate in GATES
                }
            )

        self.from_input, self.from_hidden = gates(input_size, bias=True), gates(hidden_size, bias=False)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            x: Shape (time, batch, input_size).
            state: Hidden and cell state before it, each (batch, hidden_size); zeros if None.

        Returns:
            The hidden states, shape (time, batch, hidden_size), and the state after the sequence.

        Raises:
            LayerError: If a shape does not fit.
        """
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise LayerError(
                f"layer {self._name()}: input of shape {tuple(x.shape)}; (time, batch, {self.input_size}) is needed"
            )
        wanted = (x.shape[1], self.hidden_size)
        hidden, cell = (x.new_zeros(wanted), x.new_zeros(wanted)) if state is None else state
        if hidden.shape != wanted or cell.shape != wanted:
            raise LayerError(
                f"layer {self._name()}: state of shapes {tuple(hidden.shape)} and {tuple(cell.shape)}; "
                f"{wanted} is needed twice"
            )
        encoded = [self.from_input[gate](x) for gate in GATES]
        outputs = []
        for step in range(len(x)):
            i, f, g, o = (own[step] + self.from_hidden[gate](hidden) for gate, own in zip(GATES, encoded, strict=True))
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(cell)
            outputs.append(hidden)
        y = torch.stack(outputs) if outputs else x.new_empty(0, *wanted)
        return y, (hidden, cell)

    def _name(self) -> str:
        return f"StrassenLSTM({self.input_size} -> {self.hidden_size})"

    def operations(self) -> Operations:
        """Of the eight matrices, for one step of one sequence; the gates' own are left out."""
        total = Operations(0, 0)
        for matrix in (*self.from_input.values(), *self.from_hidden.values()):
            assert isinstance(matrix, StrassenLinear)
            total += matrix.operations()
        return total
