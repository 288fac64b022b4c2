"""Targets: bilinear maps, by family."""

from decompositions.targets.parse import TARGETS, lower_bounds, parse_target
from decompositions.targets.target import Family, LowerBound, Target

__all__ = ["TARGETS", "Family", "LowerBound", "Target", "lower_bounds", "parse_target"]
