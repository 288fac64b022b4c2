"""Ternary gradient descent: schemes over {-1, 0, 1} by batched, straight-through optimisation.

The solver is `TernarySgd`; its recipes are `annealed` and `paper`; the quantiser is that of
`bilinear.discover.ternary`, shared with the layers.
"""

from bilinear.discover.solvers.ternary_sgd.state import TernarySgdState
from bilinear.discover.solvers.ternary_sgd.training import TernarySgd

__all__ = ["TernarySgd", "TernarySgdState"]
