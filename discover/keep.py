"""The one way of whatever was found into a catalog: proved, with the command that finds it again and its parents."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bilinear.decompositions import Approximation, Scheme, Verification, __version__, verify
from bilinear.decompositions.transforms.exact import ExactTransform
from bilinear.decompositions.transforms.transform import Transform
from bilinear.decompositions.verify import second_method

if TYPE_CHECKING:
    from bilinear.catalog.entries import Lineage, Provenance
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.text import AnyEntry
    from bilinear.catalog.writing import Added

HASH_WORD = 16
"""Digits of a parent's hash on a command line."""


@dataclass(frozen=True)
class Made:
    """How something was found.

    Attributes:
        solver: The search method.
        words: Of the command line that finds it again, after `bilinear`.
        rank: That was asked for; None for as few products as possible.
        parameters: Hyperparameters, those that are not the defaults.
        seed: Of the random numbers; None if there were none.
        steps: Until it was found; None if they are not counted.
        threads: That it was found with.
        cpu_seconds: Spent on it.
        parents: Content hashes of what it was begun from.
        recipe: How it came of them; empty without parents.
    """

    solver: str
    words: Sequence[str]
    rank: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    steps: int | None = None
    threads: int = 1
    cpu_seconds: float = 0.0
    parents: tuple[str, ...] = ()
    recipe: str = ""

    @property
    def command(self) -> str:
        """The command line that finds it again."""
        return shlex.join(["bilinear", *self.words])

    @property
    def provenance(self) -> Provenance:
        """What an entry says of it."""
        from bilinear.catalog.entries import Provenance

        return Provenance(
            solver=self.solver,
            parameters=dict(self.parameters),
            rank=self.rank,
            seed=self.seed,
            steps=self.steps,
            threads=self.threads,
            cpu_seconds=round(self.cpu_seconds, 3),
            version=__version__,
            command=self.command,
        )

    @property
    def lineage(self) -> Lineage:
        """What an entry says of its parents."""
        from bilinear.catalog.entries import Lineage

        return Lineage(parents=self.parents, recipe=self.recipe)


@dataclass(frozen=True)
class ProvedTransform:
    """Exact factors of a transform, with their proof.

    Attributes:
        transform: What they are of.
        exact: The factors over their number field.
        verification: That their product is the transform.
    """

    transform: Transform
    exact: ExactTransform
    verification: Verification


def keep(catalog: Catalog, found: Scheme | Approximation | ProvedTransform, made: Made) -> Added:
    """Prove what was found and add it to the user's folder of a catalog.

    Raises:
        CatalogError: If an approximation is no nearer to its target than nothing.
        StoreError: If the folder cannot be written.
    """
    return catalog.add(entry_of(found, made))


def entry_of(found: Scheme | Approximation | ProvedTransform, made: Made) -> AnyEntry:
    """The entry that `keep` adds; a scheme is proved on its symbols here, and exactly when it is added.

    One that has too many terms for symbols is checked at a random point instead.

    Raises:
        WrongSchemeError: If a scheme does not compute its target.
    """
    from bilinear.catalog.convert import entry_from_approximation, entry_from_scheme
    from bilinear.catalog.errors import WrongSchemeError
    from bilinear.catalog.transforms import entry_from_transform

    past, lineage = made.provenance, made.lineage
    if isinstance(found, Approximation):
        return entry_from_approximation(found, past, lineage)
    if isinstance(found, ProvedTransform):
        return entry_from_transform(found.transform, found.exact, past, lineage, [found.verification])
    second = verify(found, second_method(found))
    if not second.ok:
        raise WrongSchemeError(f"a scheme that was found is wrong: {second.detail}", second)
    return entry_from_scheme(found, past, lineage, [second])


def start_words(parents: Sequence[str]) -> list[str]:
    """`--start HASH` for each parent."""
    return [word for parent in parents for word in ("--start", parent[:HASH_WORD])]


def option_words(parameters: Mapping[str, Any]) -> list[str]:
    """`--option NAME=VALUE` for each hyperparameter."""
    return [word for name, value in parameters.items() for word in ("--option", f"{name}={value}")]
