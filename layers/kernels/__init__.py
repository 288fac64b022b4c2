"""Kernels around the batched product of an STL layer: encode and decode in one pass each, chained, or shared."""

from bilinear.layers.kernels.dispatch import decode, encode, multiply, multiply_chained, multiply_shared
from bilinear.layers.kernels.plain import ACTIVATIONS

__all__ = ["ACTIVATIONS", "decode", "encode", "multiply", "multiply_chained", "multiply_shared"]
