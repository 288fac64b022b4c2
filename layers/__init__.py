"""Torch modules made from schemes; saving, loading and comparing them."""

from layers.compare import Comparison, compare_with_linear
from layers.errors import LayerError
from layers.export import Exported, export_layer
from layers.fast_matmul import Accuracy, fast_matmul, measure_accuracy
from layers.stl import Basis, STLLinear
from layers.storage import load_layer, save_layer
from layers.strassen import (
    Phase,
    StrassenConv1d,
    StrassenConv2d,
    StrassenConv3d,
    StrassenHighway,
    StrassenLinear,
    StrassenLSTM,
    distillation_loss,
    load_ternary,
    save_ternary,
    set_phase,
)

__all__ = [
    "Accuracy",
    "Basis",
    "Comparison",
    "Exported",
    "LayerError",
    "Phase",
    "STLLinear",
    "StrassenConv1d",
    "StrassenConv2d",
    "StrassenConv3d",
    "StrassenHighway",
    "StrassenLSTM",
    "StrassenLinear",
    "compare_with_linear",
    "distillation_loss",
    "export_layer",
    "fast_matmul",
    "load_layer",
    "load_ternary",
    "measure_accuracy",
    "save_layer",
    "save_ternary",
    "set_phase",
]
