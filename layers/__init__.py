"""Torch modules made from schemes; saving, loading and comparing them."""

from layers.compare import Comparison, compare_with_linear
from layers.errors import LayerError
from layers.export import Exported, export_layer
from layers.stl import Basis, STLLinear
from layers.storage import load_layer, save_layer

__all__ = [
    "Basis",
    "Comparison",
    "Exported",
    "LayerError",
    "STLLinear",
    "compare_with_linear",
    "export_layer",
    "load_layer",
    "save_layer",
]
