"""Plain .npz archives: arrays U, V, W (or u, v, w), a row or a column a product, C in either order.

Source: what most programs save. Nothing in such a file says how it is meant: the number of products is the side that
all three arrays share, the map is told by the other sides, and the proof decides between the readings.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.formats import arrays
from bilinear.decompositions.formats.alphatensor import matrix
from bilinear.decompositions.formats.draft import Draft, likely, transposed
from bilinear.decompositions.formats.numbers import FormatError, from_array
from bilinear.decompositions.formats.source import Format, Source, fractions, sizes
from bilinear.decompositions.scheme import Scheme

NAME = "npz"
MANY_CELLS = 1 << 22
"""Coefficients from which on only the likeliest orientation is tried."""


def matches(source: Source) -> bool:
    """An archive with three arrays U, V and W."""
    return source.data.startswith(arrays.ZIP_MAGIC) and _names(source) is not None


def _names(source: Source) -> tuple[str, str, str] | None:
    """What the three arrays are called."""
    there = arrays.members(source.data)
    return next((names for names in (("U", "V", "W"), ("u", "v", "w")) if there.keys() >= set(names)), None)


def read(source: Source) -> Iterator[Draft]:
    """The one scheme of the archive, in the reading that is proved."""
    names = _names(source)
    if names is None:
        raise FormatError("no arrays U, V and W; the three factors are needed")
    found = dict(arrays.arrays(source.data, names))
    factors = [found[name] for name in names]
    for name, factor in zip(names, factors, strict=True):
        if not isinstance(factor, np.ndarray) or factor.ndim != 2 or not factor.size:
            raise FormatError(f"{name}: no matrix; an array with two axes is needed")
    readings = _readings(source, factors)  # type: ignore[arg-type]  # they are arrays, as was just seen
    first = next(readings, None)
    if first is None:
        shapes = ", ".join(str(factor.shape) for factor in factors)  # type: ignore[union-attr]
        raise FormatError(f"unknown map: arrays of shapes {shapes} share no number of products of a known map")
    yield replace(first, others=lambda: readings)


def _readings(source: Source, factors: list[NDArray[Any]]) -> Iterator[Draft]:
    """What the arrays may mean: products in rows or columns, each map of that shape, C as it is or transposed."""
    for turned in _turned(factors):
        try:
            targets = likely(*(factor.shape[1] for factor in turned))
        except FormatError:
            continue
        u, v, w = map(from_array, turned)
        for target in targets:
            draft = Draft(
                target,
                u,
                v,
                w,
                source.whole,
                source.named_characteristic,
                claimed_rank=source.named_rank,
                is_named=source.names(target),
            )
            yield draft
            if target.family == "matmul":
                n, _, p = target.sizes
                yield replace(draft, w=transposed(w, p, n))


def _turned(factors: list[NDArray[Any]]) -> list[list[NDArray[Any]]]:
    """The factors with a product a row: all of them as they are, all turned, then some; of large ones one way."""
    every = [
        [factor.T if turn else factor for factor, turn in zip(factors, turns, strict=True)]
        for turns in sorted(product((False, True), repeat=3), key=lambda turns: len(set(turns)))
    ]
    fit = [turned for turned in every if len({len(factor) for factor in turned}) == 1]
    return fit if sum(factor.size for factor in factors) < MANY_CELLS else fit[:1]


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """U, V and W with a row a product, C as it is; integers as int64, binary fractions as float64.

    Raises:
        FormatError: If it is no real matrix multiplication.
        SchemeError: If a coefficient is no float64.
    """
    sizes(scheme, NAME)
    buffer = io.BytesIO()
    factors: tuple[list[Any], ...] = fractions(scheme)
    u, v, w = (matrix(scheme, rows).T for rows in factors)
    np.savez_compressed(buffer, U=u, V=v, W=w)
    return {"": buffer.getvalue()}


FORMAT = Format("plain .npz: arrays U, V, W in either orientation, C in either order", matches, read, write)
