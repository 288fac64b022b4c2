"""How much a scheme amplifies rounding errors, and changes of basis that amplify them less."""

from bilinear.decompositions.stability.growth import Growth, growth
from bilinear.decompositions.stability.orbit import LARGEST, LowerGrowth, lower_growth

__all__ = ["LARGEST", "Growth", "LowerGrowth", "growth", "lower_growth"]
