"""Linear transforms and their fast algorithms: products of butterfly factors, exact where the entries are algebraic."""

from decompositions.transforms.constructions import FAST_CONSTRUCTIONS, construct
from decompositions.transforms.errors import TransformError
from decompositions.transforms.exact import ExactTransform, exact_transform, verify_transform
from decompositions.transforms.factors import ButterflyFactor, FastTransform, Operations, Selection, relative_error
from decompositions.transforms.parse import TRANSFORMS, parse_transform
from decompositions.transforms.transform import Transform, TransformFamily

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
