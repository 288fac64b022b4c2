"""Which target, move and solver is tried next: a bandit whose reward is what a second of processor time gains."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FIRST_COST = 10.0  # processor seconds that a task is thought to take before any was done
DOUBT = 0.5  # gains that an arm is believed to have had: how soon its own past outweighs that of its kin
FADING = 0.5  # of what is known of a target's arms, once it has a better scheme: it has become another problem


class Chooser(Protocol):
    """Who chooses among arms."""

    def choose(self, weights: NDArray[np.float64]) -> int: ...

    def begin(self, arm: int) -> None: ...

    def end(self, arm: int, gain: float, cpu: float) -> None: ...

    def fade(self, arms: NDArray[np.bool_]) -> None: ...


class Bandit:
    """Thompson sampling of rates: gains of an arm are taken to come like events, at a rate per processor second.

    What an arm has gained in its time makes a gamma distribution of its rate, which is drawn from; the arm with the
    largest draw, times its weight, is tried. An arm that is new is believed to be like its kin, the same move and
    solver on other targets. What runs now counts as time without gain, so that many workers spread over the arms.

    Source:
        W. R. Thompson, "On the likelihood that one unknown probability exceeds another in view of the evidence of two
        samples" (Biometrika 25, 1933); O. Chapelle, L. Li, "An empirical evaluation of Thompson sampling" (NIPS 2011).
        Gamma and Poisson in place of beta and Bernoulli, and the prior shared by kin, are ours.
    """

    def __init__(self, kin: Sequence[Hashable], seed: int) -> None:
        """Nothing is known of any arm.

        Args:
            kin: Of each arm; arms of equal kin are believed alike until they are known.
            seed: Of the draws.
        """
        names = list(dict.fromkeys(kin))
        place = {name: number for number, name in enumerate(names)}
        self.kin = np.array([place[name] for name in kin], dtype=np.int64)
        self.gain, self.cpu, self.running = (np.zeros(len(self.kin)) for _ in range(3))
        self.kin_gain, self.kin_cpu = np.zeros(len(names)), np.zeros(len(names))
        self.done, self.spent = 0, 0.0
        self._rng = np.random.default_rng(seed)

    @property
    def cost(self) -> float:
        """Processor seconds of a task, on average."""
        return (self.spent + FIRST_COST) / (self.done + 1)

    def choose(self, weights: NDArray[np.float64]) -> int:
        """The arm to try.

        Args:
            weights: Of the arms, at least 0, one of them above it.
        """
        rates = (self.kin_gain + 1) / (self.kin_cpu + self.cost)
        shape = self.gain + DOUBT
        time = self.cpu + self.running * self.cost + DOUBT / rates[self.kin]
        drawn = self._rng.gamma(shape) / time
        return int(np.argmax(np.where(weights > 0, drawn * weights, -1.0)))

    def begin(self, arm: int) -> None:
        """It is being tried."""
        self.running[arm] += 1

    def end(self, arm: int, gain: float, cpu: float) -> None:
        """What came of it.

        Args:
            arm: That was tried.
            gain: From 0 to 1.
            cpu: Processor seconds.
        """
        self.running[arm] -= 1
        self.gain[arm] += gain
        self.cpu[arm] += cpu
        self.kin_gain[self.kin[arm]] += gain
        self.kin_cpu[self.kin[arm]] += cpu
        self.done += 1
        self.spent += cpu

    def fade(self, arms: NDArray[np.bool_]) -> None:
        """Forget half of what is known of these."""
        self.gain[arms] *= FADING
        self.cpu[arms] *= FADING


class Uniform:
    """Every arm as often as any other: what the bandit is compared with."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def choose(self, weights: NDArray[np.float64]) -> int:
        """Any arm whose weight is above 0."""
        return int(self._rng.choice(np.flatnonzero(weights > 0)))

    def begin(self, arm: int) -> None:
        """Nothing is learned."""

    def end(self, arm: int, gain: float, cpu: float) -> None:
        """Nothing is learned."""

    def fade(self, arms: NDArray[np.bool_]) -> None:
        """Nothing is forgotten."""
