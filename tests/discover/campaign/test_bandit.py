"""The bandit: it finds what pays, tries what is new, and spreads over what runs."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bilinear.discover.campaign.bandit import Bandit, Chooser, Uniform


def gained(chooser: Chooser, rates: list[float], tasks: int, seed: int) -> tuple[float, Counter[int]]:
    """The gains of so many tasks of a second each, and how often each arm was tried."""
    rng, sum_, tried = np.random.default_rng(seed), 0.0, Counter[int]()
    for _ in range(tasks):
        arm = chooser.choose(np.ones(len(rates)))
        chooser.begin(arm)
        gain = float(rng.random() < rates[arm])
        chooser.end(arm, gain, 1.0)
        sum_, tried[arm] = sum_ + gain, tried[arm] + 1
    return sum_, tried


def test_it_gains_more_than_a_uniform_draw() -> None:
    rates = [0.001] * 40 + [0.2] * 2
    bandit, tried = gained(Bandit(["own"] * 42, 0), rates, 2000, 1)
    uniform, _ = gained(Uniform(0), rates, 2000, 1)
    assert bandit > 3 * uniform
    assert len(tried) == 42


def test_what_is_alike_teaches_of_what_is_new() -> None:
    kin = ["good"] * 20 + ["bad"] * 20
    bandit = Bandit(kin, 0)
    for arm in (0, 1, 2, 20, 21, 22):
        for _ in range(10):
            bandit.begin(arm)
            bandit.end(arm, float(arm < 20), 1.0)
    weights = np.ones(40)
    weights[[0, 1, 2, 20, 21, 22]] = 0.0
    drawn = Counter(kin[bandit.choose(weights)] for _ in range(200))
    assert drawn["good"] > 150


def test_what_runs_counts_as_tried() -> None:
    bandit, tried = Bandit(["own"] * 50, 0), Counter[int]()
    for _ in range(200):
        arm = bandit.choose(np.ones(50))
        bandit.begin(arm)
        tried[arm] += 1
    assert len(tried) > 40
    assert max(tried.values()) < 20


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20).filter(any), st.integers(0, 99))
def test_a_closed_arm_is_never_chosen(weights: list[float], seed: int) -> None:
    kin = [number % 3 for number in range(len(weights))]
    for chooser in (Bandit(kin, seed), Uniform(seed)):
        assert weights[chooser.choose(np.array(weights))] > 0
