"""The commands that read one entry: prove it, print it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands.common import DONE, NOT_FOUND, as_json, print_json, print_lines, say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library
    from bilinear.catalog.store import Served

MOST_COMPARED = 8
"""Other entries of one rank with which a scheme is compared; each takes a tenth of a second or more."""


@click.command()
@click.argument("query", metavar="FILE|ID|-")
@click.option("--method", default="exact", show_default=True, help="exact, symbolic, random or numeric.")
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
@click.argument("query", metavar="ID|FILE|FORMAT")
@click.option("--ring", help="Of a format alone, as 9x13x15: the coefficient set; q if not given.")
@click.option("--all", "everything", is_flag=True, help="Print factors and formulas of any size.")
@as_json
@with_catalog
def show(query: str, ring: str | None, everything: bool, as_json: bool, catalog: Library) -> None:
    """Show a scheme: factors, formulas, exponent, bounds, cost; or an approximation: its residual and rows."""
    from bilinear.catalog.classes import comparable, equals
    from bilinear.commands.screen import composing
    from bilinear.commands.words.catalog import equals_as_dict, equals_as_lines, served_as_dict, served_as_lines
    from bilinear.commands.words.search import scheme_as_lines
    from bilinear.decompositions import Scheme
    from bilinear.discover.figures import additions

    with composing(catalog):
        served = catalog.factors(query) if ring is None else catalog.scheme(query, ring)
    if served.entry.kind == "approximation":
        _show_approximation(served, query, everything, as_json)
        return
    exact = served.only(Scheme)
    scheme: Scheme = exact.value
    others = len(comparable(catalog, scheme)) - (served.id is not None)
    is_quick, shared = others <= MOST_COMPARED, additions(catalog, scheme)
    same = equals(catalog, scheme, served.id) if is_quick else ()
    if as_json:
        skipped = {} if is_quick else {"not_compared": others}
        print_json(served_as_dict(exact, shared) | equals_as_dict(same) | skipped)
        return
    say(
        served.note,
        "" if is_quick else f"not compared with {others} others of its rank; bilinear catalog dedupe does it",
    )
    print_lines([*served_as_lines(exact, shared), *equals_as_lines(same), *scheme_as_lines(scheme, everything)])


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
