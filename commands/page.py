"""The command that writes the catalog as a static site."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bilinear.commands.choice import Choice, with_choice
from bilinear.commands.common import as_json, print_json, say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@click.command()
@with_choice
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The site's folder; new, empty, or a site.")
@click.option("--serve", is_flag=True, help="Serve it on 127.0.0.1 and open the browser; Ctrl-C ends it.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of --serve; one that is free if not given.")
@as_json
@with_catalog
def page(choice: Choice, out: Path | None, serve: bool, port: int, as_json: bool, catalog: Catalog) -> None:
    """Write the catalog as a site: an index, and a page for each entry, on which the browser proves it.

    It needs no server and asks nothing of any other place: open index.html. A second run makes only what changed.
    With --serve and no --out the site lies in your cache folder.
    """
    from bilinear.commands.screen import counted
    from bilinear.commands.site.build import build
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.operations import canonical

    if out is None and not serve:
        raise click.UsageError("no folder for the site: give --out DIR, or --serve")
    folder = _cached() if out is None else out
    target = None if choice.target is None else canonical(parse_target(choice.target))
    listings = choice.of(catalog)
    with counted("pages", len(listings)) as on_progress:
        built = build(catalog, listings, folder, target, on_progress)
    if as_json:
        keys = ("entries", "made", "removed", "index_bytes")
        print_json({"index": str(built.index)} | {key: getattr(built, key) for key in keys})
    else:
        tell(built.index)
        kept = built.entries - built.made
        say(f"{built.entries} entries: {built.made} pages made, {kept} kept, {built.removed} removed")
    if serve:
        _serve(folder, port)


def _cached() -> Path:
    """The folder of a site that is only looked at."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("bilinear")) / "site"


def _serve(folder: Path, port: int) -> None:
    import webbrowser

    from bilinear.commands.site.server import serve

    def opened(address: str) -> None:
        say(f"serving {address}; Ctrl-C ends it")
        webbrowser.open(address)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it is started in the background of a script
    serve(folder, port, opened)
