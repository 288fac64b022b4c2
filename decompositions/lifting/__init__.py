"""Lifting schemes from `f2` and `f3` to `zt`, `z` and `q`."""

from bilinear.decompositions.lifting.lift import Lifted, lift

__all__ = ["Lifted", "lift"]
