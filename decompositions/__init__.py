"""The mathematics: rings, targets, schemes, verification, constructions, operations. Needs no torch."""

from bilinear.decompositions.constructions import CONSTRUCTIONS, standard, strassen, winograd
from bilinear.decompositions.errors import (
    BilinearError,
    RingError,
    SchemeError,
    TargetError,
    TooLargeError,
    UnknownNameError,
)
from bilinear.decompositions.facts import LowerBound, lower_bounds
from bilinear.decompositions.identity import content_hash, normal_form
from bilinear.decompositions.operations import concatenate, kronecker, permute, project, sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.targets import TARGETS, Target, parse_target
from bilinear.decompositions.verify import METHODS, Verification, verify

__version__ = "0.1.0"

__all__ = [
    "CONSTRUCTIONS",
    "METHODS",
    "TARGETS",
    "Approximation",
    "BilinearError",
    "LowerBound",
    "Ring",
    "RingError",
    "Scheme",
    "SchemeError",
    "Target",
    "TargetError",
    "TooLargeError",
    "UnknownNameError",
    "Verification",
    "concatenate",
    "content_hash",
    "kronecker",
    "lower_bounds",
    "normal_form",
    "parse_target",
    "permute",
    "project",
    "sandwich",
    "standard",
    "strassen",
    "verify",
    "winograd",
]
