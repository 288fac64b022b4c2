"""What can be wrong with transforms."""

from __future__ import annotations

from bilinear.decompositions.errors import BilinearError


class TransformError(BilinearError):
    """A transform that cannot be built, factored or proved from what was given."""
