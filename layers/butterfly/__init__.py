"""Linear layers whose weights are products of butterfly or block-diagonal factors."""

from bilinear.layers.butterfly.linear import ButterflyLinear
from bilinear.layers.butterfly.monarch import MonarchLinear
from bilinear.layers.butterfly.structured import StructuredLinear

__all__ = ["ButterflyLinear", "MonarchLinear", "StructuredLinear"]
