"""Fewer additions for a scheme: its own programs, and those of other schemes of the same rank."""

from bilinear.discover.optimize.search import Optimum, Standing, optimize

__all__ = ["Optimum", "Standing", "optimize"]
