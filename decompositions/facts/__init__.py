"""What is proven and known of the ranks of targets, by family; above targets and constructions."""

from bilinear.decompositions.facts.fact import Facts, KnownRank, LowerBound
from bilinear.decompositions.facts.registry import FACTS, known_ranks, lower_bounds

__all__ = ["FACTS", "Facts", "KnownRank", "LowerBound", "known_ranks", "lower_bounds"]
