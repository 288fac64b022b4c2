"""The commands that read one entry: prove it, print it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands import values
from bilinear.commands.common import (
    DONE,
    NOT_FOUND,
    as_json,
    print_json,
    print_lines,
    say,
    tell,
    with_catalog,
    with_picture,
)

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library
    from bilinear.catalog.status import StatusRow
    from bilinear.catalog.store import Served
    from bilinear.decompositions import Scheme, Target

MOST_COMPARED = 8
"""Other entries of one rank with which a scheme is compared; each takes a tenth of a second or more."""


@click.command()
@click.argument("query", metavar="FILE|ID|-", shell_complete=values.entries)
@click.option(
    "--method",
    shell_complete=values.methods,
    default="exact",
    show_default=True,
    help="exact, symbolic, random or numeric.",
)
@as_json
@with_catalog
@click.pass_context
def verify(context: click.Context, query: str, method: str, as_json: bool, catalog: Library) -> None:
    """Decide whether an entry computes its target; exit code 0 if it does, 1 if it does not."""
    from bilinear.catalog.parts import parts_of
    from bilinear.catalog.verifiers import check, name_of
    from bilinear.commands.screen import composing, shares_done

    with composing(catalog):
        source, entry = _read_unverified(query, catalog)
    with shares_done("verifying") as on_progress:
        verification = check(entry, method, on_progress, parts_of(catalog))
    if as_json:
        keys = ("ok", "method", "field", "seconds", "detail", "error_probability")
        print_json({"source": source, "claims": name_of(entry)} | {key: getattr(verification, key) for key in keys})
    else:
        odds = f", error probability {verification.error_probability:.1e}" if verification.error_probability else ""
        verdict = "is" if verification.ok else "is not"
        tell(f"{source}: {verdict} {name_of(entry)}: {verification.detail}")
        tell(f"{verification.method} check over {verification.field}, {verification.seconds:.3f} s{odds}", err=True)
    context.exit(DONE if verification.ok else NOT_FOUND)


def _read_unverified(query: str, catalog: Library) -> tuple[str, Any]:
    """An entry as it is written, and its name for messages; `-` is standard input."""
    from bilinear.catalog.errors import CatalogError
    from bilinear.catalog.text import MAX_FILE, loads, read

    if query == "-":
        if sys.stdin is None:
            raise CatalogError("standard input: closed; an entry is needed there")
        return "standard input", loads(sys.stdin.buffer.read(MAX_FILE + 1), "standard input")
    if Path(query).is_file():
        return query, read(Path(query))
    return query, catalog.entry(query) or read(catalog.find(query).path)


@click.command()
@click.argument("query", metavar="ID|FILE|TARGET", shell_complete=values.entries)
@click.option("--ring", shell_complete=values.rings, help="Of a format alone, as 9x13x15: the coefficient set.")
@click.option("--all", "everything", is_flag=True, help="Print factors and formulas of any size.")
@with_picture("--picture", "U, V and W as coloured matrices")
@as_json
@with_catalog
def show(query: str, ring: str | None, everything: bool, out: Path | None, as_json: bool, catalog: Library) -> None:
    """Show a scheme: factors, formulas, exponent, bounds, cost; or an approximation: its residual and rows.

    Of a TARGET the best scheme over every coefficient set, with what is published and proven; of a matrix format also
    the cheapest scheme that the catalog's entries make, built and proved.
    """
    from bilinear.catalog.serving import format_of
    from bilinear.commands.screen import composing
    from bilinear.decompositions import Scheme

    target = _target(query) if ring is None else None
    rows = [] if target is None else _best_rows(target, catalog)
    if target is not None and format_of(query) is None:
        if out is not None:
            raise click.UsageError(_to_be_named(target, rows))
        _show_best(target, rows, as_json)
        return
    with composing(catalog):
        served = catalog.factors(query) if ring is None else catalog.scheme(query, ring)
    if served.entry.kind == "approximation":
        _show_approximation(served, query, everything, as_json)
    else:
        _show_scheme(served.only(Scheme), target, rows, everything, as_json, catalog)
    if out is not None:
        from bilinear.commands.pictures.factors import plot_factors

        plot_factors(served.value, out)
        say(f"{out}: written")


def _to_be_named(target: Target, rows: list[StatusRow]) -> str:
    """That a target is no scheme, with one that may be meant."""
    known = next((row.served_id for row in rows if row.served_id is not None), None)
    return f"{target.short}: a target has schemes over several sets; name the one to draw" + (
        f", such as {known}" if known else f"; none is here, bilinear search {target.short} finds some"
    )


def _target(query: str) -> Target | None:
    """The target of that name; None if it is none, or a file."""
    from bilinear.decompositions import BilinearError, parse_target

    try:
        return None if Path(query).is_file() else parse_target(query)
    except BilinearError:
        return None


def _best_rows(target: Target, catalog: Library) -> list[StatusRow]:
    """The best scheme of every coefficient set."""
    from bilinear.catalog.status import status
    from bilinear.decompositions import Ring

    return sorted(status(catalog, target=target), key=lambda row: list(Ring).index(row.ring))


def _show_best(target: Target, rows: list[StatusRow], as_json: bool) -> None:
    from bilinear.commands.words.catalog import best_as_lines, status_as_list

    if as_json:
        print_json({"target": target.name, "best": status_as_list(rows)})
    else:
        print_lines(best_as_lines(target, rows))


def _show_scheme(
    exact: Served[Scheme, Any],
    target: Target | None,
    rows: list[StatusRow],
    everything: bool,
    as_json: bool,
    catalog: Library,
) -> None:
    """A scheme, behind the best of every coefficient set where a target was asked for."""
    from bilinear.catalog.classes import comparable, equals
    from bilinear.commands.words import catalog as words
    from bilinear.commands.words.search import scheme_as_lines
    from bilinear.discover.figures import additions
    from bilinear.discover.optimize.minimal import known_proofs

    scheme = exact.value
    others = len(comparable(catalog, scheme)) - (exact.id is not None)
    is_quick, shared = others <= MOST_COMPARED, additions(catalog, scheme)
    proofs = known_proofs(catalog, scheme)
    same = equals(catalog, scheme, exact.id) if is_quick else ()
    if as_json:
        skipped = {} if is_quick else {"not_compared": others}
        best = {} if target is None else {"best": words.status_as_list(rows)}
        print_json(words.served_as_dict(exact, shared, proofs) | words.equals_as_dict(same) | skipped | best)
        return
    say(
        exact.note,
        "" if is_quick else f"not compared with {others} others of its rank; bilinear catalog dedupe does it",
    )
    head = [] if target is None else [*words.best_as_lines(target, rows), ""]
    lines = [*words.served_as_lines(exact, shared, proofs), *words.equals_as_lines(same)]
    print_lines([*head, *lines, *scheme_as_lines(scheme, everything)])


def _show_approximation(served: Served[Any, Any], query: str, everything: bool, as_json: bool) -> None:
    from bilinear.commands.words.approximations import approximation_as_dict, approximation_as_lines, factors_as_lines

    found, command = served.value, served.entry.provenance.command
    if as_json:
        print_json(approximation_as_dict(found, served.id) | {"command": command})
        return
    print_lines(
        [*approximation_as_lines(found), f"entry            {served.id or query}", f"found by         {command}"]
    )
    if everything:
        print_lines(factors_as_lines(found))
