"""The command `bilinear`: parse, call, print. Data goes to stdout, words go to stderr.

Exit codes: 0 done, 1 not found or not valid, 2 wrong usage or input, 130 interrupted. One short function a command: the
file is as long as the list of commands.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from catalog.store import Catalog
    from discover.search import Result

DONE, NOT_FOUND, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
MAX_PRINTED = 64


class CommandLine(click.Group):
    """The group of commands; whatever goes wrong in one of them becomes one line and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command given by the arguments."""
        try:
            return super().main(*args, **kwargs)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def invoke(self, context: click.Context) -> Any:
        """Run the subcommand, turning its errors into one line each."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            context.exit(INTERRUPTED)
        except click.UsageError as error:
            _fail(context, error.format_message(), WRONG_USE)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(DONE)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except Exception as error:
            from catalog.errors import WrongSchemeError
            from decompositions import BilinearError

            if isinstance(error, BilinearError):
                _fail(context, str(error), NOT_FOUND if isinstance(error, WrongSchemeError) else WRONG_USE)
            if isinstance(error, MemoryError):
                _fail(context, f"out of memory: {error}; choose a smaller size", WRONG_USE)
            if isinstance(error, OSError):
                _fail(context, f"{error.filename or 'system'}: {error.strerror or error}", WRONG_USE)
            raise


def _fail(context: click.Context, text: str, code: int) -> None:
    click.echo(f"error: {' '.join(text.split())}", err=True)
    context.exit(code)


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bilinear", prog_name="bilinear")
def main() -> None:
    """Discover fast bilinear algorithms, prove them, keep them and put them to work."""


def with_catalog(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --catalog, and hand the opened catalog over."""

    @click.option("--catalog", "folder", metavar="DIR", help="Your catalog's folder (also BILINEAR_CATALOG).")
    @functools.wraps(command)
    def opened(*args: Any, folder: str | None, **kwargs: Any) -> Any:
        from catalog.store import Catalog

        return command(*args, catalog=Catalog(folder), **kwargs)

    return opened


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1))


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)


def _say(*words: str) -> None:
    """Lines on standard error; empty ones are left out."""
    for line in filter(None, words):
        click.echo(line, err=True)


@main.command()
@click.argument("target")
@click.option("--rank", type=int, help="Products wanted.")
@click.option("--ring", default="zt", show_default=True, help="Coefficient set: zt, z, q, qi, f2 or f3.")
@click.option("--solver", default="auto", show_default=True, help="Search method; auto says which it chose and why.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--budget", default="60s", show_default=True, help="Time or steps: 60s, 10m, 2h, 5000steps.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Seeds searched at once, a process each.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A hyperparameter of the solver.")
@click.option("--recipe", help="Short for --option recipe=...")
@click.option("--device", help="Short for --option device=... (cpu or cuda).")
@click.option("--start", "starts", multiple=True, metavar="ID|FILE", help="A scheme to begin from.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint of this search.")
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="Where the checkpoint is kept.")
@click.option("--metrics", type=click.Path(path_type=Path), metavar="FILE", help="Write figures there as JSON lines.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is found in the catalog.")
@click.option(
    "--export-layer", "layer", type=click.Path(path_type=Path), metavar="DIR", help="Also write an STL layer."
)
@as_json
@with_catalog
@click.pass_context
def search(
    context: click.Context, /, target: str, catalog: Catalog, save: bool, layer: Path | None, **asked: Any
) -> None:
    """Search for a scheme of TARGET (2x2x3, matmul:2x2x3, file:map.npy), prove it and keep it."""
    from decompositions import parse_target
    from decompositions.rings import parse_ring
    from discover.auto import resolve
    from discover.budget import parse_budget
    from discover.metrics import recorded
    from discover.progress import announcement, shown
    from discover.report import result_as_dict, result_as_lines, result_in_words
    from discover.run import Hooks
    from discover.search import Order, execute

    starts = tuple(catalog.scheme(query).scheme for query in asked["starts"])
    order = Order(
        parse_target(target),
        asked["rank"],
        parse_ring(asked["ring"]),
        asked["solver"],
        _options(asked),
        asked["seed"],
        parse_budget(asked["budget"]),
        starts,
        asked["jobs"],
        asked["checkpoint"],
        asked["resume"],
    )
    chosen, choice = resolve(order)
    title = f"{chosen.problem.short} by {chosen.solver}, seed {chosen.seed}"
    _say(title, choice, announcement(chosen.solver))
    with shown("searching", Hooks()) as hooks:
        kept = catalog if save else None
        result = recorded(asked["metrics"], chosen, hooks, lambda heard: execute(order, kept, heard))
    if asked["as_json"]:
        _print_json(result_as_dict(result))
    else:
        _say(*result_in_words(result, told=choice))
        _print(result_as_lines(result, catalog.root))
    if layer is not None and result.scheme is not None:
        _export(result.scheme, layer, result.added[0].id if result.added else None)
    if result.unsaved:
        _fail(context, result.unsaved, WRONG_USE)
    context.exit(_exit_code(result))


def _options(asked: dict[str, Any]) -> dict[str, object]:
    options: dict[str, object] = {}
    for text in asked["options"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text[:40]!r}: NAME=VALUE is needed")
        options[name.strip().replace("-", "_")] = value
    return options | {name: asked[name] for name in ("recipe", "device") if asked[name] is not None}


def _exit_code(result: Result) -> int:
    from discover.outcome import Status

    if result.outcome.status is Status.INTERRUPTED:
        return INTERRUPTED
    return DONE if result.scheme is not None else NOT_FOUND


@main.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A .png, .svg or .pdf file.")
def plot(file: Path, out: Path | None) -> None:
    """Plot the rank against time, from the FILE that `search --metrics FILE` wrote."""
    from discover.plot import plot as plotted

    out = out or file.with_suffix(".png")
    plotted(file, out)
    click.echo(out)


@main.command()
@click.argument("query", metavar="FILE|ID|-")
@click.option("--method", default="exact", show_default=True, help="exact, symbolic, random or numeric.")
@as_json
@with_catalog
@click.pass_context
def verify(context: click.Context, query: str, method: str, as_json: bool, catalog: Catalog) -> None:
    """Decide whether an entry computes its target; exit code 0 if it does, 1 if it does not."""
    from catalog.verifiers import check, name_of

    source, entry = _read_unverified(query, catalog)
    verification = check(entry, method)
    if as_json:
        keys = ("ok", "method", "field", "seconds", "detail", "error_probability")
        _print_json({"source": source, "claims": name_of(entry)} | {key: getattr(verification, key) for key in keys})
    else:
        odds = f", error probability {verification.error_probability:.1e}" if verification.error_probability else ""
        verdict = "is" if verification.ok else "is not"
        click.echo(f"{source}: {verdict} {name_of(entry)}: {verification.detail}")
        click.echo(
            f"{verification.method} check over {verification.field}, {verification.seconds:.3f} s{odds}", err=True
        )
    context.exit(DONE if verification.ok else NOT_FOUND)


def _read_unverified(query: str, catalog: Catalog) -> tuple[str, Any]:
    """An entry as it is written, and its name for messages; `-` is standard input."""
    from catalog.text import MAX_FILE, loads, read

    if query == "-":
        return "standard input", loads(sys.stdin.buffer.read(MAX_FILE + 1), "standard input")
    path = Path(query) if Path(query).is_file() else catalog.find(query).path
    return query, read(path)


@main.command()
@click.argument("query", metavar="ID|FILE")
@click.option("--all", "everything", is_flag=True, help="Print factors and formulas of any size.")
@as_json
@with_catalog
def show(query: str, everything: bool, as_json: bool, catalog: Catalog) -> None:
    """Show a scheme: factors, formulas, exponent, bounds, cost."""
    from discover.report import scheme_as_lines, served_as_dict, served_as_lines

    served = catalog.scheme(query)
    if as_json:
        _print_json(served_as_dict(served))
        return
    _say(served.note)
    _print([*served_as_lines(served), *scheme_as_lines(served.scheme, everything)])


@main.group("catalog")
def catalog_group() -> None:
    """Verified entries: list, show, add, remove, merge, compare, replay."""


@catalog_group.command("list")
@click.option("--target", help="Only this target, in any order of its sizes.")
@as_json
@with_catalog
def list_entries(target: str | None, as_json: bool, catalog: Catalog) -> None:
    """List the entries, yours and the shipped ones."""
    from decompositions import parse_target
    from decompositions.operations import canonical
    from discover.report import table

    listings = list(catalog) if target is None else catalog.of_target(canonical(parse_target(target)))
    if as_json:
        keys = ("id", "kind", "target", "ring", "rank", "hash", "shipped")
        _print_json([{key: getattr(x, key) for key in keys} | {"path": str(x.path)} for x in listings])
        return
    rows = [(x.id, x.kind, x.ring or "-", str(x.rank), "shipped" if x.shipped else "yours") for x in listings]
    _print(table(("id", "kind", "ring", "rank", "from"), rows))


catalog_group.add_command(show)


@catalog_group.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@with_catalog
def add(files: tuple[str, ...], catalog: Catalog) -> None:
    """Verify entries from files and add them to your catalog."""
    from catalog.store import read_file

    for file in files:
        added = catalog.add(read_file(Path(file)))
        click.echo(f"{file}: {added.status}: {added.id}{'; ' if added.note else ''}{added.note}")


@catalog_group.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@with_catalog
def remove(ids: tuple[str, ...], catalog: Catalog) -> None:
    """Take entries out of your catalog."""
    for name in ids:
        click.echo(f"removed {catalog.remove(name).id}")


@catalog_group.command()
@click.argument("other", type=click.Path(path_type=Path), metavar="DIR")
@as_json
@with_catalog
@click.pass_context
def merge(context: click.Context, other: Path, as_json: bool, catalog: Catalog) -> None:
    """Verify every entry of another catalog and add it; bad files are reported and passed over."""
    from catalog.exchange import merge as merged

    results = merged(catalog, other)
    counts = {word: sum(r.status == word for r in results) for word in ("added", "duplicate", "wrong", "unreadable")}
    if as_json:
        files = [{"path": str(r.path), "status": r.status, "detail": r.detail} for r in results]
        _print_json(counts | {"files": files})
    else:
        for result in results:
            if result.status in ("wrong", "unreadable"):
                click.echo(f"{result.status}: {result.detail}", err=True)
        click.echo(", ".join(f"{count} {word}" for word, count in counts.items()))
    context.exit(NOT_FOUND if counts["wrong"] or counts["unreadable"] else DONE)


@catalog_group.command()
@click.argument("other", type=click.Path(path_type=Path), metavar="DIR")
@as_json
@with_catalog
def diff(other: Path, as_json: bool, catalog: Catalog) -> None:
    """Compare with another catalog: entries on one side only, and the best ranks on both."""
    from catalog.exchange import diff as compared
    from discover.report import diff_as_dict, diff_as_lines

    found = compared(catalog, other)
    if as_json:
        _print_json(diff_as_dict(found))
    else:
        _print(diff_as_lines(found))


@catalog_group.command()
@click.option("--ring", help="Only this coefficient set.")
@click.option("--missing", is_flag=True, help="Also formats of which nothing is here.")
@as_json
@with_catalog
def status(ring: str | None, missing: bool, as_json: bool, catalog: Catalog) -> None:
    """Compare the ranks here with the published ones and the proven bounds; beaten records first."""
    from catalog.status import status as compared
    from discover.report import status_as_lines, status_as_list

    rows = [row for row in compared(catalog, ring) if missing or row.here is not None]
    if as_json:
        _print_json(status_as_list(rows))
    else:
        _print(status_as_lines(rows))


@catalog_group.command()
@click.argument("query", metavar="ID")
@as_json
@with_catalog
@click.pass_context
def replay(context: click.Context, query: str, as_json: bool, catalog: Catalog) -> None:
    """Run the command that found an entry again and compare; exit code 0 if it finds the same scheme."""
    from discover.progress import announcement, shown
    from discover.replay import replay as replayed
    from discover.run import Hooks

    entry = catalog.scheme(query).entry
    _say(entry.provenance.command, announcement(entry.provenance.solver))
    with shown("replaying", Hooks()) as hooks:
        found = replayed(entry, lambda parent: catalog.scheme(parent).scheme, hooks)
    if as_json:
        _print_json({"same": found.same, "detail": found.detail, "steps": found.outcome.steps})
    else:
        click.echo(found.detail)
    context.exit(DONE if found.same else NOT_FOUND)


@catalog_group.command()
@with_catalog
def path(catalog: Catalog) -> None:
    """Print the folder of your catalog."""
    click.echo(catalog.root)


@main.group()
def export() -> None:
    """Write layers and proofs made from an entry."""


@export.command("layer")
@click.argument("query", metavar="ID|FILE")
@click.option("--in-features", type=int, required=True)
@click.option("--out-features", type=int, required=True)
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Dense weight: .safetensors or .npy.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@with_catalog
def export_layer(query: str, catalog: Catalog, out: Path, **sizes: Any) -> None:
    """Write an STL layer made from an entry as safetensors and config.json."""
    listing = catalog.find(query).listing
    _export(_scheme_or_approximation(catalog, query), out, listing.id if listing else None, **sizes)


def _scheme_or_approximation(catalog: Catalog, query: str) -> Any:
    """What a layer can be made of."""
    from catalog.convert import to_approximation

    entry = catalog.entry(query)
    return to_approximation(entry) if entry.kind == "approximation" else catalog.scheme(query).scheme


def _export(
    scheme: Any,
    out: Path,
    entry: str | None,
    in_features: int = 64,
    out_features: int = 64,
    weights: Path | None = None,
) -> None:
    from layers import compare_with_linear
    from layers import export_layer as exported

    written = exported(scheme, in_features, out_features, out, weights, entry)
    click.echo(
        f"STL layer {in_features} -> {out_features} in {out}: {compare_with_linear(written.layer, written.linear)}"
    )


@export.command()
@click.argument("query", metavar="ID|FILE")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output.")
@with_catalog
def checker(query: str, out: Path | None, catalog: Catalog) -> None:
    """Write one Python file, standard library only, that holds a scheme and proves it."""
    from decompositions.checker import checker_source
    from decompositions.files import write_atomic

    source = checker_source(catalog.scheme(query).scheme)
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        click.echo(f"{out}: run it with python3 {out}", err=True)


if __name__ == "__main__":
    main()
