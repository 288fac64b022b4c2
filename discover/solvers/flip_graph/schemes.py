"""Schemes as the plain arrays that walks and states hold, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.solvers.flip_graph.walking import Factors

MAX_RANK = 1 << 13

Rows = NDArray[np.int8]


@dataclass(frozen=True)
class Held:
    """An exact scheme of a target that is known from elsewhere, as a state holds it; or nothing, without any row.

    Attributes:
        rows: Joined factors with a last column of denominators, shape (rank, left + right + out + 1).
        ring: Its coefficient set; empty where there is nothing.
    """

    rows: NDArray[np.int64]
    ring: str

    @classmethod
    def nothing(cls, target: Target) -> Held:
        """No scheme of a target."""
        return cls(np.zeros((0, sum(target.shape) + 1), np.int64), "")

    @classmethod
    def of(cls, scheme: Scheme) -> Held:
        """A real scheme whose numbers fit into 64 bits."""
        rows = np.concatenate([*scheme.factors, scheme.denominators[:, None]], axis=1)
        return cls(rows.astype(np.int64), str(scheme.ring))

    @property
    def rank(self) -> int:
        """Products; 0 where there is nothing."""
        return len(self.rows)

    def scheme(self, target: Target) -> Scheme:
        """The scheme, which is of the target given."""
        u, v, w, denominators = np.split(self.rows, np.cumsum(target.shape), axis=1)
        return Scheme(target, Ring(self.ring), u, v, w, denominators[:, 0])


def factors_of(scheme: Scheme) -> Factors:
    """The factors as a walk takes them."""
    u, v, w = (factor.astype(np.int64) for factor in scheme.factors)
    return u, v, w


def to_scheme(target: Target, ring: Ring, factors: Factors) -> Scheme:
    """A scheme of factors as a walk gives them; signed residues are reduced over `f3`."""
    p = ring.characteristic
    u, v, w = (factor % p if p else factor for factor in factors)
    return Scheme(target, ring, u, v, w)


def joined(factors: Sequence[NDArray[np.integer]]) -> Rows:
    """The factors side by side, shape (rank, left + right + out)."""
    return np.concatenate(factors, axis=1).astype(np.int8)


def split(target: Target, rows: Rows) -> Factors:
    """The three factors of joined ones; undoes `joined`."""
    u, v, w = np.split(rows.astype(np.int64), np.cumsum(target.shape)[:2], axis=1)
    return u, v, w


def stacked(target: Target, schemes: Sequence[Scheme]) -> Rows:
    """The joined factors of several schemes, shape (schemes, most products, left + right + out), zero rows last."""
    most = max((scheme.rank for scheme in schemes), default=0)
    stack = np.zeros((len(schemes), most, sum(target.shape)), np.int8)
    for place, scheme in enumerate(schemes):
        stack[place, : scheme.rank] = joined(scheme.factors)
    return stack
