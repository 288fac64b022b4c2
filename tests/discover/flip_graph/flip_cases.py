"""What the flip-graph tests share: small targets, exact checks, single moves, the oracle's schemes as ours and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from flip_oracle import Scheme as TermSet
from flip_oracle import normal
from numba import njit

from bilinear.decompositions import Scheme, parse_target, standard, verify
from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.file import from_dense
from bilinear.discover.engine.fields import KEPT
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph import kernel
from bilinear.discover.solvers.flip_graph.packing import Matrix, pack
from bilinear.discover.solvers.flip_graph.walking import Factors, Settings, WalkState, start, walk

RINGS = ("f2", "f3", "zt")
BARE = Settings(hold=0)
FOREVER = 1 << 62


def polynomial(n: int, m: int) -> Target:
    """The product of two polynomials with n and m coefficients."""
    tensor = np.zeros((n, m, n + m - 1), np.int64)
    i, j = (x.ravel() for x in np.indices((n, m)))
    tensor[i, j, i + j] = 1
    return from_dense(f"file:polymul{n}x{m}", tensor)


TARGETS = {name: parse_target(name) for name in ("2x2x2", "2x2x3", "2x3x2", "2x3x3", "3x3x3")} | {
    "polymul 2x2": polynomial(2, 2),
    "polymul 3x4": polynomial(3, 4),
}


def rows(target: Target | str) -> Factors:
    """The standard algorithm's factors of a target or of a name in `TARGETS`."""
    u, v, w = (factor.astype(np.int64) for factor in standard(_target(target)).factors)
    return u, v, w


def scheme_of(factors: Factors, target: Target | str, ring: str) -> Scheme:
    """The factors of a walk as a scheme."""
    held, p = parse_ring(ring), parse_ring(ring).characteristic
    u, v, w = (factor % p if p else factor for factor in factors)
    return Scheme(_target(target), held, u, v, w)


def exact(factors: Factors, target: Target | str, ring: str) -> bool:
    """Whether the factors of a walk are exactly the target over the ring."""
    return verify(scheme_of(factors, target, ring)).ok


def _target(target: Target | str) -> Target:
    return TARGETS[target] if isinstance(target, str) else target


def to_terms(factors: Factors, ring: str) -> TermSet:
    """The set of terms; all of them must differ."""
    terms = [normal([tuple(map(int, x)) for x in row], ring) for row in zip(*factors, strict=True)]
    assert len(set(terms)) == len(terms)
    return frozenset(terms)


def to_factors(terms: TermSet) -> Factors:
    """The terms as matrices, in sorted order."""
    u, v, w = (np.array(side, np.int64) for side in zip(*sorted(terms), strict=True))
    return u, v, w


def distinct(factors: Factors) -> bool:
    """Whether no two rows are equal; the oracle's sets cannot hold such schemes."""
    joined: Matrix = np.concatenate(factors, axis=1)
    return len(np.unique(joined, axis=0)) == len(joined)


@njit
def _stand(ints, words):
    """Build the lists of a walk at its best scheme, reducible or not."""
    kernel.load_best(kernel.memory_of(ints, words))


@njit
def _climb(ints, words, split):
    return kernel.transition(kernel.memory_of(ints, words), split)


def unreduced(factors: Factors, ring: str, seed: int, settings: Settings = BARE) -> WalkState:
    """A walk that stands at a scheme as it is, while `start` merges what can be merged; no factor may be zero."""
    state = start(factors, ring, seed, settings)
    packed = pack(factors, ring, int(state.words[at.WIDTH]))
    shape = at.Shape(int(state.words[at.RING]), int(state.words[at.WIDTH]), int(state.words[at.CAPACITY]))
    state.words[shape.best_at : shape.best_at + packed.size] = packed.ravel()
    state.words[at.BEST] = len(packed)
    _stand(state.ints, state.words)
    return state


def flip(state: WalkState) -> None:
    """A single flip, without the merges that it allows: the reductions sleep."""
    state.words[at.HOLD_UNTIL] = FOREVER
    walk(state, 1)


def climb(state: WalkState, split: bool) -> bool:
    """One plus transition, or one split; whether one was possible."""
    return bool(_climb(state.ints, state.words, split))


def leaves(state: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a state and of the states nested in it, by name; a walk as a checkpoint holds it."""
    for field in dataclasses.fields(state):
        value = getattr(state, field.name)
        if KEPT in field.metadata:
            value = field.metadata[KEPT].to_form(value)
        if dataclasses.is_dataclass(value) and field.name != "problem":
            yield from ((f"{field.name}.{name}", leaf) for name, leaf in leaves(value))
        else:
            yield field.name, value
