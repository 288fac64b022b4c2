"""Lifting schemes from `f2` and `f3` to `zt`, `z` and `q`."""

from bilinear.decompositions.lifting.lift import Lifted, lift, work

__all__ = ["Lifted", "lift", "work"]
