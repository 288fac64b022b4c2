"""Discretisation: float solutions of the Brent equations become exact, verified schemes."""

from bilinear.discover.discretize.pipeline import Discretized, FloatFactors, discretize

__all__ = ["Discretized", "FloatFactors", "discretize"]
