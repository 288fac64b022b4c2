"""The commands of `bilinear transform`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands.common import DONE, INTERRUPTED, NOT_FOUND, as_json, print_json, print_lines, say, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions.transforms import Transform
    from bilinear.discover.transforms.gradient.solver import Gradient

Learned = tuple[bool, dict[str, Any], list[str]]
"""Whether the transform was recovered, and what to print, for programs and for people."""


@click.group()
def transform() -> None:
    """Fast algorithms of linear transforms: learn, verify, list, compare."""


@transform.command()
@click.argument("target")
@click.option("--size", type=int, help="Length of the input; a file knows its own.")
@click.option("--solver", type=click.Choice(["hierarchical", "gradient"]), default="hierarchical", show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of random numbers.")
@click.option("--exact/--no-exact", default=None, help="A proof however long, or none; unasked where it is short.")
@click.option("--save/--no-save", default=True, show_default=True, help="Keep what is proved in the catalog.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the factors there.")
@click.option("--structure", help="gradient: B, BP, BPP, BPBP, K1 or K2; several are tried if not given.")
@click.option("--transposed", is_flag=True, help="gradient: the structure stands for the transpose.")
@click.option("--blocks", default="untied", show_default=True, help="gradient: untied, tied or unitary 2 x 2 blocks.")
@click.option("--real", is_flag=True, help="gradient: real factors.")
@click.option("--trials", type=click.IntRange(1, 10_000), default=64, show_default=True, help="gradient: in a round.")
@click.option("--budget", default="10m", show_default=True, help="gradient: time, 60s or 10m.")
@click.option("--resume", is_flag=True, help="gradient: go on from the checkpoint of this search.")
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="gradient: where it is kept.")
@as_json
@with_catalog
@click.pass_context
def learn(
    context: click.Context, /, target: str, size: int | None, solver: str, seed: int, catalog: Catalog, **asked: Any
) -> None:
    """Find the fast algorithm of TARGET (dft, dct-II, circulant:1,2,0, file:map.npy) from its matrix alone."""
    from bilinear.decompositions.transforms import parse_transform

    if size is not None:
        _require(solver, target, size, asked)
    matrix = parse_transform(target, size, seed)
    command = shlex.join(["bilinear", "transform", "learn", matrix.name, "--size", str(matrix.size)])
    learned = _by_gradients if solver == "gradient" else _from_ranks
    recovered, document, lines = learned(matrix, seed, command, catalog, asked)
    if document["interrupted"]:
        say("interrupted: this is the best so far")
    if asked["as_json"]:
        print_json(document)
    else:
        print_lines(lines)
    context.exit(INTERRUPTED if document["interrupted"] else DONE if recovered else NOT_FOUND)


def _require(solver: str, target: str, size: int, asked: dict[str, Any]) -> None:
    """Refuse a size that the solver cannot take, before the matrix is built."""
    from bilinear.decompositions.transforms.transform import checked_size

    checked_size(target, size)
    if solver == "gradient":
        _gradient(asked).prepared(size)
        return
    from bilinear.discover.transforms.hierarchical import Hierarchical

    Hierarchical().require(size)


def _gradient(asked: dict[str, Any]) -> Gradient:
    from bilinear.discover.transforms.gradient.solver import TRIED, Gradient

    chosen = TRIED if asked["structure"] is None else ((asked["structure"], asked["transposed"]),)
    return Gradient(chosen, asked["blocks"], not asked["real"], asked["trials"])


def _from_ranks(matrix: Transform, seed: int, command: str, catalog: Catalog, asked: dict[str, Any]) -> Learned:
    """By the hierarchical solver."""
    from bilinear.discover.transforms.hierarchical import Hierarchical
    from bilinear.discover.transforms.keep import keep, prove, write
    from bilinear.discover.transforms.progress import shown
    from bilinear.discover.transforms.report import found_as_dict, found_as_lines

    with shown(f"{matrix.name}, size {matrix.size}") as hear:
        found = Hierarchical().solve(matrix, hear)
        hear("proving")
        proved = prove(found, asked["exact"])
    added = keep(catalog, found, proved, command) if asked["save"] else None
    written = [] if asked["out"] is None else write(asked["out"], found, proved, command, seed)
    say(found.note, *(f"{path}: written" for path in written))
    return found.recovered, found_as_dict(found, proved, added), found_as_lines(found, proved, added)


def _by_gradients(matrix: Transform, seed: int, command: str, catalog: Catalog, asked: dict[str, Any]) -> Learned:
    """By the gradient solver."""
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.transforms.gradient.checkpoint import default_path
    from bilinear.discover.transforms.gradient.report import trained_as_dict, trained_as_lines
    from bilinear.discover.transforms.keep import write_factors
    from bilinear.discover.transforms.progress import shown

    seconds = parse_budget(asked["budget"]).seconds
    if seconds is None:
        raise click.UsageError(f"--budget {asked['budget'][:20]!r}: the gradient solver needs a time, as in 10m")
    solver = _gradient(asked)
    path = asked["checkpoint"] or default_path(matrix.name, matrix.size, seed, solver)
    with shown(f"{matrix.name}, size {matrix.size}, by gradients") as hear:
        found = solver.solve(matrix, seed, seconds, hear, path, asked["resume"])
    if not found.recovered:
        say(f"{path}: checkpoint; --resume goes on from it")
    if asked["out"] is not None:
        say(f"{write_factors(asked['out'], matrix, found.fast, f'{command} --solver gradient', seed)}: written")
    return found.recovered, trained_as_dict(found), trained_as_lines(found)


@transform.command()
@click.argument("query", metavar="FILE|ID")
@click.option("--target", help="The transform, if the file does not name it, as file:PATH.npy.")
@as_json
@with_catalog
@click.pass_context
def verify(context: click.Context, query: str, target: str | None, as_json: bool, catalog: Catalog) -> None:
    """Decide whether factors are their transform: exactly for an entry, by the error for float factors."""
    from bilinear.discover.transforms.verify import verify_query

    verdict = verify_query(catalog, query, target)
    if as_json:
        print_json({"source": query, "claims": verdict.claims, "ok": verdict.ok, "detail": verdict.detail})
    else:
        click.echo(f"{query}: {'is' if verdict.ok else 'is not'} {verdict.claims}: {verdict.detail}")
    context.exit(DONE if verdict.ok else NOT_FOUND)


@transform.command("list")
@click.option("--targets", is_flag=True, help="The transforms known by name instead.")
@as_json
@with_catalog
def list_transforms(targets: bool, as_json: bool, catalog: Catalog) -> None:
    """List the fast transforms of the catalog."""
    from bilinear.discover.transforms.report import entries_as_lines, families_as_list, table_of_families

    listings = [listing for listing in catalog if listing.kind == "transform"]
    if as_json:
        entries = [{"id": x.id, "field": x.ring, "path": str(x.path), "shipped": x.shipped} for x in listings]
        print_json(families_as_list() if targets else entries)
    else:
        print_lines(table_of_families() if targets else entries_as_lines(listings))


@transform.command()
@click.argument("targets", nargs=-1)
@click.option("--size", type=int, default=256, show_default=True, help="Length of the input.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of random matrices.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Also draw a .png, .svg or .pdf file.")
@as_json
def compare(targets: tuple[str, ...], size: int, seed: int, plot: Path | None, as_json: bool) -> None:
    """Compare butterflies with low-rank and sparse matrices of equally many parameters (legendre, hilbert, randn)."""
    from dataclasses import asdict

    from bilinear.decompositions.transforms import parse_transform
    from bilinear.discover.transforms.controls import CONTROLS, compared_as_lines, plot_compared
    from bilinear.discover.transforms.controls import compare as compared

    rows = [row for name in targets or CONTROLS for row in compared(parse_transform(name, size, seed))]
    if plot is not None:
        plot_compared(rows, plot)
        say(f"{plot}: written")
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_lines(compared_as_lines(rows))


@transform.command()
@click.argument("target")
@click.option("--ring", default="q", show_default=True, help="q or qi.")
@as_json
def encoders(target: str, ring: str, as_json: bool) -> None:
    """Factor the encoders and the decoder of the evaluation scheme of TARGET (cyclic:16, polymul:8x8), exactly."""
    from dataclasses import asdict

    from bilinear.decompositions import parse_target
    from bilinear.decompositions.evaluation import evaluated
    from bilinear.decompositions.rings import parse_ring
    from bilinear.discover.transforms.encoders import costs_as_lines, encoder_costs

    scheme = evaluated(parse_target(target), parse_ring(ring))
    costs = encoder_costs(scheme)
    if as_json:
        print_json(
            {"target": scheme.target.short, "ring": ring, "rank": scheme.rank, "encoders": list(map(asdict, costs))}
        )
    else:
        click.echo(
            f"{scheme.target.short} over {ring}, rank {scheme.rank}: multiplications + additions, factors proved"
        )
        print_lines(costs_as_lines(costs))
