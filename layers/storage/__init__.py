"""Layers and converted models as folders, StrassenNets models as one file: written whole, checked before it is used."""

from bilinear.layers.storage.layer import load_layer, save_layer
from bilinear.layers.storage.model import load_model_, save_model
from bilinear.layers.storage.ternary import load_ternary, save_ternary

__all__ = ["load_layer", "load_model_", "load_ternary", "save_layer", "save_model", "save_ternary"]
