"""Which entries a command is about: of one target, found here or published, shipped or yours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands import values

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    Attributes:
        target: Only this one, in any order of its sizes; all of them if None.
        found_here: Only what was found here.
        published: Only what others found, and what is made of it.
        shipped: Only what came with the program.
        yours: Only what lies in your folder.

    Raises:
        click.UsageError: If two of them leave nothing.
    """

    target: str | None = None
    found_here: bool = False
    published: bool = False
    shipped: bool = False
    yours: bool = False

    def __post_init__(self) -> None:
        for one, other in (("found_here", "published"), ("shipped", "yours")):
            if getattr(self, one) and getattr(self, other):
                raise click.UsageError(f"--{one.replace('_', '-')} and --{other} leave nothing; give one of them")

    def of(self, catalog: Catalog) -> list[Listing]:
        """The entries; yours are read to tell who found them.

        Raises:
            BilinearError: If there is no such target.
        """
        from bilinear.decompositions import parse_target
        from bilinear.decompositions.operations import canonical

        every = list(catalog) if self.target is None else catalog.of_target(canonical(parse_target(self.target)))
        listings = [one for one in every if not (self.yours if one.shipped else self.shipped)]
        return self._of_origin(catalog, listings) if self.found_here or self.published else listings

    def _of_origin(self, catalog: Catalog, listings: list[Listing]) -> list[Listing]:
        from bilinear.catalog.origins import Origins
        from bilinear.commands.screen import counted

        origins = Origins(catalog)
        kept = []
        with counted("reading", len(listings)) as on_progress:
            for listing in listings:
                on_progress(listing.id)
                if origins.found_here(listing) == self.found_here:
                    kept.append(listing)
        return kept


def with_choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add TARGET and the options that choose entries, and hand the choice over."""

    @click.argument("only", required=False, metavar="[TARGET]", shell_complete=values.targets)
    @click.option(
        "--target", shell_complete=values.targets, help="The same: only this target, in any order of its sizes."
    )
    @click.option(
        "--found-here", is_flag=True, help="Only what was found here: no lineage leads to what others published."
    )
    @click.option("--published", is_flag=True, help="Only what others found, and what is made of it.")
    @click.option("--shipped", is_flag=True, help="Only what came with the program.")
    @click.option("--yours", is_flag=True, help="Only what lies in your folder.")
    @functools.wraps(command)
    def chosen(*args: Any, only: str | None, target: str | None, **options: Any) -> Any:
        if only is not None and target is not None:
            raise click.UsageError(f"{only} and --target {target}: one target is enough")
        origin = {name: options.pop(name) for name in ("found_here", "published", "shipped", "yours")}
        return command(*args, choice=Choice(only if target is None else target, **origin), **options)

    return chosen
