"""The plan of a campaign: a TOML file that says what is hunted, and by which solvers."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bilinear.catalog.records import formats
from bilinear.decompositions import files, memory
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.targets import Target, parse_target
from bilinear.discover.engine.solver import make_solver

FORMAT = 1
MOST = 1 << 20  # bytes of a plan
MOST_TARGETS = 10_000
MOVES = ("fresh", "own", "neighbours", "compose")
GOALS = ("record", "lower")
LOWER = ("rank", "additions", "growth")
OPTIMIZE, ACCURACY = "optimize", "accuracy"
LOWERING = {"additions": OPTIMIZE, "growth": ACCURACY}
"""The commands that lower what is not the rank; they begin from the target's own scheme."""
LOWERING_STEPS = {OPTIMIZE: 20, ACCURACY: 1}

ALL_FORMATS = re.compile(r"matmul\s+p\s*<=\s*([0-9]{1,3})")
FAMILY = re.compile(r"([a-z][a-z0-9-]*)\s+n\s*<=\s*([0-9]{1,3})")

TEMPLATE = """\
# A campaign of bilinear. `bilinear campaign run {name} --jobs 2 --budget 8h` hunts, and goes on from wherever it stood.
format = 1

# Every random choice follows from it: the seeds of the tasks are seed, seed + 1, ...
seed = 0

# What is hunted: single targets, all matrix formats of the published table with sizes up to some p, families up to n.
targets = ["matmul p<=4", "polymul n<=4"]

# Coefficient sets: zt ({{-1, 0, 1}}), z, q, qi, f2, f3.
rings = ["zt"]

# When a target is left alone: "record" once its rank is the best published, "lower" once it is below that.
goal = "record"

# Whether what others published counts as here and is begun from. What is made of it is not found here.
published = false

# What is lowered: the rank; "additions" and "growth" (of rounding errors) too, of targets that have reached their goal.
lower = ["rank"]

# Solvers with their options, each with the moves that it makes. `steps` is the budget of one task, `weight` how much
# it is preferred before anything is known. Moves: "fresh" begins anew, "own" from the target's best scheme,
# "neighbours" from the best schemes of formats one row, column or layer away, "compose" puts together what is there.
[[solver]]
solver = "composition"
moves = ["compose"]
steps = 1

[[solver]]
solver = "flip-graph"
moves = ["fresh", "own"]
steps = 200_000_000
weight = 1.0
options = {{}}

[[solver]]
solver = "meta"
moves = ["neighbours"]
steps = 200_000_000

# A solver that needs a rank is given the one to reach: rank = true.
# [[solver]]
# solver = "als"
# moves = ["fresh"]
# steps = 2000
# rank = true
"""


class PlanError(BilinearError):
    """A plan that cannot be followed."""


@dataclass(frozen=True)
class Method:
    """A solver, as a campaign uses it.

    Attributes:
        solver: Its name in the registry, `optimize` or `accuracy`.
        moves: What it begins from.
        steps: Of one task.
        weight: How much it is preferred.
        options: Hyperparameters.
        rank: Whether it is told the rank to reach.
        name: Under which the journal knows it.
    """

    solver: str
    moves: tuple[str, ...]
    steps: int
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    rank: bool = False
    name: str = ""


@dataclass(frozen=True)
class Plan:
    """What is hunted.

    Attributes:
        path: Of the file.
        targets: Sizes of `matmul` in rising order.
        rings: Coefficient sets.
        methods: Solvers.
        seed: Of all randomness.
        goal: `record` or `lower`.
        lower: `rank`, and whether `additions` and `growth` of what has reached its goal.
        published: Whether what others published counts as here, and is begun from.
    """

    path: Path
    targets: tuple[Target, ...]
    rings: tuple[Ring, ...]
    methods: tuple[Method, ...]
    seed: int = 0
    goal: str = "record"
    lower: tuple[str, ...] = ("rank",)
    published: bool = False

    @property
    def journal(self) -> Path:
        """The file beside the plan that tells what was done."""
        return self.path.with_name(f"{self.path.name}.journal")


def new(path: Path) -> None:
    """Write a commented plan.

    Raises:
        PlanError: If there is a file already.
        OSError: If it cannot be written.
    """
    if path.exists():
        raise PlanError(f"{path}: there is a file already; choose another name")
    files.write_atomic(path, TEMPLATE.format(name=path.name).encode())


def read(path: Path) -> Plan:
    """The plan of a file.

    Raises:
        PlanError: If a key is unknown or a value makes no sense.
        OSError: If it cannot be read.
    """
    try:
        held = tomllib.loads(memory.contents(path, MOST).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: not a plan: {error}") from error
    try:
        return _plan(path, held)
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from error


def _plan(path: Path, held: dict[str, Any]) -> Plan:
    _known(held, ("format", "seed", "targets", "rings", "goal", "lower", "published", "solver"), "")
    if held.get("format") != FORMAT:
        raise PlanError(f"format {str(held.get('format'))[:20]!r}; this version reads format = {FORMAT}")
    seed = _number(held, "seed", 0, 0, 2**62)
    goal = _chosen([held.get("goal", "record")], GOALS, "goal")[0]
    lower = _chosen(held.get("lower", ["rank"]), LOWER, "lower")
    methods = [_method(table) for table in _tables(held.get("solver"))]
    for solver in (LOWERING[what] for what in lower if what in LOWERING):
        if not any(method.solver == solver for method in methods):
            methods.append(Method(solver, ("own",), LOWERING_STEPS[solver], name=solver))
    names = [method.name for method in methods]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise PlanError(f"two solvers are called {double!r}; give one of them another name = ")
    try:
        rings = tuple(dict.fromkeys(parse_ring(ring) for ring in _texts(held.get("rings", ["zt"]), "rings")))
    except BilinearError as error:
        raise PlanError(f"rings: {error}") from error
    targets, others = _targets(_texts(held.get("targets"), "targets")), held.get("published", False)
    if not isinstance(others, bool):
        raise PlanError(f"published is {str(others)[:40]!r}; true or false is needed")
    return Plan(path, targets, rings, tuple(methods), seed, goal, lower, others)


def _targets(texts: Sequence[str]) -> tuple[Target, ...]:
    """Those named, each once."""
    found: dict[str, Target] = {}
    for text in texts:
        for target in _named(text.strip()):
            found.setdefault(target.name, target)
            if len(found) > MOST_TARGETS:
                raise PlanError(f"targets: more than {MOST_TARGETS}; choose fewer")
    return tuple(found.values())


def _named(text: str) -> list[Target]:
    """What one text means: `matmul p<=8`, `polymul n<=6`, or a target."""
    try:
        if match := ALL_FORMATS.fullmatch(text):
            most = int(match[1])
            return [parse_target(f"{n}x{m}x{p}") for n, m, p in formats() if max(n, m, p) <= most]
        if match := FAMILY.fullmatch(text):
            return [_of_size(match[1], n) for n in range(2, int(match[2]) + 1)]
        return [canonical(parse_target(text))]
    except BilinearError as error:
        raise PlanError(f"targets: {error}") from error


def _of_size(family: str, n: int) -> Target:
    """`cyclic:4`, or `polymul:4x4`."""
    try:
        return parse_target(f"{family}:{n}")
    except BilinearError:
        return parse_target(f"{family}:{n}x{n}")


def _method(table: dict[str, Any]) -> Method:
    keys = ("solver", "moves", "steps", "weight", "options", "rank", "name")
    _known(table, keys, "in [[solver]]: ")
    solver = table.get("solver")
    if not isinstance(solver, str):
        raise PlanError('in [[solver]]: its name is missing; write solver = "flip-graph"')
    options, rank, weight = table.get("options", {}), table.get("rank", False), table.get("weight", 1.0)
    if not isinstance(options, dict) or not isinstance(rank, bool):
        raise PlanError(f"solver {solver!r}: options is a table, rank is true or false")
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight <= 1e6:
        raise PlanError(f"solver {solver!r}: weight is {str(weight)[:20]!r}; a number above 0 is needed, up to 1e6")
    try:
        if solver not in LOWERING_STEPS:
            make_solver(solver, options)
    except BilinearError as error:
        raise PlanError(str(error)) from error
    moves = (
        ("own",)
        if solver in LOWERING_STEPS
        else _chosen(table.get("moves", ["fresh"]), MOVES, f"solver {solver!r}: moves")
    )
    steps = _number(table, "steps", None, 1, 2**62)
    return Method(solver, moves, steps, float(weight), options, rank, str(table.get("name", solver)))


def _tables(held: object) -> list[dict[str, Any]]:
    if not isinstance(held, list) or not held or not all(isinstance(table, dict) for table in held):
        raise PlanError("no solver is named; write at least one table [[solver]]")
    return held


def _texts(held: object, key: str) -> list[str]:
    if not isinstance(held, list) or not held or not all(isinstance(text, str) for text in held):
        raise PlanError(f'{key}: a list of texts is needed, such as {key} = ["..."]')
    return held


def _chosen(held: object, known: Sequence[str], key: str) -> tuple[str, ...]:
    texts = _texts(held, key)
    if wrong := next((text for text in texts if text not in known), None):
        raise PlanError(f"{key}: {wrong[:40]!r}{_meant(wrong, known)}; known: {', '.join(known)}")
    return tuple(dict.fromkeys(texts))


def _number(table: Mapping[str, Any], key: str, default: int | None, least: int, most: int) -> int:
    value = table.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise PlanError(f"{key} is {str(value)[:40]!r}; a whole number from {least} to {most} is needed")
    return value


def _known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    if wrong := next((key for key in table if key not in known), None):
        raise PlanError(f"{where}unknown key {wrong[:40]!r}{_meant(wrong, known)}; known keys: {', '.join(known)}")


def _meant(wrong: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(wrong, known, 1)
    return f": did you mean {near[0]!r}?" if near else ""
