"""What a search begins from, as users name it: an entry, a file of any known format, or a seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bilinear.decompositions.operations import canonical
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.seeds import seed
from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import ProblemError
from bilinear.discover.keep import Made, keep

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

PREFIX = "seed:"


class Start(NamedTuple):
    """A scheme or an approximation to begin from.

    Attributes:
        query: As the user named it.
        given: What it is.
        drawn: Whether it is a seed.
        rng_seed: That a seed was drawn with.
        file: Of another program, that it was read from.
        note: What the user should know of that file; empty if nothing.
    """

    query: str
    given: Scheme | Approximation
    drawn: bool = False
    rng_seed: int = 0
    file: Path | None = None
    note: str = ""


def is_seed(query: str) -> bool:
    """Whether a start is drawn, not read."""
    return query.startswith(PREFIX)


def start(catalog: Catalog, query: str, target: Target | None, rank: int | None, rng_seed: int = 0) -> Start:
    """The start of that name.

    Args:
        catalog: Where ids are looked up.
        query: An id, the beginning of a hash, `2x2x2:7`, `approximation:2x2x2:6`, `seed:NAME`, or the path of an entry
            or of a file of another program that holds one scheme.
        target: What is searched for; None if that is what the start says.
        rank: Products searched for; None for as few as possible.
        rng_seed: Of a seed.

    Raises:
        ProblemError: If a seed has no target or no rank, or an approximation's target or rank is another one.
        BilinearError: If there is no such entry, file or seed.
    """
    from bilinear.catalog.importing import foreign

    if is_seed(query):
        return Start(query, _seed(query, target, rank, rng_seed), True, rng_seed)
    if (read := foreign(catalog, Path(query))) is not None:
        return Start(query, read.scheme, file=Path(query), note=read.note)
    given = catalog.factors(query).value
    if target is not None and isinstance(given, Approximation) and given.target != canonical(target):
        raise ProblemError(f"start {query}: an approximation of {given.target.short}; {target.short} is searched for")
    if rank is not None and isinstance(given, Approximation) and given.rank != rank:
        raise ProblemError(f"start {query}: {given.rank} products; {rank} are searched for: give --rank {given.rank}")
    return Start(query, given)


def _seed(query: str, target: Target | None, rank: int | None, rng_seed: int) -> Approximation:
    if target is None:
        raise ProblemError(f"start {query}: a seed of what? Give --target, such as 4x4x4")
    if rank is None:
        raise ProblemError(f"start {query}: a seed of {target.short} with how many products? Give --rank")
    return seed(query.removeprefix(PREFIX), canonical(target), rank, np.random.default_rng(rng_seed))


def keep_starts(catalog: Catalog, starts: Sequence[Start]) -> list[Added]:
    """Add the seeds and the files among the starts, so that what came of them has its parents in the catalog.

    A seed that is no nearer to its target than nothing cannot be kept.

    Returns:
        What became of the seeds.

    Raises:
        StoreError: If the folder cannot be written.
    """
    from bilinear.catalog.importing import import_paths

    import_paths(catalog, [one.file for one in starts if one.file is not None])
    added = []
    for one in starts:
        if not one.drawn or not isinstance(one.given, Approximation) or one.given.residual >= 1:
            continue
        target, rank, drawn_with = one.given.target.short, str(one.given.rank), str(one.rng_seed)
        words = ["refine", one.query, "--target", target, "--rank", rank, "--seed", drawn_with, "--steps", "0"]
        made = Made(one.query, words, rank=one.given.rank, seed=one.rng_seed, steps=0)
        added.append(keep(catalog, one.given, made))
    return added
