"""What can be wrong with a layer or its files."""

from bilinear.decompositions.errors import BilinearError


class LayerError(BilinearError):
    """A layer that cannot be built, fed, saved or loaded as asked."""


class RangeError(LayerError):
    """A coefficient that the dtype cannot hold."""
