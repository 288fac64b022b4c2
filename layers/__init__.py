"""Torch modules made from schemes; saving, loading and comparing them."""

from bilinear.layers.butterfly import ButterflyLinear, MonarchLinear
from bilinear.layers.compare import Comparison, compare_with_linear
from bilinear.layers.convert import (
    ButterflyConfig,
    MonarchConfig,
    STLConfig,
    WinogradConfig,
    convert_,
    merge_,
    revert_,
    wide_linear,
)
from bilinear.layers.errors import LayerError
from bilinear.layers.export import Exported, export_layer
from bilinear.layers.fast_matmul import Accuracy, count_additions, fast_matmul, measure_accuracy
from bilinear.layers.stl import (
    STLMLP,
    Basis,
    Encoders,
    STLConv2d,
    STLLinear,
    STLLinearGroup,
    fewest_tokens,
    initial_basis,
    stl_matmul,
)
from bilinear.layers.storage import load_layer, load_model_, load_ternary, save_layer, save_model, save_ternary
from bilinear.layers.strassen import (
    Phase,
    StrassenConv1d,
    StrassenConv2d,
    StrassenConv3d,
    StrassenHighway,
    StrassenLinear,
    StrassenLSTM,
    distillation_loss,
    set_phase,
)
from bilinear.layers.winograd import WinogradConv1d, WinogradConv2d

__all__ = [
    "STLMLP",
    "Accuracy",
    "Basis",
    "ButterflyConfig",
    "ButterflyLinear",
    "Comparison",
    "Encoders",
    "Exported",
    "LayerError",
    "MonarchConfig",
    "MonarchLinear",
    "Phase",
    "STLConfig",
    "STLConv2d",
    "STLLinear",
    "STLLinearGroup",
    "StrassenConv1d",
    "StrassenConv2d",
    "StrassenConv3d",
    "StrassenHighway",
    "StrassenLSTM",
    "StrassenLinear",
    "WinogradConfig",
    "WinogradConv1d",
    "WinogradConv2d",
    "compare_with_linear",
    "convert_",
    "count_additions",
    "distillation_loss",
    "export_layer",
    "fast_matmul",
    "fewest_tokens",
    "initial_basis",
    "load_layer",
    "load_model_",
    "load_ternary",
    "measure_accuracy",
    "merge_",
    "revert_",
    "save_layer",
    "save_model",
    "save_ternary",
    "set_phase",
    "stl_matmul",
    "wide_linear",
]
