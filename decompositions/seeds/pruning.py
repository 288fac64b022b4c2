"""Seeds from exact schemes: products are dropped one by one, and those that stay make up for them."""

from __future__ import annotations

from functools import reduce

import numpy as np

from bilinear.decompositions import operations
from bilinear.decompositions.constructions import standard, strassen, winograd
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.fitting import fitted
from bilinear.decompositions.floats import float_factors
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.seeds.decoder import Floats, decoded, flat_outputs, flat_products
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul

TIE = 1e-9
RIDGE = 1e-10
"""Added to the Gram matrix of unit columns, so that products that depend on others have an inverse too."""


def pruned(source: Scheme | Approximation, rank: int, rng: np.random.Generator) -> Approximation:
    """Drop products until `rank` are left, each time the one without which the others come nearest.

    After every step the output factors are solved for again by least squares. Without product q the squared residual
    grows by |w_q|^2 / (G^-1)_qq, with G the Gram matrix of the products.

    Args:
        source: Any scheme with real coefficients in characteristic 0, or an approximation.
        rank: Products to keep.
        rng: Decides between products that cost the same.

    Raises:
        TargetError: If the source has fewer products, is one over `f2` or `f3`, or has imaginary coefficients.
    """
    target = source.target
    if not 1 <= rank <= source.rank:
        raise TargetError(f"{target.short}: {rank} of {source.rank} products cannot be kept; give 1 to {source.rank}")
    u, v = _real(source)
    kept = _kept(flat_products(target, u, v), flat_outputs(target), rank, rng)
    return decoded(target, u[kept], v[kept])


def grown(source: Approximation, pool: Scheme | Approximation, rank: int) -> Approximation:
    """Add products of another scheme until there are `rank`, each time the one that comes nearest with those before.

    Args:
        source: What is added to.
        pool: A scheme or approximation of the same target to choose from.
        rank: Products wanted.

    Raises:
        TargetError: If the pool has too few products.
    """
    target, missing = source.target, rank - source.rank
    if not 0 <= missing <= pool.rank:
        raise TargetError(f"{target.short}: {source.rank} products cannot be made {rank} with {pool.rank} others")
    u, v = _real(pool)
    basis, outputs = np.linalg.qr(flat_products(target, source.u, source.v))[0], flat_outputs(target)
    rest = flat_products(target, u, v)
    outputs, rest = outputs - basis @ (basis.T @ outputs), rest - basis @ (basis.T @ rest)
    added: list[int] = []
    for _ in range(missing):
        norms = np.maximum((rest**2).sum(axis=0), RIDGE)
        gains = ((rest.T @ outputs) ** 2).sum(axis=1) / norms
        gains[added] = -1
        added.append(int(gains.argmax()))
        direction = rest[:, added[-1]] / np.sqrt(norms[added[-1]])
        outputs = outputs - np.outer(direction, direction @ outputs)
        rest = rest - np.outer(direction, direction @ rest)
    return decoded(target, np.concatenate([source.u, u[added]]), np.concatenate([source.v, v[added]]))


def _real(source: Scheme | Approximation) -> tuple[Floats, Floats]:
    if isinstance(source, Approximation):
        return source.u, source.v
    if source.ring.characteristic or source.ring is Ring.QI:
        raise TargetError(f"a scheme over {source.ring} is no real approximation; zt, z or q is needed")
    u, v, _ = float_factors(source)
    return u, v


def _kept(products: Floats, outputs: Floats, rank: int, rng: np.random.Generator) -> list[int]:
    """Columns left after backward elimination; the inverse Gram matrix is updated at each step."""
    scale = np.linalg.norm(products, axis=0)
    columns = products / np.where(scale > 0, scale, 1)
    inverse = np.linalg.inv(columns.T @ columns + RIDGE * np.eye(columns.shape[1]))
    image = columns.T @ outputs
    kept = np.arange(columns.shape[1])
    while len(kept) > rank:
        growth = ((inverse @ image) ** 2).sum(axis=1) / np.diag(inverse)
        dropped = int(rng.choice(np.flatnonzero(growth <= growth.min() + TIE)))
        column = inverse[:, dropped]
        inverse = inverse - np.outer(column, column) / column[dropped]
        rest = np.arange(len(kept)) != dropped
        inverse, image, kept = inverse[np.ix_(rest, rest)], image[rest], kept[rest]
    return [int(q) for q in kept]


def pruned_standard(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """The standard algorithm, of which as many products are dropped as must be: residual 1 - rank / products."""
    return pruned(standard(target), rank, rng)


def pruned_strassen(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Strassen's algorithm in as many levels as the sizes are even, with products dropped.

    Raises:
        TargetError: If the target is no `matmul`, or Strassen's algorithm has fewer products.
    """
    return pruned(strassen_levels(target), rank, rng)


def pruned_winograd(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Likewise with Winograd's variant, one of whose products can be left out for an error of 1/8 alone.

    Raises:
        TargetError: If the target is no `matmul`, or the algorithm has fewer products.
    """
    return pruned(strassen_levels(target, winograd()), rank, rng)


def strassen_exactly(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Strassen's algorithm as it is.

    Raises:
        TargetError: If the target is no `matmul`, or the rank is another one.
    """
    scheme = strassen_levels(target)
    if scheme.rank != rank:
        raise TargetError(f"strassen has {scheme.rank} products for {target.short}, not {rank}; choose pruned-strassen")
    return decoded(target, *_real(scheme))


def strassen_levels(target: Target, base: Scheme | None = None) -> Scheme:
    """Strassen's algorithm on blocks while all sizes are even, then on what is left, joined with standard products.

    Args:
        target: The format.
        base: Another scheme of 2x2x2 in place of Strassen's.

    Raises:
        TargetError: If the target is no `matmul`.
    """
    if target.family != "matmul":
        raise TargetError(f"{target.short}: Strassen's algorithm multiplies matrices; choose another seed")
    base = base or strassen()
    sizes, levels = target.sizes, 0
    while min(sizes) > 1 and all(size % 2 == 0 for size in sizes):
        sizes, levels = tuple(size // 2 for size in sizes), levels + 1
    rest = matmul(*sizes)
    inner = fitted(base, rest) if min(sizes) > 1 else standard(rest)
    return reduce(operations.kronecker, [base] * levels, inner)
