"""Rules by which matrix products are composed: the registry of their names; recipes are read and built in `recipe`."""

from __future__ import annotations

from bilinear.decompositions.registry import Registry

_ROOM = "bilinear.decompositions.rules"

RULES = Registry(
    "rule",
    {
        "permutation": f"{_ROOM}.changes:permutation",
        "basis": f"{_ROOM}.changes:basis",
        "split": f"{_ROOM}.split:build",
        "kronecker": f"{_ROOM}.kronecker:build",
        "pairs": f"{_ROOM}.pairs:build",
        "blocks": f"{_ROOM}.blocks:build",
        "cut": f"{_ROOM}.cut:build",
        "span": f"{_ROOM}.span:build",
    },
)
"""Functions (sizes, ring, parts, parameters by name) -> Scheme: a right scheme of right schemes."""

FREE = Registry(
    "rule without parts",
    {
        "standard": f"{_ROOM}.standard:build",
        "cube": f"{_ROOM}.cubes:build",
        "cut-cube": f"{_ROOM}.cut_cubes:build",
        "hopcroft-kerr": f"{_ROOM}.hopcroft_kerr:build",
    },
)
"""Functions (n, m, p, ring) -> Scheme, that make a scheme of nothing."""

RANKS = Registry(
    "rule without parts",
    {
        "standard": f"{_ROOM}.standard:rank",
        "cube": f"{_ROOM}.cubes:rank",
        "cut-cube": f"{_ROOM}.cut_cubes:rank",
        "hopcroft-kerr": f"{_ROOM}.hopcroft_kerr:rank",
    },
)
"""For each rule without parts the function (n, m, p, ring) -> int, or None where it makes none; nothing is built."""
