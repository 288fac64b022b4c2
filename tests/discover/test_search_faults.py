"""Searches that are killed: nothing half-written, nothing lost."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bilinear.decompositions import parse_target
from bilinear.discover.engine.budget import parse_budget
from bilinear.discover.engine.checkpoint import load
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import run
from bilinear.discover.engine.solver import make_solver

HARD = Problem(parse_target("3x3x3"), 22)  # not known to exist
OPTIONS: dict[str, object] = {"restarts": 16}

SEARCH = """
import sys
from bilinear.discover import Hooks, Order, Problem, parse_budget, run
from bilinear.decompositions import parse_target
from pathlib import Path
sys.modules["bilinear.discover.engine.loop"].CHECKPOINT_SECONDS = 0.0
path = Path(sys.argv[1])
hooks = Hooks(on_progress=lambda p: print(p.steps, flush=True))
run(Order(Problem(parse_target("3x3x3"), 22), "ternary-sgd", {"restarts": 16}, budget=parse_budget("60s"),
          checkpoint=path, resume=path.exists()), hooks)
"""


def killed_search(path: Path, after: float) -> int:
    """Run a search that checkpoints after every slice, kill it some time after its first; the last steps it told of."""
    process = subprocess.Popen([sys.executable, "-c", SEARCH, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    steps = [int(process.stdout.readline())]
    while not path.exists():
        time.sleep(0.01)
    time.sleep(after)
    process.kill()
    steps += [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
    assert process.wait() == -signal.SIGKILL
    return steps[-1]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_search_goes_on_from_its_last_checkpoint(tmp_path: Path, kills: int) -> None:
    path, rng, before = tmp_path / "search.npz", random.Random(kills), 0
    for _ in range(kills):
        told = killed_search(path, rng.uniform(0, 0.5))
        held = load(path, "ternary-sgd", make_solver("ternary-sgd", OPTIONS), HARD, 0)
        assert max(before, 1) <= held.state.steps <= told
        assert np.isfinite(held.state.latent).all()
        before = held.state.steps
    outcome = run(Order(HARD, "ternary-sgd", OPTIONS, budget=parse_budget("1steps"), checkpoint=path, resume=True))
    assert outcome.steps == before
