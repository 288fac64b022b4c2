"""Long work ends between two pieces of it, once it is told to, and only where somebody told it."""

import itertools
import time

import numpy as np
import pytest

from bilinear.decompositions import kronecker, parse_target, sandwich, standard, strassen, winograd
from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.giving_way import Stopped, give_way, heard
from bilinear.decompositions.lifting import lift, work
from bilinear.decompositions.lifting.reconcile import reconciled

SQUARED = kronecker(strassen(), winograd()).to("f2")
LARGE = kronecker(SQUARED, standard(parse_target("2x1x2"))).to("f2")
"""8x4x8 with 196 products: one choice of lifting takes half a minute."""
LARGE_SIGNS = sandwich(SQUARED, *[np.tril(np.ones((4, 4), int)) for _ in range(3)])
"""In a basis in which signs contradict each other."""


def test_nothing_is_stopped_where_nobody_listens():
    give_way()
    with heard(lambda: True):
        with pytest.raises(Stopped):
            give_way()
        with heard(lambda: False):
            give_way(3, 4)
    give_way()


def test_lifting_of_a_large_scheme_gives_way():
    lift(strassen().to("f2"), "zt")  # compiles
    began = time.process_time()
    with heard(lambda: time.process_time() - began > 0.5), pytest.raises(Stopped):
        lift(LARGE, "zt")
    assert time.process_time() - began < 5


def test_every_part_of_lifting_gives_way():
    """However often it is asked before, the next time ends it."""
    asked = itertools.count()
    with heard(lambda: next(asked) < 0):
        assert lift(SQUARED, "zt").scheme is not None
    for most in range(0, next(asked) - 1, 499):
        count = itertools.count()
        with heard(lambda: next(count) >= most), pytest.raises(Stopped):  # noqa: B023
            lift(SQUARED, "zt")


def test_walks_to_other_signs_give_way_and_do_not_depend_on_how_they_are_cut(monkeypatch):
    from bilinear.decompositions.lifting import reconcile

    whole = reconciled(LARGE_SIGNS, 40, np.random.default_rng(5))
    monkeypatch.setattr(reconcile, "STRETCH", 0.0)
    cut = reconciled(LARGE_SIGNS, 40, np.random.default_rng(5))
    assert whole[1:] == cut[1:]
    assert all((a == b).all() for a, b in zip(whole[0].factors, cut[0].factors, strict=True))
    with heard(lambda: True), pytest.raises(Stopped):
        reconciled(LARGE_SIGNS, 40, np.random.default_rng(5))


def test_the_work_of_lifting_is_bounded_and_told():
    assert work(SQUARED) < work(LARGE)
    with pytest.raises(TooLargeError, match=r"lifting 8x4x8 with 196 products takes about .* operations on words, at "):
        lift(LARGE, "zt", most=1e6)
