"""Alternating least squares with a Levenberg-Marquardt finish, from floats to exact schemes or near approximations.

The solver is `AlternatingLeastSquares`; `bilinear.discover.discretize` makes its solutions exact.
"""

from bilinear.discover.solvers.als.alternating import AlternatingLeastSquares
from bilinear.discover.solvers.als.state import AlsState

__all__ = ["AlsState", "AlternatingLeastSquares"]
