"""Schemes over the residues modulo a prime above 3, from the search to the catalog and back."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.status import status
from bilinear.catalog.store import Catalog
from bilinear.decompositions import Ring, RingError, Scheme, SchemeError, parse_target, standard, strassen, verify
from bilinear.decompositions.checker import checker_source
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.facts import known_ranks
from bilinear.decompositions.formats import write
from bilinear.decompositions.identity import content_hash, normal_form
from bilinear.decompositions.lifting import lift
from bilinear.decompositions.operations import permute
from bilinear.decompositions.rings import parse_ring
from bilinear.discover.search import search

PRIMES = (5, 7, 65537, 2**31 - 1)


@pytest.mark.parametrize("prime", PRIMES)
def test_there_is_one_set_for_every_prime(prime: int) -> None:
    ring = parse_ring(f" F{prime} ")
    assert ring is Ring(f"f{prime}")
    assert pickle.loads(pickle.dumps(ring)) is ring
    assert (ring.characteristic, ring.field, str(ring)) == (prime, ring, f"f{prime}")
    assert ring not in list(Ring)
    assert strassen().to(ring).to(ring).ring is ring


@pytest.mark.parametrize("name", ["f1", "f4", "f9", "f05", "f2147483649", "f4294967291", "f", "g5"])
def test_what_is_no_prime_below_2_to_the_31_is_no_set(name: str) -> None:
    with pytest.raises(
        RingError, match=r"known rings: zt, z, q, qi, f2, f3, and f with a prime below 2\^31, such as f7"
    ):
        parse_ring(name)


def test_residues_are_held_to_their_range() -> None:
    with pytest.raises(SchemeError, match=r"u\[0,0\] is 7, outside f7 \(integers modulo 7\)"):
        Scheme(parse_target("1x1x1"), Ring("f7"), [[7]], [[1]], [[1]])


@pytest.mark.parametrize("prime", PRIMES)
def test_scaling_and_order_of_products_do_not_change_the_hash(prime: int) -> None:
    scheme = evaluated(parse_target("polymul:2x3"), Ring(f"f{prime}"))
    scale = prime - 2
    turned = [
        factor[::-1] * by % prime
        for factor, by in zip(scheme.factors, (scale, 3, pow(3 * scale, -1, prime)), strict=True)
    ]
    other = Scheme(scheme.target, scheme.ring, *turned)
    assert verify(other).ok
    assert content_hash(other) == content_hash(scheme) == content_hash(normal_form(other))


def test_a_search_keeps_what_it_finds_and_the_catalog_serves_it(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    result = search("polymul:3x3", ring="f5", catalog=catalog)
    assert result.scheme is not None
    assert result.scheme.rank == 5 == known_ranks(result.scheme.target, Ring.Q)[0].rank
    served = catalog.scheme("polymul:3x3:5", "f5")
    assert served.value.ring is Ring("f5")
    assert verify(served.value).ok
    rows = {row.target: row for row in status(catalog, "f5")}
    assert rows["polymul:3x3"].here == 5
    with pytest.raises(BilinearError, match="no scheme of that rank over f7 here"):
        catalog.scheme("polymul:3x3:5", "f7")


def test_schemes_of_integers_serve_over_any_prime() -> None:
    found = Catalog().scheme("2x2x2:7", "f101")
    assert verify(found.value.to("f101")).ok
    assert verify(permute(evaluated_standard(), (1, 2, 0))).ok


def evaluated_standard() -> Scheme:
    return standard(parse_target("2x3x4")).to("f101")


def test_bounds_over_every_field_hold_over_other_primes() -> None:
    target, ring = parse_target("polymul:4x4"), Ring("f11")
    assert [bound.rank for bound in lower_bounds(target, ring)] == [7]
    assert lower_bounds(parse_target("cyclic:6"), Ring("f7"))[0].rank == 6


def test_a_checker_proves_them_with_the_standard_library_alone(tmp_path: Path) -> None:
    path = tmp_path / "check.py"
    path.write_text(checker_source(evaluated(parse_target("cyclic:4"), Ring("f13"))))
    assert subprocess.run([sys.executable, "-I", path], check=False, capture_output=True).returncode == 0


def test_what_does_not_hold_them_says_so_in_one_line() -> None:
    scheme = strassen().to("f7")
    with pytest.raises(BilinearError, match="2x2x2 over f7: these files hold residues modulo 2 and 3 only"):
        write(scheme, "mmc")
    with pytest.raises(BilinearError, match="only schemes over f2 and f3 are lifted"):
        lift(scheme)
    with pytest.raises(BilinearError, match="walks over f2, f3 and zt; f7 is beyond them"):
        search("2x2x2", 7, ring="f7", solver="flip-graph")
