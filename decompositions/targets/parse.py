"""From a name to a target: the registry of families."""

from __future__ import annotations

from bilinear.decompositions.errors import PluginError, TargetError
from bilinear.decompositions.registry import Registry, normalise
from bilinear.decompositions.targets.target import Family, Target

TARGETS = Registry(
    "target",
    {
        "matmul": "bilinear.decompositions.targets.matmul:FAMILY",
        "polymul": "bilinear.decompositions.targets.polynomial:POLYMUL",
        "correlation": "bilinear.decompositions.targets.polynomial:CORRELATION",
        "middle": "bilinear.decompositions.targets.polynomial:MIDDLE",
        "toeplitz": "bilinear.decompositions.targets.polynomial:TOEPLITZ",
        "hankel": "bilinear.decompositions.targets.polynomial:HANKEL",
        "cyclic": "bilinear.decompositions.targets.residue:CYCLIC",
        "negacyclic": "bilinear.decompositions.targets.residue:NEGACYCLIC",
        "shortmul": "bilinear.decompositions.targets.residue:SHORTMUL",
        "polymod": "bilinear.decompositions.targets.residue:POLYMOD",
        "convolution": "bilinear.decompositions.targets.aliases:CONVOLUTION",
        "circulant": "bilinear.decompositions.targets.aliases:CIRCULANT",
        "gf": "bilinear.decompositions.targets.aliases:GF",
        "complex": "bilinear.decompositions.targets.algebras:COMPLEX",
        "quaternion": "bilinear.decompositions.targets.algebras:QUATERNION",
        "octonion": "bilinear.decompositions.targets.algebras:OCTONION",
        "cross": "bilinear.decompositions.targets.algebras:CROSS",
        "commutator": "bilinear.decompositions.targets.algebras:COMMUTATOR",
        "group": "bilinear.decompositions.targets.group:FAMILY",
        "structured": "bilinear.decompositions.targets.structured:FAMILY",
        "file": "bilinear.decompositions.targets.file:FAMILY",
    },
    group="bilinear.targets",
)


def parse_target(name: str) -> Target:
    """The target of that name: `2x2x3`, `matmul:2x2x3`, `cyclic:8`, `quaternion`, `file:map.npy`.

    Raises:
        UnknownNameError: If no family has that name.
        TargetError: If the family cannot build it from the text after the colon.
        TooLargeError: If its tensor would not fit into memory.
    """
    family, colon, spec = name.strip().partition(":")
    if not colon and _looks_like_sizes(family):
        family, colon, spec = "matmul", ":", family
    found = family_of(family)
    if not colon and ":" in found.usage:
        raise TargetError(f"target {family!r} needs its parameters: {found.usage}")
    target = found.build(spec)
    if target.family != normalise(family) and not TARGETS.is_ours(family):
        reason = f"it builds {target.name!r}, whose name does not begin with its own"
        raise PluginError(f"target {normalise(family)!r}: {reason}; its package is at fault")
    return target


def family_of(name: str) -> Family:
    """The registered family of that name.

    Raises:
        UnknownNameError: If there is none.
        PluginError: If it is another package's, and is no family.
    """
    family = TARGETS.load(name)
    if not isinstance(family, Family):
        raise PluginError(f"target {normalise(name)!r}: {family!r:.60}; a Family is needed, its package is at fault")
    return family


def _looks_like_sizes(text: str) -> bool:
    return "x" in text.lower() and any(c.isdigit() for c in text)
