"""From the scheme of one format to one of another: standard blocks are joined on, rows and columns left out."""

from __future__ import annotations

from bilinear.decompositions.constructions import standard
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.operations import AXES, concatenate, project
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul


def fitted(scheme: Scheme, target: Target) -> Scheme:
    """The scheme joined with standard products along every size that is too small, and cut where one is too large.

    A cut leaves out the row or column that takes most products with it.

    Args:
        scheme: A `matmul` scheme.
        target: The format wanted; the sizes are taken in their order.

    Raises:
        TargetError: If one of the two is no `matmul`.

    Source:
        Extension and projection as in M. Kauers, I. Wood, "Exploring the meta flip graph" (arXiv:2510.19787).
    """
    if scheme.target == target:
        return scheme
    if scheme.target.family != "matmul" or target.family != "matmul":
        raise TargetError(f"a scheme of {scheme.target.short} cannot be made one of {target.short}")
    for axis in range(3):
        while scheme.target.sizes[axis] > target.sizes[axis]:
            scheme = _cut(scheme, axis)
    for axis, name in enumerate(AXES):
        missing = target.sizes[axis] - scheme.target.sizes[axis]
        if missing:
            block = matmul(*(missing if i == axis else size for i, size in enumerate(scheme.target.sizes)))
            scheme = concatenate(scheme, standard(block).to(scheme.ring), name)
    return scheme


def _cut(scheme: Scheme, axis: int) -> Scheme:
    """The scheme of the format one smaller along an axis, with as few products as leaving out one index gives."""
    choices = (project(scheme, AXES[axis], index) for index in range(scheme.target.sizes[axis]))
    return min(choices, key=lambda smaller: smaller.rank)
