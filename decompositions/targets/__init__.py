"""Targets: bilinear maps, by family."""

from bilinear.decompositions.targets.parse import TARGETS, known_ranks, lower_bounds, parse_target
from bilinear.decompositions.targets.target import Family, KnownRank, LowerBound, Target

__all__ = ["TARGETS", "Family", "KnownRank", "LowerBound", "Target", "known_ranks", "lower_bounds", "parse_target"]
