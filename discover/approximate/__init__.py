"""The nearest approximations of a tile product with fewer products than an exact scheme has.

`fit` holds the least squares, `moves` what leads from one approximation to another, `pool` the search over a range of
ranks, `keep` the way into the catalog, `comparison` what each kind of seed leads to.
"""

from decompositions.row_norms import norms
from discover.approximate.bounding import row_bound
from discover.approximate.fit import Fit
from discover.approximate.pool import Best, Pool, approximate

__all__ = ["Best", "Fit", "Pool", "approximate", "norms", "row_bound"]
