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


__all__ = ["METHODS", "Verification", "verify"]
