"""The nearest approximations of a tile product with fewer products than an exact scheme has.

`fit` holds the least squares, `moves` what leads from one approximation to another, `pool` the search over a range of
ranks, `keep` the way into the catalog, `comparison` what each kind of seed leads to.
"""

from bilinear.decompositions.row_norms import norms
from bilinear.discover.approximate.bounding import row_bound
from bilinear.discover.approximate.fit import Fit
from bilinear.discover.approximate.pool import Best, Pool, approximate

__all__ = ["Best", "Fit", "Pool", "approximate", "norms", "row_bound"]
