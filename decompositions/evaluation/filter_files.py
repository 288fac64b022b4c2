"""The three matrices of a filter as files: JSON with exact numbers, and arrays of NumPy."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import numpy as np

from bilinear.decompositions.evaluation.filtering import filtering, points_of
from bilinear.decompositions.scheme import Scheme

NAME = "winograd"


def write(scheme: Scheme) -> dict[str, bytes]:
    """The files, by what is appended to the name of the first.

    The JSON holds fractions as text and integers as numbers; the arrays are float64, `BT`, `G` and `AT`.

    Raises:
        TargetError: If the scheme is no real one of `correlation:MxR`.
    """
    found, points = filtering(scheme), points_of(scheme)
    m, r = scheme.target.sizes
    whole = {
        "outputs": m,
        "taps": r,
        "points": None if points is None else list(points),
        "formula": "y = AT ((G g) * (BT d))",
        "BT": [[int(x) for x in row] for row in found.data],
        "G": [[_number(x) for x in row] for row in found.taps],
        "AT": [[int(x) for x in row] for row in found.outputs],
    }
    buffer = io.BytesIO()
    floats = np.array([[float(x) for x in row] for row in found.taps])
    np.savez(buffer, BT=found.data.astype(np.float64), G=floats, AT=found.outputs.astype(np.float64))
    return {"": (json.dumps(whole, indent=1) + "\n").encode(), ".npz": buffer.getvalue()}


def _number(x: Fraction) -> int | str:
    return x.numerator if x.denominator == 1 else str(x)
