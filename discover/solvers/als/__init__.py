"""Alternating least squares with a Levenberg-Marquardt finish, from floats to exact schemes or near approximations.

The solver is `AlternatingLeastSquares`; `discover.discretize` makes its solutions exact.
"""

from discover.solvers.als.solver import AlternatingLeastSquares
from discover.solvers.als.state import AlsState

__all__ = ["AlsState", "AlternatingLeastSquares"]
