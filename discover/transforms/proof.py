"""Proving what was found: factors over a number field, and that their product is the transform."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.transforms.cyclotomic import units
from bilinear.decompositions.transforms.exact import exact_transform, verify_transform
from bilinear.discover.keep import ProvedTransform
from bilinear.discover.transforms.found import Found

PROOF_EFFORT = 3 * 10**8
"""Size * parameters * degree of the field up to which factors are made exact unasked: some seconds."""


@dataclass(frozen=True)
class Proof:
    """Exact factors with their proof; or why there are none.

    Attributes:
        proved: The factors over their number field; None if there are none.
        reason: Why there are none; empty if there are.
        interrupted: Whether the user stopped the proof.
    """

    proved: ProvedTransform | None = None
    reason: str = ""
    interrupted: bool = False


def prove(found: Found, wanted: bool | None = None) -> Proof:
    """Make the factors exact and prove their product, where entries are algebraic and the proof is short.

    Ctrl-C ends the proof only.

    Args:
        found: What the hierarchical solver found.
        wanted: True for a proof however long, False for none, None where it takes some seconds at most.

    Raises:
        TransformError: If a proof is wanted and cannot be made.
    """
    if wanted is False:
        return Proof(reason="no proof was asked for")
    if found.interrupted:
        return Proof(reason="the search was interrupted")
    if not found.recovered or found.plan is None:
        return Proof(reason="it is an approximation")
    if found.transform.exact is None:
        return Proof(reason=f"{found.transform.name} has no exact definition")
    effort = proof_effort(found)
    if wanted is None and effort > PROOF_EFFORT:
        return Proof(reason=f"the proof takes about {effort:.0e} steps; --exact makes it all the same")
    try:
        exact = exact_transform(found.plan, found.transform.size)
        verification = verify_transform(exact, found.transform.exact)
    except KeyboardInterrupt:
        return Proof(reason="the proof was interrupted", interrupted=True)
    if not verification.ok:
        raise BilinearError(f"{found.transform.name}: the exact factors are wrong: {verification.detail}")
    return Proof(ProvedTransform(found.transform, exact, verification))


def proof_effort(found: Found) -> int:
    """Size times parameters times the degree of the number field."""
    assert found.plan is not None
    degree = len(units(math.lcm(*found.plan.orders(), 1)))
    return degree * found.transform.size * found.operations.parameters
