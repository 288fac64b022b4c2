"""Whether two schemes are the same up to the symmetries of matrix multiplication."""

from decompositions.equivalence.colours import Colours, colours, invariant
from decompositions.equivalence.search import Equivalence, Verdict, equivalent

__all__ = ["Colours", "Equivalence", "Verdict", "colours", "equivalent", "invariant"]
