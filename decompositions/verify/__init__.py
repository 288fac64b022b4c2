"""Deciding whether a scheme computes its target: three independent ways, and one end to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from bilinear.decompositions.registry import Registry
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.record import Verification

METHODS = Registry(
    "method",
    {
        "exact": "bilinear.decompositions.verify.brent:verify_exact",
        "symbolic": "bilinear.decompositions.verify.symbolic:verify_symbolic",
        "random": "bilinear.decompositions.verify.randomized:verify_random",
        "numeric": "bilinear.decompositions.verify.numeric:verify_numeric",
    },
)

SYMBOLIC_TERMS = 2_000_000
"""Terms of all products, added up for all outputs, that are expanded in a few seconds."""


def verify(
    scheme: Scheme, method: str = "exact", on_progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Decide whether the scheme computes its target.

    Args:
        scheme: What is claimed.
        method: `exact` (Brent equations), `symbolic` (polynomials in named symbols), `random` (evaluation at random
            points of a large field; the error probability is stated) or `numeric` (recursive multiplication of random
            integer matrices, `matmul` only).
        on_progress: Called now and then with how much of how much is done; by the exact check alone.

    Raises:
        UnknownNameError: If there is no such method.
        TooLargeError: If the check would not fit into memory.
    """
    check = cast("Callable[..., Verification]", METHODS.load(method))
    return check(scheme, on_progress) if method == "exact" else check(scheme)


def second_method(scheme: Scheme) -> str:
    """What a scheme is proved by besides the exact check: `symbolic`, or `random` where symbols have too many terms."""
    import numpy as np

    left, right, out = (np.count_nonzero(factor, axis=1) for factor in scheme.factors)
    return "symbolic" if int((left * right * (1 + out)).sum()) <= SYMBOLIC_TERMS else "random"


__all__ = ["METHODS", "Verification", "second_method", "verify"]
