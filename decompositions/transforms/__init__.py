"""Linear transforms and their fast algorithms: products of butterfly factors, exact where the entries are algebraic."""

from bilinear.decompositions.transforms.constructions import FAST_CONSTRUCTIONS, construct
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.exact import ExactTransform, exact_transform, verify_transform
from bilinear.decompositions.transforms.factors import (
    ButterflyFactor,
    FastTransform,
    Operations,
    Selection,
    relative_error,
)
from bilinear.decompositions.transforms.parse import TRANSFORMS, parse_transform
from bilinear.decompositions.transforms.transform import Transform, TransformFamily

__all__ = [
    "FAST_CONSTRUCTIONS",
    "TRANSFORMS",
    "ButterflyFactor",
    "ExactTransform",
    "FastTransform",
    "Operations",
    "Selection",
    "Transform",
    "TransformError",
    "TransformFamily",
    "construct",
    "exact_transform",
    "parse_transform",
    "relative_error",
    "verify_transform",
]
