"""The commands of `bilinear transform`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands import values
from bilinear.commands.common import (
    DONE,
    INTERRUPTED,
    NOT_FOUND,
    WRONG_USE,
    as_json,
    fail,
    print_json,
    print_lines,
    say,
    tell,
    with_catalog,
    with_jobs,
    with_picture,
)
from bilinear.commands.conduct import attempted

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added
    from bilinear.decompositions.transforms import Transform
    from bilinear.discover.transforms.found import Found
    from bilinear.discover.transforms.proof import Proof
    from bilinear.discover.transforms.solver import TransformSolver

DEFAULT_SOLVER = "hierarchical"


@click.group()
def transform() -> None:
    """Fast algorithms of linear transforms: learn, verify, list, compare."""


@transform.command()
@click.argument("target", shell_complete=values.transforms)
@click.option("--size", type=int, help="Length of the input; a file knows its own.")
@click.option(
    "--solver",
    shell_complete=values.transform_solvers,
    default=DEFAULT_SOLVER,
    show_default=True,
    help="hierarchical or gradient.",
)
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
@with_jobs("gradient: processes, with seeds seed, seed + 1, ...; the best counts.")
@click.option("--resume", is_flag=True, help="gradient: go on from the checkpoint of this search.")
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FILE", help="gradient: where it is kept.")
@as_json
@with_catalog
@click.pass_context
def learn(
    context: click.Context, /, target: str, size: int | None, seed: int, catalog: Catalog, as_json: bool, **asked: Any
) -> None:
    """Find the fast algorithm of TARGET (dft, dct-II, circulant:1,2,0, file:map.npy) from its matrix alone."""
    from bilinear.commands.words.transforms import found_as_dict, found_as_lines
    from bilinear.decompositions.transforms import parse_transform
    from bilinear.decompositions.transforms.transform import checked_size

    wanted = _Wanted(**asked)
    solver = wanted.made()
    if size is not None:
        checked_size(target, size)
        solver.require(size)
    found, proof, added, unsaved = _learned(solver, parse_transform(target, size, seed), seed, wanted, catalog)
    document = found_as_dict(found, proof, added)
    if document["interrupted"]:
        say("interrupted: this is the best so far")
    if as_json:
        print_json(document)
    else:
        print_lines(found_as_lines(found, proof, added))
    if unsaved:
        fail(context, unsaved, WRONG_USE)
    context.exit(INTERRUPTED if document["interrupted"] else DONE if found.recovered else NOT_FOUND)


@dataclass(frozen=True)
class _Wanted:
    """The options of `learn` that go to the solver, to the proof and to what is kept, as the command has them."""

    solver: str
    exact: bool | None
    save: bool
    out: Path | None
    structure: str | None
    transposed: bool
    blocks: str
    real: bool
    trials: int
    budget: str
    resume: bool
    checkpoint: Path | None
    jobs: int
    cluster: str | None

    def made(self) -> TransformSolver:
        """The solver of that name, with those of the options that it has.

        Raises:
            UnknownNameError: If there is no such solver.
        """
        from bilinear.discover.transforms.solver import TRANSFORM_SOLVERS

        given: dict[str, Any] = {"blocks": self.blocks, "is_complex": not self.real, "trials": self.trials}
        if self.structure is not None:
            given["structures"] = ((self.structure, self.transposed),)
        kind: Any = TRANSFORM_SOLVERS.load(self.solver)
        known = {field.name for field in fields(kind)}
        made: TransformSolver = kind(**{option: value for option, value in given.items() if option in known})
        return made


def _learned(
    solver: TransformSolver, matrix: Transform, seed: int, wanted: _Wanted, catalog: Catalog
) -> tuple[Found, Proof, Added | None, str]:
    """What was found, its proof, what became of it in the catalog, and why something could not be written.

    Files are written as asked.
    """
    from bilinear.commands.screen import status_line
    from bilinear.discover.engine.budget import parse_budget
    from bilinear.discover.keep import Made, entry_of
    from bilinear.discover.transforms.proof import prove
    from bilinear.discover.transforms.solver import Task
    from bilinear.discover.transforms.write import write

    state = wanted.checkpoint or solver.checkpoint(matrix, seed)
    task = Task(seed, parse_budget(wanted.budget), state, wanted.resume, wanted.jobs, wanted.cluster)
    with status_line(f"{matrix.name}, size {matrix.size}") as say_there:
        found = solver.solve(matrix, task, say_there)
        say_there("proving")
        proof = prove(found, wanted.exact)
    words = ["transform", "learn", matrix.name, "--size", str(matrix.size)]
    words += [] if wanted.solver == DEFAULT_SOLVER else ["--solver", wanted.solver]
    way = Made(wanted.solver, words, seed=0)
    entry = None if proof.proved is None else entry_of(proof.proved, way)
    out, unwritten = wanted.out, ""
    if out is not None:
        written, unwritten = attempted(lambda: write(out, found, way.command, seed, entry))
        say(*(f"{path}: written" for path in written))
    say(found.note, found.unsaved, f"{state}: checkpoint; --resume goes on from it" if _is_file(state) else "")
    if entry is None or not wanted.save:
        return found, proof, None, unwritten
    added, unsaved = attempted(lambda: [catalog.add(entry)])
    return found, proof, added[0] if added else None, "; ".join(filter(None, (unwritten, unsaved)))


def _is_file(path: Path | None) -> bool:
    """Whether the file is there; what cannot be looked at is not."""
    try:
        return path is not None and path.is_file()
    except OSError:
        return False


@transform.command()
@click.argument("query", metavar="FILE|ID", shell_complete=values.entries)
@click.option(
    "--target", shell_complete=values.transforms, help="The transform, if the file does not name it, as file:PATH.npy."
)
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
        tell(f"{query}: {'is' if verdict.ok else 'is not'} {verdict.claims}: {verdict.detail}")
    context.exit(DONE if verdict.ok else NOT_FOUND)


@transform.command("list")
@click.option("--targets", is_flag=True, help="The transforms known by name instead.")
@as_json
@with_catalog
def list_transforms(targets: bool, as_json: bool, catalog: Catalog) -> None:
    """List the fast transforms of the catalog."""
    from bilinear.commands.words.transforms import entries_as_lines, families_as_list, table_of_families

    listings = [listing for listing in catalog if listing.kind == "transform"]
    if as_json:
        entries = [{"id": x.id, "field": x.ring, "path": str(x.path), "shipped": x.shipped} for x in listings]
        print_json(families_as_list() if targets else entries)
    else:
        print_lines(table_of_families() if targets else entries_as_lines(listings))


@transform.command()
@click.argument("targets", nargs=-1, shell_complete=values.transforms)
@click.option("--size", type=int, default=256, show_default=True, help="Length of the input.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of random matrices.")
@with_picture("--plot", "the errors against the parameters")
@as_json
def compare(targets: tuple[str, ...], size: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Compare butterflies with low-rank and sparse matrices of equally many parameters (legendre, hilbert, randn)."""
    from dataclasses import asdict

    from bilinear.commands.words.transforms import controls_as_lines
    from bilinear.decompositions.transforms import parse_transform
    from bilinear.discover.transforms.controls import CONTROLS
    from bilinear.discover.transforms.controls import compare as compared

    rows = [row for name in targets or CONTROLS for row in compared(parse_transform(name, size, seed))]
    if out is not None:
        from bilinear.commands.pictures.transforms import plot_transforms

        plot_transforms(rows, out)
        say(f"{out}: written")
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_lines(controls_as_lines(rows))


@transform.command()
@click.argument("target", shell_complete=values.targets)
@click.option("--ring", shell_complete=values.rings, default="q", show_default=True, help="q or qi.")
@as_json
def encoders(target: str, ring: str, as_json: bool) -> None:
    """Factor the encoders and the decoder of the evaluation scheme of TARGET (cyclic:16, polymul:8x8), exactly."""
    from dataclasses import asdict

    from bilinear.commands.words.transforms import costs_as_lines
    from bilinear.decompositions import parse_target
    from bilinear.decompositions.evaluation import evaluated
    from bilinear.decompositions.rings import parse_ring
    from bilinear.discover.transforms.encoders import encoder_costs

    scheme = evaluated(parse_target(target), parse_ring(ring))
    costs = encoder_costs(scheme)
    if as_json:
        print_json(
            {"target": scheme.target.short, "ring": ring, "rank": scheme.rank, "encoders": list(map(asdict, costs))}
        )
    else:
        tell(f"{scheme.target.short} over {ring}, rank {scheme.rank}: multiplications + additions, factors proved")
        print_lines(costs_as_lines(costs))
