"""What a shell offers in the place of a value: ids, targets, solvers, their options, coefficient sets, formats."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
Values = Callable[[click.Context, str], Iterable[str]]


def completer(values: Values) -> Completer:
    """The values that begin as what was typed does; none where they cannot be told, since no shell shows errors."""

    @functools.wraps(values)
    def offered(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nothing is told in the middle of a line that is typed
            try:
                return [CompletionItem(value) for value in values(context, typed) if value.startswith(typed)]
            except Exception:  # a catalog that cannot be read, a package at fault
                return []

    return offered


def or_file(values: Completer) -> Completer:
    """The same; where nothing begins so, whatever files there are."""

    def offered(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        return values(context, parameter, typed) or [CompletionItem(typed, type="file")]

    return offered


@completer
def ids(context: click.Context, typed: str) -> Iterable[str]:
    """Entries by id; behind a target and a colon their ranks."""
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical

    catalog = Catalog(context.params.get("folder"))
    if ":" not in typed:
        return [listing.id for listing in catalog]
    name = typed.rpartition(":")[0]
    ranks = {listing.rank for listing in catalog.of_target(canonical(parse_target(name))) if listing.kind == "scheme"}
    return [f"{name}:{rank}" for rank in sorted(rank for rank in ranks if rank is not None)]


@completer
def seeds(context: click.Context, typed: str) -> Iterable[str]:
    """Approximations to begin from."""
    from bilinear.decompositions.seeds import SEEDS
    from bilinear.discover.starts import PREFIX

    return [f"{PREFIX}{name}" for name in SEEDS]


def entries(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Entries, or files."""
    return or_file(ids)(context, parameter, typed)


def starts(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Entries, seeds, or files."""
    found = [*ids(context, parameter, typed), *seeds(context, parameter, typed)]
    return found or [CompletionItem(typed, type="file")]


@completer
def targets(context: click.Context, typed: str) -> Iterable[str]:
    """Families, with a colon where parameters follow; behind a digit the formats of matrices that are published."""
    from bilinear.catalog.records import formats
    from bilinear.decompositions.targets.parse import TARGETS, family_of

    if typed[:1].isdigit():
        return ["x".join(map(str, sizes)) for sizes in formats()]
    return [f"{name}:" if ":" in family.usage else name for name, family in TARGETS.each(family_of)]


@completer
def transforms(context: click.Context, typed: str) -> Iterable[str]:
    """Linear transforms."""
    from bilinear.decompositions.transforms.parse import TRANSFORMS

    return TRANSFORMS.names()


@completer
def rings(context: click.Context, typed: str) -> Iterable[str]:
    """Coefficient sets."""
    from bilinear.decompositions.rings import Ring

    return map(str, Ring)


@completer
def solvers(context: click.Context, typed: str) -> Iterable[str]:
    """Search methods, and the one that is taken if none is named."""
    from bilinear.discover.engine.solver import SOLVERS

    default = next((one.default for one in context.command.params if one.name == "solver"), None)
    return [*([default] if isinstance(default, str) else []), *SOLVERS]


@completer
def transform_solvers(context: click.Context, typed: str) -> Iterable[str]:
    """Search methods for transforms."""
    from bilinear.discover.transforms.solver import TRANSFORM_SOLVERS

    return TRANSFORM_SOLVERS.names()


@completer
def hyperparameters(context: click.Context, typed: str) -> Iterable[str]:
    """`NAME=` of the options of the solver that is named; of all solvers if none is."""
    from bilinear.discover.engine.describe import describe
    from bilinear.discover.engine.solver import SOLVERS

    named = str(context.params.get("solver"))
    found = [describe(named)] if named in SOLVERS else [one for _, one in SOLVERS.each(describe)]
    return sorted({f"{option.name}=" for one in found for option in one.options})


@completer
def languages(context: click.Context, typed: str) -> Iterable[str]:
    """Languages of generated code."""
    from bilinear.decompositions.codegen import LANGUAGES

    return LANGUAGES.names()


@completer
def file_formats(context: click.Context, typed: str) -> Iterable[str]:
    """Formats that schemes are written in."""
    from bilinear.catalog.importing import OWN
    from bilinear.decompositions.evaluation.filter_files import NAME
    from bilinear.decompositions.formats import FORMATS

    return [OWN, NAME, *FORMATS]


@completer
def methods(context: click.Context, typed: str) -> Iterable[str]:
    """Ways to verify a scheme."""
    from bilinear.decompositions.verify import METHODS

    return METHODS.names()


@completer
def devices(context: click.Context, typed: str) -> Iterable[str]:
    """Where batched searches run."""
    return ["cpu", "cuda"]


@completer
def topics(context: click.Context, typed: str) -> Iterable[str]:
    """Guides and commands that `bilinear help` shows."""
    from bilinear.commands.words.guides import guides

    group = context.find_root().command
    assert isinstance(group, click.Group)
    return sorted({*guides(), *group.commands})
