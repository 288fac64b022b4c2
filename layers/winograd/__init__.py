"""Convolutions by evaluation: the layers of torch with Winograd's algorithms in their place."""

from bilinear.layers.winograd.conv import WinogradConv1d, WinogradConv2d
from bilinear.layers.winograd.schemes import winograd_scheme

__all__ = ["WinogradConv1d", "WinogradConv2d", "winograd_scheme"]
