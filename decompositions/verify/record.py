"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass

from bilinear.decompositions.rings import Ring


@dataclass(frozen=True)
class Verification:
    """The answer of one check.

    Attributes:
        ok: Whether the scheme computes its target.
        method: `exact`, `symbolic`, `random` or `numeric`.
        field: The field, or its extension, in which the equations were decided.
        seconds: Wall time of the check.
        detail: What was compared, or what first differs.
        error_probability: Upper bound on the probability that a wrong scheme passes; 0 for a proof.
    """

    ok: bool
    method: str
    field: str
    seconds: float
    detail: str
    error_probability: float = 0.0

    def __bool__(self) -> bool:
        return self.ok


def field_name(ring: Ring) -> str:
    """The field of the ring, as mathematicians write it in plain text."""
    return f"GF({ring.characteristic})" if ring.characteristic else {"q": "Q", "qi": "Q(i)"}[ring.field]
