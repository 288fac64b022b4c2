"""What a campaign may try: arms, which of them are open, and how much each is wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import parse_target
from bilinear.discover.campaign.bandit import Chooser
from bilinear.discover.campaign.holdings import Aim, Holdings, Quarry, aim, next_to
from bilinear.discover.campaign.journal import Line
from bilinear.discover.campaign.plan import ACCURACY, LOWERING_STEPS, Method, Plan
from bilinear.discover.engine.solver import make_solver, takes_any_format
from bilinear.discover.keep import HASH_WORD

MISSING, AT_RECORD, OPEN, REACHED = 2.0, 0.5, 0.5, 0.25
"""Weights of a target with no scheme here, at the published rank, without one, and whose additions are lowered."""
BEHIND = 10.0  # times the share that the rank here lies above the published one, added to 1
STARTS = 6  # neighbours that a task begins from at most


class Arm(NamedTuple):
    """A target over a coefficient set, a solver and a move."""

    quarry: Quarry
    method: Method
    move: str

    @property
    def kin(self) -> tuple[str, str]:
        """What is alike on other targets."""
        return self.method.name, self.move

    @property
    def is_single(self) -> bool:
        """Whether it comes to the same every time, until something has changed."""
        return self.move == "compose" or self.method.solver == ACCURACY

    @property
    def key(self) -> tuple[str, str, str, str]:
        """As the journal names it."""
        return *self.quarry.key, self.method.name, self.move


class Board:
    """The arms of a plan.

    Attributes:
        plan: What is hunted.
        holdings: What is here.
        aims: How far each target is to be lowered.
        arms: All of them.
    """

    def __init__(self, plan: Plan, holdings: Holdings) -> None:
        self.plan, self.holdings = plan, holdings
        self.quarries = [Quarry(target, ring) for target in plan.targets for ring in plan.rings]
        self.aims: dict[tuple[str, str], Aim] = {quarry.key: aim(quarry, plan.goal) for quarry in self.quarries}
        self.arms = [
            Arm(quarry, method, move)
            for quarry in self.quarries
            for method in plan.methods
            for move in method.moves
            if move in ("fresh", "own") or quarry.target.family == "matmul"
        ]
        self._place = {arm.key: number for number, arm in enumerate(self.arms)}
        self._of: dict[str, list[int]] = {}
        for number, arm in enumerate(self.arms):
            self._of.setdefault(arm.quarry.target.name, []).append(number)
        self._closed: set[int] = set()
        self._plays = [0] * len(self.arms)
        self._next: deque[int] = deque()
        self._weights = np.array([self._weight(arm) for arm in self.arms])

    def arm(self, line: Line) -> int | None:
        """The arm of a task; None if the plan has it no more."""
        return self._place.get((line["target"], line["ring"], line["method"], line["move"]))

    def quarry(self, line: Line) -> Quarry:
        """What a task hunts."""
        found = next((quarry for quarry in self.quarries if quarry.key == (line["target"], line["ring"])), None)
        return Quarry(parse_target(line["target"]), line["ring"]) if found is None else found

    def weights(self) -> NDArray[np.float64]:
        """How much each arm is wanted; 0 for those that are closed."""
        weights = self._weights.copy()
        weights[list(self._closed)] = 0.0
        return weights

    def draft(self, chooser: Chooser, number: int) -> tuple[dict[str, Any], tuple[Scheme, ...]] | None:
        """The next task: what its journal line says, and its starts; None if no arm is open.

        Arms of formats whose neighbours have just improved come first. An arm that has nothing to begin from is closed
        until something changes.
        """
        while True:
            while self._next:
                chosen = self._next.popleft()
                if self._weights[chosen] > 0 and chosen not in self._closed:
                    break
            else:
                weights = self.weights()
                if not np.any(weights > 0):
                    return None
                chosen = chooser.choose(weights)
            starts = self._starts(self.arms[chosen], self._plays[chosen])
            if starts is None:
                self._closed.add(chosen)
                continue
            if self.arms[chosen].is_single:
                self._closed.add(chosen)
            return self._fields(self.arms[chosen], number, starts), tuple(starts)

    def hear(self, begun: Line, done: Line, chooser: Chooser) -> None:
        """What came of a task: its target's arms change, and those of its neighbours come next."""
        chosen = self.arm(begun)
        if chosen is not None:
            self._plays[chosen] += 1
            if done["status"].startswith("failed") or self.arms[chosen].is_single:
                self._closed.add(chosen)
        if done["rank"] is None:
            return
        key = begun["target"], begun["ring"]
        own = self._of.get(key[0], [])
        mask = np.zeros(len(self.arms), dtype=bool)
        mask[own] = True
        chooser.fade(mask)
        for place in own:
            self._closed.discard(place)
            self._weights[place] = self._weight(self.arms[place])
        self._wake(key)

    def _wake(self, key: tuple[str, str]) -> None:
        """What the better scheme of a format may help: its neighbours next, and all that is put together of parts."""
        target = parse_target(key[0])
        near = {(f"matmul:{'x'.join(map(str, sizes))}", key[1]) for sizes in next_to(target)}
        for place, arm in enumerate(self.arms):
            if arm.move == "compose" and arm.quarry.key != key and str(arm.quarry.ring) == key[1]:
                self._closed.discard(place)
            if arm.move in ("neighbours", "compose") and arm.quarry.key in near and place not in self._next:
                self._closed.discard(place)
                self._next.append(place)

    def gain(self, quarry: Quarry, before: int | None, rank: int) -> float:
        """What a new rank is worth: the share that it closes of the way to the goal."""
        goal = self.aims[quarry.key].goal if quarry.key in self.aims else None
        if before is None:
            return 1.0 if goal is None or rank <= goal else 0.5
        return min(1.0, (before - rank) / max(1, before - (goal if goal is not None else rank)))

    def is_reached(self, quarry: Quarry) -> bool:
        """Whether the rank here is the goal."""
        here, goal = self.holdings.rank(quarry), self.aims[quarry.key].goal
        return here is not None and goal is not None and here <= goal

    def _weight(self, arm: Arm) -> float:
        """How much an arm is wanted, as its target stands."""
        here, wanted = self.holdings.rank(arm.quarry), self.aims[arm.quarry.key]
        if arm.method.solver in LOWERING_STEPS:
            finished = wanted.goal is None or self.is_reached(arm.quarry)
            return REACHED * arm.method.weight * (here is not None and finished)
        if self.is_reached(arm.quarry):
            return 0.0
        if here is None:
            urgency = MISSING
        elif wanted.published is None:
            urgency = OPEN
        else:
            urgency = AT_RECORD if here <= wanted.published else 1 + BEHIND * (here / wanted.published - 1)
        return urgency * arm.method.weight

    def _starts(self, arm: Arm, play: int) -> list[Scheme] | None:
        """What a task of an arm begins from; None if there is nothing, or nothing to gain by it."""
        if arm.move == "fresh":
            return []
        if arm.move == "own":
            own = self.holdings.own(arm.quarry)
            return None if own is None else [own]
        if arm.move == "compose":
            parts, here = self.holdings.parts(arm.quarry), self.holdings.rank(arm.quarry)
            return None if parts is None or (here is not None and parts[0].rank >= here) else parts[1]
        near = self.holdings.neighbours(arm.quarry)
        if not near:
            return None
        if takes_any_format(make_solver(arm.method.solver, arm.method.options)):
            return near[:STARTS]
        return [near[play % len(near)]]

    def _fields(self, arm: Arm, number: int, starts: list[Scheme]) -> dict[str, Any]:
        """The line that begins a task."""
        here, goal = self.holdings.rank(arm.quarry), self.aims[arm.quarry.key].goal
        told = goal if here is None else here - 1 if goal is None else max(goal, here - 1)
        target, ring = arm.quarry.key
        fields: Mapping[str, Any] = {
            "target": target,
            "ring": ring,
            "move": arm.move,
            "method": arm.method.name,
            "solver": arm.method.solver,
            "options": dict(arm.method.options),
            "seed": self.plan.seed + number,
            "steps": arm.method.steps,
            "rank": told if arm.method.rank else None,
            "starts": [content_hash(start)[:HASH_WORD] for start in starts],
            "before": here,
        }
        return dict(fields)
