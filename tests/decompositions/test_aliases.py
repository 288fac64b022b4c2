"""Other names of targets mean what they say."""

import pytest
from sympy import GF, Poly, Symbol

from bilinear.decompositions import TargetError, parse_target


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("convolution:4x3", "polymul:4x3"),
        ("convolution:8", "cyclic:8"),
        ("circulant:5", "cyclic:5"),
        ("circulant:3,4", "cyclic:3,4"),
        ("gf:2^8", "polymod:1,1,0,1,1,0,0,0,1"),
        ("gf:2^2", "polymod:1,1,1"),
        ("gf:3^2", "polymod:1,0,1"),
    ],
)
def test_an_alias_builds_the_target_that_it_means(alias: str, name: str) -> None:
    """AES (FIPS 197) has x^8 + x^4 + x^3 + x + 1."""
    assert parse_target(alias).name == name


@pytest.mark.parametrize("spec", ["2^16", "3^5", "5^3", "7^4", "65537^2"])
def test_moduli_are_irreducible(spec: str) -> None:
    prime = int(spec.partition("^")[0])
    coefficients = [int(c) for c in parse_target(f"gf:{spec}").name.partition(":")[2].split(",")]
    assert Poly(coefficients[::-1], Symbol("x"), domain=GF(prime)).is_irreducible


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("gf:4^2", r"4 is no prime below 2\^31; a field of P\^K elements is written gf:2\^8"),
        ("gf:2^1", "degree 1; 2 to 512 is needed"),
        ("gf:2^999", "degree 999; 2 to 512 is needed"),
        ("gf:8", r"'' is not a whole number; a field is written gf:2\^8"),
        ("gf:2^x", r"a field is written gf:2\^8"),
    ],
)
def test_what_is_no_field_is_refused(name: str, match: str) -> None:
    with pytest.raises(TargetError, match=match):
        parse_target(name)
