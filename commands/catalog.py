"""The commands of `bilinear catalog`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.choice import Choice, with_choice
from bilinear.commands.common import (
    DONE,
    NOT_FOUND,
    WRONG_USE,
    as_json,
    print_json,
    print_lines,
    say,
    tell,
    with_catalog,
    with_picture,
)
from bilinear.commands.show import show

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


MISSING = 8
"""Largest size of the formats that `status --missing` shows, if none is given."""


@click.group("catalog")
def catalog_group() -> None:
    """Verified entries: list, show, check, add, remove, merge, compare, replay."""


@catalog_group.command("list")
@with_choice
@click.option("--figures", "with_figures", is_flag=True, help="Also additions and growth; every entry is read.")
@as_json
@with_catalog
def list_entries(choice: Choice, with_figures: bool, as_json: bool, catalog: Catalog) -> None:
    """List the entries, yours and the shipped ones; of TARGET alone if one is named, in any order of its sizes."""
    from bilinear.commands.words.catalog import listings_as_lines, listings_as_list

    listings = choice.of(catalog)
    found = None
    if with_figures:
        from bilinear.commands.screen import counted
        from bilinear.discover.figures import figures

        with counted("reading", len(listings)) as on_progress:
            found = figures(catalog, listings, on_progress)
        listings = [figure.listing for figure in found]
    if as_json:
        print_json(listings_as_list(listings, found))
    else:
        print_lines(listings_as_lines(listings, found))


catalog_group.add_command(show)


@catalog_group.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@with_catalog
def add(files: tuple[str, ...], catalog: Catalog) -> None:
    """Verify entries from files and add them to your catalog."""
    from bilinear.catalog.parts import proved_file

    for file in files:
        (added,) = catalog.add_all([proved_file(catalog, Path(file))])
        tell(f"{file}: {added.status}: {added.id}{'; ' if added.note else ''}{added.note}")


@catalog_group.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=values.ids)
@with_catalog
def remove(ids: tuple[str, ...], catalog: Catalog) -> None:
    """Take entries out of your catalog."""
    for name in ids:
        tell(f"removed {catalog.remove(name).id}")


@catalog_group.command()
@click.argument("other", type=click.Path(path_type=Path), metavar="DIR")
@as_json
@with_catalog
@click.pass_context
def merge(context: click.Context, other: Path, as_json: bool, catalog: Catalog) -> None:
    """Verify every entry of another catalog and add it; bad files are reported and passed over."""
    from bilinear.catalog.importing import merge as merged

    report = merged(catalog, other)
    if report.interrupted:
        raise KeyboardInterrupt
    words = {"imported": "added", "duplicate": "duplicate", "wrong": "wrong", "unreadable": "unreadable"}
    counts = {word: report.count(status) for status, word in words.items()}
    if as_json:
        files = [{"path": str(r.path), "status": words[r.status], "detail": r.detail} for r in report.results]
        print_json(counts | {"files": files})
    else:
        for result in report.results:
            if result.status in ("wrong", "unreadable"):
                tell(f"{result.status}: {result.detail}", err=True)
        tell(", ".join(f"{count} {word}" for word, count in counts.items()))
    context.exit(NOT_FOUND if counts["wrong"] or counts["unreadable"] else DONE)


@catalog_group.command()
@click.argument("other", type=click.Path(path_type=Path), metavar="DIR")
@as_json
@with_catalog
def diff(other: Path, as_json: bool, catalog: Catalog) -> None:
    """Compare with another catalog: entries on one side only, and the best ranks on both."""
    from bilinear.catalog.differences import diff as compared
    from bilinear.commands.words.catalog import diff_as_dict, diff_as_lines

    found = compared(catalog, other)
    if as_json:
        print_json(diff_as_dict(found))
    else:
        print_lines(diff_as_lines(found))


@catalog_group.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR|FILE")
@click.option(
    "--ring",
    shell_complete=values.rings,
    default="q",
    show_default=True,
    help="What ranks of a table that name no set are of.",
)
@click.option("--all", "everything", is_flag=True, help="Also the formats in which both are equal.")
@as_json
@with_catalog
@click.pass_context
def compare(context: click.Context, path: Path, ring: str, everything: bool, as_json: bool, catalog: Catalog) -> None:
    """Compare with the schemes or the table of ranks of others: per format, who is ahead.

    Schemes in any known format are proved now; of a table (JSON, CSV, text) it is believed what it says, and shown
    so. What cannot be used is told line by line, with exit code 1; with exit code 2 if nothing can.
    """
    from bilinear.catalog.comparison import compare as compared
    from bilinear.commands.screen import shares_done
    from bilinear.commands.words.comparison import comparison_as_dict, comparison_as_lines

    with shares_done("comparing") as on_progress:
        rows, faults = compared(catalog, path, ring, on_progress)
    if as_json:
        print_json(comparison_as_dict(rows, faults))
    else:
        for fault in faults:
            tell(fault, err=True)
        print_lines(comparison_as_lines(rows, everything))
    context.exit((DONE if not faults else NOT_FOUND) if rows else WRONG_USE)


@catalog_group.command()
@click.option("--ring", shell_complete=values.rings, help="Only this coefficient set, with the entries and the bounds.")
@click.option("--target", shell_complete=values.targets, help="Only this target, with the entries and the bounds.")
@click.option("--behind", is_flag=True, help="Only where the rank here is above the published one.")
@click.option("--missing", is_flag=True, help="Also formats of which nothing is here.")
@click.option(
    "--largest", type=click.IntRange(1), metavar="N", help=f"Formats with no size above N; --missing alone: {MISSING}."
)
@with_picture("--plot", "a table of formats for each coefficient set")
@as_json
@with_catalog
def status(
    ring: str | None,
    target: str | None,
    behind: bool,
    missing: bool,
    largest: int | None,
    out: Path | None,
    as_json: bool,
    catalog: Catalog,
) -> None:
    """Compare the ranks here with the published ones and the proven bounds; what is below the tables first."""
    from bilinear.catalog.status import status as compared
    from bilinear.commands.pictures.status import plot_status
    from bilinear.commands.words.catalog import LEGEND, status_as_grid, status_as_lines, status_as_list
    from bilinear.decompositions import parse_target

    if missing and largest is None and target is None:
        largest = MISSING
        say(f"formats with no size above {MISSING}; --largest N shows others")
    rows = compared(catalog, ring, None if target is None else parse_target(target))
    rows = [row for row in rows if (missing and not behind) or row.served is not None]
    rows = [row for row in rows if row.is_within(largest) and (row.is_behind or not behind)]
    if as_json:
        print_json(status_as_list(rows))
    elif ring is None and target is None:
        print_lines(status_as_grid(rows))
        say(LEGEND if rows else "")
    else:
        print_lines(status_as_lines(rows))
    if out is not None:
        apart = plot_status(rows, out)
        say(f"{out}: written{f'; {apart} targets that are no matrix products are not drawn' if apart else ''}")


@catalog_group.command()
@as_json
@with_catalog
@click.pass_context
def check(context: click.Context, as_json: bool, catalog: Catalog) -> None:
    """Read and prove every entry, yours and the shipped ones; the bad files are listed, with exit code 1."""
    from bilinear.catalog.checking import check as checked
    from bilinear.commands.screen import counted

    with counted("checking") as on_progress:
        found = checked(catalog, on_progress)
    if as_json:
        bad = [{"path": str(fault.path), "detail": fault.reason} for fault in found.faults]
        print_json({"entries": found.entries, "bad": bad})
    else:
        print_lines([*(fault.reason for fault in found.faults), f"{found.entries} right, {len(found.faults)} bad"])
    context.exit(NOT_FOUND if found.faults else DONE)


@catalog_group.command()
@click.argument("query", metavar="ID", shell_complete=values.ids)
@as_json
@with_catalog
@click.pass_context
def replay(context: click.Context, query: str, as_json: bool, catalog: Catalog) -> None:
    """Run the command that found an entry again and compare; exit code 0 if it finds the same scheme."""
    from bilinear.commands.screen import announcement, shown
    from bilinear.discover.engine.run import Hooks
    from bilinear.discover.engine.solver import SOLVERS
    from bilinear.discover.replay import replay as replayed

    entry = catalog.scheme(query).entry
    past = entry.provenance
    say(past.command, announcement(past.solver) if past.solver in SOLVERS else "")
    with shown("replaying", Hooks()) as hooks:
        found = replayed(entry, lambda parent: catalog.factors(parent).value, hooks)
    if as_json:
        print_json({"same": found.same, "detail": found.detail, "steps": found.steps})
    else:
        tell(found.detail)
    context.exit(DONE if found.same else NOT_FOUND)


@catalog_group.command()
@click.option("--target", shell_complete=values.targets, help="Only this format.")
@click.option("--remove", "removing", is_flag=True, help="Take your entries out that are the same as another one.")
@as_json
@with_catalog
def dedupe(target: str | None, removing: bool, as_json: bool, catalog: Catalog) -> None:
    """Sort the schemes into classes that a change of basis, or a permutation, takes to one another."""
    from bilinear.catalog.classes import classes, spare
    from bilinear.commands.screen import counted
    from bilinear.commands.words.catalog import classes_as_dict, classes_as_lines
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical

    wanted = None if target is None else canonical(parse_target(target))
    with counted("comparing") as on_progress:
        groups = classes(catalog, wanted, lambda listing: on_progress(listing.id))
    removed = [catalog.remove(listing.id) for listing in spare(catalog, groups)] if removing else []
    if as_json:
        print_json(classes_as_dict(groups, removed))
    else:
        print_lines([*classes_as_lines(groups), *(f"removed {listing.id}" for listing in removed)])


@catalog_group.command()
@click.argument("target", shell_complete=values.targets)
@with_picture("--plot", "additions against growth, in the colours of the ranks")
@as_json
@with_catalog
def pareto(target: str, out: Path | None, as_json: bool, catalog: Catalog) -> None:
    """Compare the schemes of TARGET by products, additions and growth of errors; * marks what no other one beats."""
    from bilinear.commands.pictures.pareto import plot_pareto
    from bilinear.commands.screen import counted
    from bilinear.commands.words.catalog import pareto_as_lines, pareto_as_list
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical
    from bilinear.discover.pareto import pareto as compared

    wanted = canonical(parse_target(target))
    with counted("reading") as on_progress:
        rows = compared(catalog, wanted, on_progress)
    if as_json:
        print_json(pareto_as_list(rows))
    else:
        print_lines(pareto_as_lines(rows))
    if out is not None:
        plot_pareto(rows, wanted.short, out)
        say(f"{out}: written")


@catalog_group.command()
@with_catalog
def path(catalog: Catalog) -> None:
    """Print the folder of your catalog."""
    tell(catalog.root)
