"""StrassenNets: layers whose products are budgeted, between two ternary matrices learned from data."""

from bilinear.layers.strassen.budget import (
    Operations,
    conv_operations,
    dense_conv_operations,
    dense_linear_operations,
    linear_operations,
)
from bilinear.layers.strassen.conv import StrassenConv1d, StrassenConv2d, StrassenConv3d
from bilinear.layers.strassen.distillation import distillation_loss
from bilinear.layers.strassen.linear import StrassenHighway, StrassenLinear
from bilinear.layers.strassen.lstm import StrassenLSTM
from bilinear.layers.strassen.sum_product import Phase, SumProduct, set_phase

__all__ = [
    "Operations",
    "Phase",
    "StrassenConv1d",
    "StrassenConv2d",
    "StrassenConv3d",
    "StrassenHighway",
    "StrassenLSTM",
    "StrassenLinear",
    "SumProduct",
    "conv_operations",
    "dense_conv_operations",
    "dense_linear_operations",
    "distillation_loss",
    "linear_operations",
    "set_phase",
]
