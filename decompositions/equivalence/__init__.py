"""Whether two schemes are the same up to the symmetries of matrix multiplication."""

from bilinear.decompositions.equivalence.colours import Colours, colours, invariant
from bilinear.decompositions.equivalence.search import Equivalence, Verdict, equivalent

__all__ = ["Colours", "Equivalence", "Verdict", "colours", "equivalent", "invariant"]
