"""Changed checkpoints of every solver, gone on from in a process of their own, where a segmentation fault is seen.

    python checkpoint_fuzz.py COUNT SEED [SOLVER ...]

Each case changes a sound checkpoint: header, arrays, or bytes. It is refused in one line, or taken up and advanced by a
slice, and then all that is found is right. Prints what became of the cases, and the growth of memory, as JSON.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import io
import json
import random
import resource
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bilinear.decompositions import parse_target, standard, strassen, verify
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.targets.file import from_dense
from bilinear.decompositions.transforms import parse_transform
from bilinear.discover.engine import archive
from bilinear.discover.engine import checkpoint as checkpoints
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks, Search

FLIP = "bilinear.discover.solvers.flip_graph"
SHORT = {
    f"{FLIP}.descent": {"SLICE": 1 << 12},
    f"{FLIP}.growing": {"SLICE": 1 << 12},
    f"{FLIP}.prize": {"STRIDE": 1 << 8},
    "bilinear.discover.solvers.evaluation": {"LEG": 1 << 10},
    "bilinear.discover.solvers.als.alternating": {"SWEEP_WORK": {"cpu": 1e4}, "DISCRETE_WORK": {"cpu": 1.0}},
    "bilinear.discover.solvers.ternary_sgd.training": {"SLICE_ENTRIES": {"cpu": 1}},
}
"""Slices of a few milliseconds."""

SQUARE = from_dense("file:square.npy", np.ones((2, 2, 2), np.int64))
POOL: dict[str, object] = {"size": 3, "path": 0.004}
SEARCHES: dict[str, list[tuple[Problem, dict[str, object]]]] = {
    "als": [
        (Problem(parse_target("2x2x2"), 7, Ring.ZT), {"restarts": 3, "sweeps": 40, "fit_steps": 9}),
        (Problem(parse_target("1x2x2"), 4, Ring.QI), {"restarts": 2, "sweeps": 9}),
    ],
    "composition": [(Problem(parse_target("2x4x4")), {})],
    "construction": [(Problem(parse_target("2x2x2")), {"name": "strassen"})],
    "evaluation": [
        (Problem(parse_target("polymul:4x4"), None, Ring.ZT), {"flips": 3.0}),
        (Problem(parse_target("cyclic:4"), None, Ring.F2), {"flips": 3.0}),
    ],
    "flip-graph": [
        (Problem(parse_target("2x2x3"), None, Ring.F2), {"patience": 0.01, "leg": 0.004}),
        (Problem(parse_target("2x2x2"), None, Ring.ZT), {"patience": 0.01, "leg": 0.004}),
        (Problem(SQUARE, None, Ring.F3), {}),
    ],
    "flip-pool": [
        (Problem(parse_target("2x2x2"), None, Ring.ZT), POOL | {"walk": "zt"}),
        (Problem(parse_target("2x2x3"), None, Ring.F2), POOL),
    ],
    "meta": [(Problem(parse_target("2x2x3"), None, Ring.F2), {"patience": 0.004, "leg": 0.002, "keep": 2})],
    "portfolio": [(Problem(parse_target("2x2x2"), None, Ring.F2), {})],
    "symmetric": [
        (Problem(parse_target("3x3x3"), None, Ring.F2), POOL | {"group": "z3xz2"}),
        (Problem(parse_target("2x2x2"), None, Ring.F3), POOL),
    ],
    "ternary-sgd": [(Problem(parse_target("2x2x2"), 7, Ring.ZT), {"restarts": 4})],
}
GRADIENT = "gradient"
PATH = Path("search.npz")

VALUES: list[Any] = [None, True, False, -1, 0, 1, 2, 7, 255, 2**31, 2**62, 2**63, 2**64, 10**30, -(2**63), 1e308, -1.5]
VALUES += [
    0.5,
    float("inf"),
    float("nan"),
    "",
    "zt",
    "f2",
    "q",
    "matmul:9x9x9",
    "x" * 5000,
    "\x1b[2J",
    "\ud800",
    "9" * 5000,
]
VALUES += [[], [1], {}, {"rank": 3}, [[[1]]], {"ring": "f2", "rows": 1}]


def main() -> None:
    """Run the cases that the command line asks for."""
    count, seed, *names = sys.argv[1:]
    for module, constants in SHORT.items():
        for name, value in constants.items():
            setattr(importlib.import_module(module), name, value)
    met: Counter[str] = Counter()
    names = names or [*SEARCHES, GRADIENT]
    sources = {name: gradient_sources() if name == GRADIENT else sources_of(name) for name in names}
    for data, again in (source for each in sources.values() for source in each):
        again(data)  # as it is, each of them is gone on from
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in range(int(count)):
        name = names[case % len(names)]
        rng = random.Random(f"{seed} {case}")
        data, again = rng.choice(sources[name])
        changed = changes(rng, data)
        try:
            again(changed)
            met[f"{name} went on"] += 1
        except BilinearError as error:
            line = str(error)
            assert line.isprintable(), line
            assert len(line) < 1000, line
            met[f"{name} refused"] += 1
        except BaseException:
            sys.stderr.write(f"case {case} of seed {seed}: {name}\n")
            Path("failing.npz").write_bytes(changed)
            raise
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.write(json.dumps({"cases": int(count), "met": dict(sorted(met.items())), "grown_kb": grown}) + "\n")


def sources_of(name: str) -> list[tuple[bytes, Any]]:
    """Sound checkpoints of a solver, each with what goes on from its like."""
    found = []
    for problem, options in SEARCHES[name]:
        starts = (strassen(),) if name in ("composition", "flip-pool") and problem.target.family == "matmul" else ()
        order = Order(problem, name, options, 5, starts=starts)
        search = Search.of(order, Hooks())
        search.begin(order.turned_starts, resume=False)
        found.append((checkpoints.to_bytes(name, search.solver, search.held()), _goes_on(order)))
        for _ in range(4):
            if search.ended() is None:
                search.advance()
                if hasattr(search.solver, "accept"):
                    given = [standard(problem.target).to(Ring.F2 if problem.ring is not Ring.F3 else Ring.F3)]
                    search.state = search.solver.accept(search.state, given, np.random.default_rng(1))
                found.append((checkpoints.to_bytes(name, search.solver, search.held()), _goes_on(order)))
        if problem.rank is None and problem.target.family == "matmul":
            held = dataclasses.replace(search.held(), found=Found(standard(problem.target).to(problem.ring), 5, 1, 0.5))
            found.append((checkpoints.to_bytes(name, search.solver, held), _goes_on(order)))
    return found


def _goes_on(order: Order) -> Any:
    def again(data: bytes) -> None:
        search = Search.of(order, Hooks())
        held = checkpoints.from_bytes(data, PATH, search.name, search.solver, search.problem, search.seed)
        search.take_up(held)
        if search.ended() is None:
            search.advance()
        assert search.found is None or verify(search.found.scheme).ok
        search.outcome(search.ended() or checkpoints_status())

    return again


def checkpoints_status() -> Any:
    """Of a search that is not over."""
    from bilinear.discover.engine.outcome import Status

    return Status.BUDGET


def gradient_sources() -> list[tuple[bytes, Any]]:
    """Sound checkpoints of the gradient solver of transforms, likewise."""
    from bilinear.discover.engine.budget import Budget
    from bilinear.discover.transforms.gradient import halving as gradient
    from bilinear.discover.transforms.solver import Task

    solver = gradient.Gradient((("BP", False), ("B", True)), trials=3, first_steps=2, rungs=2, finishes=1)
    gradient.FINISH_STEPS = 50
    matrix = parse_transform("dct-II", 4)
    structures = solver.prepared(4)

    def made(path: Path | None = None) -> Any:
        return gradient._Search(solver, matrix, structures, Task(1, Budget(seconds=60.0), path), lambda _: None)

    def again(data: bytes) -> None:
        PATH.write_bytes(data)
        search = made()
        search.take_up(gradient.checkpoints.load(PATH, search.key(), structures, search.target, 3, 2))
        if search.ended() is None:
            search.advance()
        search.close()
        search.found(False)

    search, found = made(PATH), []
    for _ in range(6):
        search.save()
        assert not search.unsaved
        found.append((PATH.read_bytes(), again))
        search.advance()
    return found


def changes(rng: random.Random, data: bytes) -> bytes:
    """A checkpoint like the one given, changed at one to three places."""
    if rng.random() < 0.1:
        return changed_bytes(rng, data)
    header, arrays = archive.opened(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if arrays and rng.random() < 0.55:
            change_array(rng, arrays)
        else:
            change_header(rng, header)
    try:
        data = archive.archived(header, arrays)
    except UnicodeEncodeError:
        return data[:-7]
    return changed_bytes(rng, data) if rng.random() < 0.03 else data


def changed_bytes(rng: random.Random, data: bytes) -> bytes:
    """Bytes flipped, cut or put in; sizes that lie; members compressed, doubled or left out."""
    how, place = rng.randrange(6), rng.randrange(len(data))
    if how == 0:
        return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
    if how == 1:
        return data[:place]
    if how == 2:
        return data[:place] + rng.randbytes(rng.randrange(1, 40)) + data[place:]
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        members = [(name, held.read(name)) for name in held.namelist()]
    if how == 3:
        lies = b"(" + b"9" * rng.randrange(1, 22) + b",)"
        members = [(name, content.replace(b"()", lies, 1).replace(b"(3,)", lies, 1)) for name, content in members]
    if how == 4:
        members += rng.sample(members, 1)
    buffer = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if how == 5 else zipfile.ZIP_STORED
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packing) as archive_:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive_.writestr(name, content)
    return buffer.getvalue()


def change_header(rng: random.Random, header: dict[str, Any]) -> None:
    """One value, at any depth, becomes another, goes, or gets a neighbour."""
    here: Any = header
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(here[key], dict | list) and here[key] and rng.random() < 0.85:
            here = here[key]
            continue
        break
    how = rng.randrange(8)
    if how == 0 and isinstance(here, dict):
        del here[key]
    elif how == 1 and isinstance(here, dict):
        here[f"{key}x"] = copy.deepcopy(rng.choice(VALUES))
    elif how in (2, 3) and type(here[key]) is int:
        here[key] += rng.choice([-2, -1, 1, 2, 1000])
    else:
        here[key] = copy.deepcopy(rng.choice(VALUES))


def change_array(rng: random.Random, arrays: dict[str, Any]) -> None:
    """One array: an entry, all entries, its shape, its type, its place."""
    name = rng.choice(list(arrays))
    array = arrays[name].copy()
    how = rng.randrange(12)
    noise = np.random.default_rng(rng.randrange(1 << 32))
    if how < 5 and array.size and array.dtype.kind in "iu":
        bounds = np.iinfo(array.dtype)
        value = rng.choice(
            [0, 1, 2, 3, bounds.max, bounds.min, noise.integers(bounds.min, bounds.max, dtype=array.dtype)]
        )
        array.flat[rng.randrange(array.size)] = value
    elif how < 5 and array.size and array.dtype.kind in "fc":
        array.flat[rng.randrange(array.size)] = rng.choice([0, -1, 1e-300, 1e30, 1e300, np.inf, np.nan, 0.25])
    elif how < 5 and array.size:
        array.flat[rng.randrange(array.size)] = (
            rng.choice(["0", "1", "-1", "2", "x", ""]) if array.dtype.kind == "U" else 1
        )
    elif how == 5 and array.size > 1:
        one, two = rng.sample(range(array.size), 2)
        array.flat[one], array.flat[two] = array.flat[two], array.flat[one]
    elif how == 6:
        array = array[: rng.randrange(len(array) + 1)] if array.ndim else array.reshape(1)
    elif how == 7:
        array = np.concatenate([array, array]) if array.ndim else array
    elif how == 8:
        array = (
            array.astype(rng.choice([np.int8, np.int64, np.float32, np.float64, np.uint64, np.bool_]), casting="unsafe")
            if array.dtype.kind != "U"
            else array
        )
    elif how == 9:
        array = rng.choice([array.T, array.reshape(-1), np.zeros_like(array), np.zeros((0, 10**9), array.dtype)])
    elif how == 10:
        del arrays[name]
        return
    elif how == 11:
        array = arrays[rng.choice(list(arrays))]
    arrays[name] = array


if __name__ == "__main__":
    main()
