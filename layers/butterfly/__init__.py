"""Linear layers whose weights are products of butterfly or block-diagonal factors."""

from layers.butterfly.linear import ButterflyLinear
from layers.butterfly.monarch import MonarchLinear
from layers.butterfly.structured import StructuredLinear

__all__ = ["ButterflyLinear", "MonarchLinear", "StructuredLinear"]
