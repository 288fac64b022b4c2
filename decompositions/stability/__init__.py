"""How much a scheme amplifies rounding errors, and changes of basis that amplify them less."""

from decompositions.stability.growth import Growth, growth
from decompositions.stability.orbit import Calmed, calmed

__all__ = ["Calmed", "Growth", "calmed", "growth"]
