"""Targets: bilinear maps, by family."""

from decompositions.targets.target import Family, LowerBound, Target
from decompositions.targets.parse import TARGETS, lower_bounds, parse_target

__all__ = ["TARGETS", "Family", "LowerBound", "Target", "lower_bounds", "parse_target"]
