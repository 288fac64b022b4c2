"""Strassen-Tile layers: `STLLinear`, `STLConv2d`, their functional form, bases and calibration."""

from layers.stl.basis import Basis
from layers.stl.calibration import calibrated_weight
from layers.stl.conv import STLConv2d
from layers.stl.functional import Encoders, stl_matmul
from layers.stl.initial import INITIALISATIONS, initial_basis
from layers.stl.joined import STLMLP, STLLinearGroup
from layers.stl.linear import STLLinear
from layers.stl.threshold import MACHINES, Machine, fewest_tokens

__all__ = [
    "INITIALISATIONS",
    "MACHINES",
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
