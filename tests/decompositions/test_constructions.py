import pytest
from hypothesis import given
from strategies import assert_valid, file_targets, formats

from bilinear.decompositions import CONSTRUCTIONS, Ring, TargetError, parse_target, standard, strassen, winograd
from bilinear.decompositions.formulas import additions
from bilinear.decompositions.targets.file import from_dense


@given(formats())
def test_the_standard_algorithm(target):
    scheme = standard(target)
    n, m, p = target.sizes
    assert (scheme.rank, scheme.ring) == (n * m * p, Ring.ZT)
    assert_valid(scheme)


@given(file_targets())
def test_the_standard_algorithm_of_any_tensor(target):
    scheme = standard(target)
    assert scheme.rank == len(target.values)
    assert (scheme.ring is Ring.ZT) == (abs(target.values).max() == 1)
    assert_valid(scheme)


@pytest.mark.parametrize(("build", "count"), [(strassen, 18), (winograd, 24)])
def test_seven_products(build, count):
    scheme = build()
    assert (scheme.rank, scheme.ring, scheme.target.name) == (7, Ring.ZT, "matmul:2x2x2")
    assert additions(scheme) == count
    assert_valid(scheme)


@pytest.mark.parametrize("name", CONSTRUCTIONS.names())
def test_every_construction_is_registered_by_its_name(name):
    build = CONSTRUCTIONS.load(name)
    assert_valid(build(parse_target("2x2x2")))


def test_a_construction_of_another_format_is_refused():
    with pytest.raises(TargetError, match=r"construction 'winograd' is a scheme of 2x2x2, 4x4x4, .*, not of 2x2x3"):
        winograd(parse_target("2x2x3"))


def test_the_same_map_under_another_name_is_accepted():
    target = from_dense("file:map.npy", parse_target("2x2x2").dense())
    assert strassen(target).target.name == "file:map.npy"
