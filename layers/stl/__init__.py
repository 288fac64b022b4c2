"""STL layers: a scheme applied to tiles of the activations and the weight."""

from layers.stl.basis import Basis
from layers.stl.linear import STLLinear

__all__ = ["Basis", "STLLinear"]
