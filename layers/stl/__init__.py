"""Strassen-Tile layers: `STLLinear`, `STLConv2d`, their functional form, bases and calibration."""

from bilinear.layers.stl.basis import Basis
from bilinear.layers.stl.calibration import calibrated_weight
from bilinear.layers.stl.conv import STLConv2d
from bilinear.layers.stl.functional import Encoders, stl_matmul
from bilinear.layers.stl.initial import INITIALISATIONS, initial_basis
from bilinear.layers.stl.joined import STLMLP, STLLinearGroup
from bilinear.layers.stl.linear import STLLinear
from bilinear.layers.stl.threshold import MACHINES, Machine, fewest_tokens

STL = STLLinear | STLConv2d
"""The layers that stand in a dense layer's place."""

__all__ = [
    "INITIALISATIONS",
    "MACHINES",
    "STL",
    "STLMLP",
    "Basis",
    "Encoders",
    "Machine",
    "STLConv2d",
    "STLLinear",
    "STLLinearGroup",
    "calibrated_weight",
    "fewest_tokens",
    "initial_basis",
    "stl_matmul",
]
