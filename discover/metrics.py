"""The metrics of a search as JSON lines: written while it runs, read by `bilinear plot`.

Events: `start` (what is searched), `slice` (one a slice and job), `improvement` (a job's best rank fell), `end`. Every
line is appended by one write, so that a killed search leaves whole lines and at most one broken one, the last.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError
from bilinear.discover.engine.outcome import Outcome, Progress
from bilinear.discover.engine.run import Hooks

if TYPE_CHECKING:
    from bilinear.discover.engine.order import Order
    from bilinear.discover.search import Result

FORMAT = 1
MOST = 1 << 30  # bytes of a file
BYTES_A_BYTE = 20  # of memory, once parsed
LATEST = 1e12  # seconds
MOST_JOBS, MOST_COUNTED = 1 << 16, 1 << 63
BEGINNING = b'{"event": "start"'
TIMED = ("slice", "improvement", "end")


class MetricsError(BilinearError):
    """A file that holds no metrics, or damaged ones."""


@dataclass(frozen=True)
class Recorded:
    """One run of a search, as a metrics file tells of it.

    Attributes:
        about: The `start` line.
        lines: The lines after it.
    """

    about: Mapping[str, Any]
    lines: list[Mapping[str, Any]] = field(default_factory=list)


def recorded(path: Path | None, order: Order, hooks: Hooks, execute: Callable[[Hooks], Result]) -> Result:
    """Run a search and write its metrics at the end of the file; a file that cannot be written ends no search.

    Args:
        path: The file, made if it is missing; None to write none.
        order: The search, its solver chosen.
        hooks: What the caller hears of.
        execute: Runs the search with the hooks that it is given.

    Raises:
        MetricsError: If the file holds something else.
        OSError: If it cannot be opened.
    """
    if path is None:
        return execute(hooks)
    with _Writer(path) as writer:
        writer.write("start", _about(order))
        result = execute(Hooks(_listening(writer, hooks.on_progress), hooks.on_found, hooks.should_stop))
        writer.write("end", _end(result.outcome))
    return replace(result, notes=(*result.notes, writer.failure)) if writer.failure else result


def read(path: Path) -> list[Recorded]:
    """The runs that a metrics file tells of; a broken last line is passed over.

    Raises:
        MetricsError: If there is no line in it, one is damaged, or the file is none of metrics.
        OSError: If it cannot be read, or is no regular file.
        TooLargeError: If it has more than 1 GB, or would not fit into memory.
    """
    *whole, _broken = memory.contents(path, MOST, BYTES_A_BYTE).split(b"\n")
    if not whole:
        raise MetricsError(f"{path}: no metrics in it; `bilinear search ... --metrics {path.name}` writes them")
    runs: list[Recorded] = []
    for number, line in enumerate(whole, 1):
        found = _parsed(line)
        if found is None or (not runs and found["event"] != "start"):
            raise MetricsError(f"{path}: line {number} is damaged, or no line of metrics; delete it, or the file")
        if found["event"] == "start":
            runs.append(_begun(path, found))
        else:
            runs[-1].lines.append(found)
    return runs


class _Writer:
    """A metrics file that lines are appended to. The first fault ends the writing, not the search."""

    def __init__(self, path: Path) -> None:
        self.path, self.failure = path, ""
        if path.exists() and path.stat().st_size:
            _mend(path)
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)

    def write(self, event: str, values: Mapping[str, Any]) -> None:
        """Append one line by one write."""
        if self.failure:
            return
        line = (json.dumps({"event": event} | _plain(values), default=str) + "\n").encode()
        try:
            if os.write(self.descriptor, line) < len(line):
                raise OSError(None, "the disk is full")
        except OSError as error:
            self.failure = f"{self.path}: {error.strerror}; the metrics end before the search does"


def _mend(path: Path) -> None:
    """Cut off a broken last line, after a look at whether the file is one of metrics."""
    data = memory.contents(path, MOST)
    end = data.rfind(b"\n") + 1
    first = data.split(b"\n", 1)[0]
    ours = (_parsed(first) or {}).get("event") == "start" if end else first.startswith(BEGINNING)
    if not ours:
        raise MetricsError(f"{path}: holds something else than metrics; choose another file for --metrics")
    if end < len(data):
        os.truncate(path, end)


def _about(order: Order) -> dict[str, Any]:
    """What the `start` line tells: enough to name the search in a plot."""
    from bilinear.catalog.records import published

    problem = order.searched
    record = published(problem.target, problem.ring)
    return {
        "format": FORMAT,
        "search": problem.short,
        "solver": order.solver,
        "options": dict(order.options),
        "seed": order.seed,
        "jobs": order.jobs,
        "resume": order.resume,
        "published": None if record is None else record.rank,
    }


def _listening(writer: _Writer, on_progress: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Write every report, and where it is the first with a lower rank, a line that says so."""
    best: dict[int, int] = {}

    def hear(report: Progress) -> None:
        rank = report.best_rank
        if report.phase:
            on_progress(report)
            return
        facts = {"time": round(report.seconds, 3), "job": report.job, "steps": report.steps, "best_rank": rank}
        if rank is not None and rank < best.get(report.job, rank + 1):
            best[report.job] = rank
            writer.write("improvement", facts)
        writer.write("slice", facts | {"memory": report.memory or None, "metrics": report.metrics})
        on_progress(report)

    return hear


def _end(outcome: Outcome) -> dict[str, Any]:
    return {
        "time": round(outcome.seconds, 3),
        "job": None,
        "steps": outcome.steps,
        "best_rank": None if outcome.scheme is None else outcome.scheme.rank,
        "status": outcome.status.name.lower(),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "metrics": outcome.metrics,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold: no infinities."""
    plain = {key: _plain(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line of metrics; None if it is anything else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("event") not in ("start", *TIMED):
        return None
    return found if (_is_beginning(found) if found["event"] == "start" else _is_timed(found)) else None


def _is_timed(line: dict[str, Any]) -> bool:
    """Whether the line has a time, a job and a rank of the right kinds."""
    time, job, rank = line.get("time"), line.get("job"), line.get("best_rank")
    known = isinstance(time, int | float) and not isinstance(time, bool) and 0 <= time <= LATEST
    return known and _is_count(job, MOST_JOBS) and _is_count(rank)


def _is_count(value: object, most: int = MOST_COUNTED) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most)


def _is_beginning(line: dict[str, Any]) -> bool:
    """Whether what a plot says of the search is of the right kinds."""
    words = all(isinstance(line.get(key, ""), str) for key in ("search", "solver"))
    flag = isinstance(line.get("resume", False), bool)
    return words and flag and _is_count(line.get("published")) and _is_count(line.get("seed", 0) or 0)


def _begun(path: Path, about: dict[str, Any]) -> Recorded:
    if about.get("format") != FORMAT:
        raise MetricsError(f"{path}: metrics of format {about.get('format')!r}; this version reads format {FORMAT}")
    return Recorded({"search": "", "solver": "", "seed": 0, "resume": False, "published": None} | about)
