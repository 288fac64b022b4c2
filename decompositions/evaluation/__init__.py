"""Schemes of polynomial products and their relatives by evaluation and interpolation, constructed exactly."""

from bilinear.decompositions.evaluation.build import FAMILIES, Choice, evaluated
from bilinear.decompositions.evaluation.points import PREFERENCES

__all__ = ["FAMILIES", "PREFERENCES", "Choice", "evaluated"]
