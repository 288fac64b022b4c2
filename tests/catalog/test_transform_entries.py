"""Entries of fast transforms: written, read, verified; everything wrong with one is found."""

from pathlib import Path

import pytest
from entry_samples import PROVENANCE, users_catalog

from bilinear.catalog import CatalogError, WrongSchemeError, dumps, loads
from bilinear.catalog.convert import transform_hash
from bilinear.catalog.entries import TransformEntry
from bilinear.catalog.transforms import entry_from_transform, to_exact_transform
from bilinear.decompositions.transforms import exact_transform, parse_transform, verify_transform
from bilinear.discover.transforms.hierarchical import Hierarchical


def entry(name: str = "dft", size: int = 8) -> TransformEntry:
    transform = parse_transform(name, size)
    plan = Hierarchical().solve(transform).plan
    assert plan is not None
    return entry_from_transform(transform, exact_transform(plan, size), PROVENANCE)


def changed(original: TransformEntry, **parts: object) -> TransformEntry:
    """With its hash put right, so that only the content is wrong."""
    new = original.model_copy(update=parts)
    return new.model_copy(update={"hash": transform_hash(new)})


@pytest.mark.parametrize("name", ["dft", "dct-ii", "hadamard", "circulant:1,2,0,-3", "hartley"])
def test_an_entry_comes_back(name: str, tmp_path: Path) -> None:
    mine, first = users_catalog(tmp_path), entry(name)
    added = mine.add(first)
    assert added.id.startswith(f"transform-{name.partition(':')[0]}-8-t")
    read = mine.serve(added.id).entry
    assert isinstance(read, TransformEntry)
    assert loads(dumps(read), "memory") == read
    assert dumps(read) == dumps(loads(dumps(read), "memory"))
    target = parse_transform(name, 8).exact
    assert target is not None
    assert verify_transform(to_exact_transform(read), target).ok
    assert mine.add(first).status == "duplicate"


def test_counts_are_in_the_entry() -> None:
    assert entry("hadamard").operations == {"multiplications": 0, "additions": 24, "parameters": 48}


def test_wrong_factors_are_refused(tmp_path: Path) -> None:
    first = entry()
    factor = first.factors[1]
    i, j, value = factor.entries[-1]
    broken = factor.model_copy(update={"entries": (*factor.entries[:-1], (i, j, "2*z" if value != "2*z" else "3*z"))})
    factors = (first.factors[0], broken, *first.factors[2:])
    counts = to_exact_transform(first.model_copy(update={"factors": factors})).operations()._asdict()
    with pytest.raises(WrongSchemeError, match=r"not dft:8: \d+ of 64 entries are wrong"):
        users_catalog(tmp_path).add(changed(first, factors=factors, operations=counts))
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"name": "randn"}, "'randn' has no exact definition"),
        ({"name": "nothing"}, "unknown transform 'nothing'"),
        ({"name": "file", "arguments": "1"}, "is a file"),
        ({"field": "zeta16"}, "operations: .* are stated"),
        ({"field": "r"}, "field 'r': not known"),
        ({"operations": {"additions": 1}}, "operations: .* are stated; the factors have"),
        ({"size": 16}, "8 inputs; 16 are needed"),
        ({"permutations": ()}, "of 64 entries are wrong"),
    ],
)
def test_wrong_claims_are_refused(parts: dict[str, object], text: str, tmp_path: Path) -> None:
    with pytest.raises((CatalogError, WrongSchemeError), match=text):
        users_catalog(tmp_path).add(changed(entry(), **parts))


def test_a_changed_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not that of the content"):
        users_catalog(tmp_path).add(entry().model_copy(update={"hash": "1" * 64}))


def test_a_filter_is_part_of_the_content() -> None:
    first = entry("circulant:1,2,0,-3")
    assert first.arguments == "1,2,0,-3"
    assert transform_hash(first) != transform_hash(first.model_copy(update={"arguments": "1,2,0,3"}))


def test_another_name_of_the_same_filter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not the full name"):
        users_catalog(tmp_path).add(changed(entry("circulant:1,2,0,-3"), arguments="01,2,0,-3"))
