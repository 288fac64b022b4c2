"""Butterfly layers on one token by compiled loops: all levels in one call, no block multiplied into a larger one.

PyTorch takes some microseconds a call, and multiplying levels together multiplies their numbers; for a single token
both cost more than the N log N numbers themselves.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bilinear.layers.butterfly.linear import ButterflyLinear
from bilinear.layers.butterfly.stages import Mixing, Selecting
from bilinear.layers.errors import LayerError

SELECTION = 0
"""Stands for a selection where the number of row nodes of a factor stands."""

Floats = NDArray[Any]
Integers = NDArray[np.int64]


class CompiledButterfly:
    """`y = x W^T + b` for one vector at a time, in NumPy, on one thread; the layer's numbers are copied.

    Attributes:
        in_features: Length of an input vector.
        out_features: Length of an output vector.
    """

    def __init__(self, layer: ButterflyLinear) -> None:
        """Copy a layer.

        Args:
            layer: On the CPU, float32 or float64.

        Raises:
            LayerError: If it is on another device or of another dtype.
        """
        like = layer.factors()[0]
        if like.device.type != "cpu" or like.dtype.itemsize < 4:
            raise LayerError(
                f"layer {layer.name()}: {like.dtype} on {like.device}; float32 or float64 on cpu is needed"
            )
        self.in_features, self.out_features = layer.in_features, layer.out_features
        numbers, indices, stages = [np.zeros(0, like.detach().numpy().dtype)], [np.zeros(0, np.int64)], []
        for stage in layer.stages:
            if isinstance(stage, Mixing):
                numbers.append(stage.blocks.detach().numpy().ravel())
                stages.append(stage.block_shape)
            elif isinstance(stage, Selecting):
                indices.append(stage.indices.numpy())
                stages.append((SELECTION, len(stage.indices), 0, 0, 0, 0))
        sizes = [stage.sizes() for stage in layer.stages if isinstance(stage, Mixing | Selecting)]
        self._numbers, self._indices = np.concatenate(numbers), np.concatenate(indices)
        self._stages = np.array(stages, dtype=np.int64)
        self._buffers = np.zeros((2, max(max(pair) for pair in sizes)), self._numbers.dtype)
        self._bias = None if layer.bias is None else layer.bias.detach().numpy().copy()

    def __call__(self, x: Floats) -> Floats:
        """The output for one vector.

        Args:
            x: Shape (in_features,), of the layer's dtype.

        Returns:
            Shape (out_features,).

        Raises:
            LayerError: If the shape or the dtype is another one.
        """
        if x.shape != (self.in_features,) or x.dtype != self._numbers.dtype:
            raise LayerError(
                f"compiled layer: input of {x.dtype} and shape {x.shape}; {self._numbers.dtype} of "
                f"({self.in_features},) is needed"
            )
        buffers = self._buffers
        buffers[0, : self.in_features] = x
        buffers[0, self.in_features :] = 0
        y: Floats = buffers[_apply(self._numbers, self._indices, self._stages, buffers), : self.out_features]
        return y.copy() if self._bias is None else y + self._bias


@numba.njit(cache=True, fastmath=True)
def _apply(numbers: Floats, indices: Integers, stages: Integers, buffers: Floats) -> int:
    """All stages, from one buffer to the other; which one holds the result."""
    number = index = now = 0
    for k in range(len(stages)):
        x, y = buffers[now], buffers[1 - now]
        a, c, j, o, b, s = stages[k]
        if a == SELECTION:
            for i in range(c):
                y[i] = x[indices[index + i]] if indices[index + i] >= 0 else 0
            index += c
        elif c == 2 and b == 2 and o == 1 and s == 1:
            for node in range(a):
                first = 2 * node * j
                for i in range(j):
                    left, right = x[first + 2 * i], x[first + 2 * i + 1]
                    upper = number + 2 * (first + i)
                    lower = upper + 2 * j
                    y[first + i] = numbers[upper] * left + numbers[upper + 1] * right
                    y[first + j + i] = numbers[lower] * left + numbers[lower + 1] * right
            number += 4 * a * j
        else:
            wide = b * s
            for node in range(a):
                for row in range(c):
                    for i in range(j * o):
                        place = (node * c + row) * j * o + i
                        start, first = number + place * wide, (node * j + i // o) * wide
                        total = numbers[0] * 0
                        for t in range(wide):
                            total += numbers[start + t] * x[first + t]
                        y[place] = total
            number += a * c * j * o * wide
        now = 1 - now
    return now
