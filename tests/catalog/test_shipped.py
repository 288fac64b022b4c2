"""What comes with the program was found here, and can be found again; the programs that come with it are right."""

from pathlib import Path

import pytest

from bilinear.catalog import Catalog, read_file
from bilinear.catalog.convert import to_scheme
from bilinear.catalog.layout import ATTACHMENTS
from bilinear.catalog.origins import IMPORTED
from bilinear.catalog.records import published
from bilinear.catalog.store import SHIPPED as FOLDER
from bilinear.decompositions import parse_target
from bilinear.decompositions.programs import ProgramError
from bilinear.decompositions.programs.shortest import Exhaustion, Proof
from bilinear.decompositions.programs.text import ATTACHMENT, BASIS_ATTACHMENT, loads
from bilinear.decompositions.scheme import FACTORS, Scheme
from bilinear.discover.figures import figures
from bilinear.discover.optimize.minimal import MINIMAL
from bilinear.discover.optimize.minimal import loads as proofs_in
from bilinear.discover.optimize.programs import read_program
from bilinear.discover.replay import DERIVED, replay

SHIPPED = Catalog(Path("/nonexistent"))
ENTRIES = [read_file(listing.path) for listing in SHIPPED if not listing.published]
QUICK_NODES = 200_000
SCHEMES = [entry for entry in ENTRIES if entry.kind == "scheme"]


def test_every_parent_is_shipped_too() -> None:
    known = {entry.hash for entry in ENTRIES}
    assert {parent for entry in ENTRIES for parent in entry.lineage.parents} <= known


def test_every_entry_names_the_search_that_finds_it() -> None:
    for entry in ENTRIES:
        past = entry.provenance
        assert past.command.startswith(("bilinear search ", "bilinear optimize ", "bilinear approximate "))
        assert past.solver != IMPORTED
        assert past.seed is not None
        assert past.steps


def _is_quick(entry) -> bool:
    past = entry.provenance
    if past.solver in DERIVED:
        return past.steps == 1 and entry.rank <= 20
    return past.cpu_seconds < 2 and not entry.lineage.parents


QUICK = [entry for entry in SCHEMES if _is_quick(entry)]
SLOW = [entry for entry in SCHEMES if entry not in QUICK and entry.provenance.cpu_seconds < 60]


@pytest.mark.parametrize(
    "entry",
    [*QUICK, *(pytest.param(entry, marks=pytest.mark.slow) for entry in SLOW)],
    ids=lambda entry: f"{entry.target.name}:{entry.rank}-{entry.hash[:4]}",
)
def test_an_entry_is_found_again(entry) -> None:
    if entry.provenance.solver == "ternary-sgd":
        pytest.skip("floating-point searches repeat on the same kind of processor only")
    assert replay(entry, lambda parent: SHIPPED.scheme(parent).value).same


@pytest.mark.parametrize(
    ("target", "rank"),
    [
        ("2x2x2", 7), ("2x2x3", 11), ("2x2x4", 14), ("2x2x5", 18), ("2x3x3", 15), ("2x3x4", 20), ("2x3x5", 25),
        ("2x4x4", 26), ("2x4x5", 33), ("2x5x5", 40), ("3x3x3", 23), ("3x3x4", 29), ("3x3x5", 36), ("3x4x4", 38),
        ("3x4x5", 47), ("3x5x5", 58), ("4x4x4", 49), ("4x5x5", 76), ("5x5x5", 93),
        ("2x2x6", 21), ("2x2x7", 25), ("2x2x8", 28), ("2x3x6", 30), ("2x3x7", 35), ("2x3x8", 40), ("2x4x6", 39),
        ("4x4x6", 73), ("4x6x6", 105), ("4x6x8", 140), ("6x6x8", 203), ("6x8x8", 266), ("8x8x8", 343),
    ],
)  # fmt: skip
def test_the_published_ternary_rank_is_matched(target: str, rank: int) -> None:
    record = published(parse_target(target), "zt")
    assert record is not None
    assert record.rank == rank
    assert SHIPPED.scheme(f"{target}:{rank}", "zt").value.rank == rank


def test_a_derived_entry_is_found_again_in_the_gate() -> None:
    assert [entry for entry in QUICK if entry.provenance.solver == "optimize"]


def assert_proofs(scheme: Scheme, claimed: dict[str, Proof]) -> None:
    """The searches that do not take long are made again, and come to what is claimed."""
    program = read_program(SHIPPED, scheme)
    assert program is not None
    assert claimed
    for name, proof in claimed.items():
        search = Exhaustion(dict(zip(FACTORS, program.programs, strict=True))[name])
        while proof.nodes <= QUICK_NODES and search.proof is None:
            search.advance(QUICK_NODES)
        assert search.program.operations.additions == proof.additions
        assert search.proof == (proof if proof.nodes <= QUICK_NODES else None)


ATTACHED = sorted((FOLDER / ATTACHMENTS).glob("*/*"))


@pytest.mark.parametrize("path", ATTACHED, ids=lambda path: f"{path.parent.name[:8]}-{path.stem}")
def test_what_is_attached_is_a_program_of_an_entry(path: Path) -> None:
    assert path.name in (ATTACHMENT, BASIS_ATTACHMENT, MINIMAL)
    entry = next(entry for entry in SCHEMES if entry.hash == path.parent.name)
    data = SHIPPED.read_attachment(entry.hash, path.name)
    if path.name == MINIMAL:
        assert_proofs(to_scheme(entry), proofs_in(data, path.name))
        return
    program = loads(data, path.name, to_scheme(entry))  # run on symbols, and compared with the scheme
    assert (program.basis is not None) == (path.name == BASIS_ATTACHMENT)


def test_a_program_of_another_entry_is_refused() -> None:
    programs = [path.parent.name for path in ATTACHED if path.name == ATTACHMENT]
    first, second = (next(entry for entry in SCHEMES if entry.hash == name) for name in programs[:2])
    with pytest.raises(ProgramError):
        loads(SHIPPED.read_attachment(first.hash, ATTACHMENT), "program", to_scheme(second))


@pytest.mark.parametrize(
    ("target", "additions"),
    [
        ("2x2x2", 15), ("2x2x3", 17), ("2x2x4", 26), ("2x2x5", 28), ("2x3x3", 43), ("2x3x4", 54), ("2x3x5", 69),
        ("2x4x4", 87), ("2x4x5", 95), ("2x5x5", 143), ("3x3x3", 55), ("3x3x4", 88), ("3x3x5", 112), ("3x4x4", 119),
        ("3x4x5", 159), ("3x5x5", 199), ("4x4x4", 156), ("4x5x5", 266), ("5x5x5", 329),
    ],
)  # fmt: skip
def test_additions_are_near_or_below_the_published_ones(target: str, additions: int) -> None:
    record = published(parse_target(target), "zt")
    assert record is not None
    assert record.additions is not None
    listings = [x for x in SHIPPED.of_target(parse_target(target)) if x.rank == record.additions.rank]
    fewest = min(row.additions for row in figures(SHIPPED, listings) if row.additions is not None)
    assert fewest == additions <= 1.06 * record.additions.additions
    assert target in ("2x2x2", "3x3x3", "4x4x4") or fewest < record.additions.additions


def test_twelve_additions_a_level_in_an_alternative_basis() -> None:
    """Karstadt, Schwartz 2017."""
    path = next(path for path in ATTACHED if path.name == BASIS_ATTACHMENT)
    entry = next(entry for entry in SCHEMES if entry.hash == path.parent.name)
    assert entry.target.name == "matmul:2x2x2"
    assert loads(path.read_bytes(), path.name, to_scheme(entry)).operations.additions == 12
