"""What the measurements of searches share: one thread, processor time, and schemes verified and counted once."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.machine import write
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify
from bilinear.discover.engine.problem import Problem


@dataclass(frozen=True)
class Search:
    """A search that has ended.

    Attributes:
        state: Of the solver.
        schemes: Distinct ones that were found, up to what `content_hash` leaves out.
        spent: Processor seconds, start and the solver's checks included, verification left out.
    """

    state: Any
    schemes: int
    spent: float


def search(solver: Any, problem: Problem, seed: int, successes: int, cpu: float) -> Search:
    """Search until so many schemes are found or the processor time is spent."""
    clock = time.process_time()
    state = solver.start(problem, np.random.default_rng(seed))
    spent = time.process_time() - clock
    distinct: set[str] = set()
    while spent < cpu and state.found < successes:
        clock = time.process_time()
        state = solver.advance(state)
        spent += time.process_time() - clock
        schemes = [candidate for candidate in solver.candidates(state) if isinstance(candidate, Scheme)]
        distinct.update(content_hash(checked(scheme)) for scheme in schemes)
    return Search(state, len(distinct), spent)


def checked(scheme: Scheme) -> Scheme:
    """The scheme, verified exactly."""
    result = verify(scheme)
    if not result.ok:
        raise AssertionError(f"a candidate is wrong: {result}")
    return scheme


def parser_of(description: str | None, problems: str, successes: int) -> argparse.ArgumentParser:
    """A parser of the options of both measurements.

    Args:
        description: The first lines of `--help`.
        problems: What one is.
        successes: After how many exact schemes a search stops, unless told otherwise.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="+", help=problems)
    parser.add_argument("--successes", type=int, default=successes, help="stop after so many exact schemes")
    parser.add_argument("--cpu", type=float, default=60.0, help="processor seconds for each search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser


def report(given: argparse.Namespace, head: str, rows: Iterable[Any], line: Callable[[Any], str], **more: Any) -> None:
    """Print the table's head and each row when it is measured; write all if asked, with what more there is to say."""
    print(head, flush=True)
    found = []
    for row in rows:
        print(line(row), flush=True)
        found.append(asdict(row))
    write(given.json, {"seed": given.seed, **more, "load": os.getloadavg()[0], "rows": found})
