"""Targets: bilinear maps, by family."""

from bilinear.decompositions.targets.parse import TARGETS, parse_target
from bilinear.decompositions.targets.target import Family, Target

__all__ = ["TARGETS", "Family", "Target", "parse_target"]
