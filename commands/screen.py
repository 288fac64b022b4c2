"""The live table of a search: on stderr, and only where a person looks at it."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bilinear.commands.common import visible
from bilinear.decompositions.memory import human
from bilinear.discover.engine.outcome import Progress
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.solver import SOLVERS

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from bilinear.catalog.serving import Library
    from bilinear.discover.campaign.hunt import Told

RECENT = 10  # reports that the speed is taken from
PATIENCE = 0.5  # seconds before a bar appears
FALLS = 6  # falls of the best rank that are shown
RANKS = {"best": "walked", "grown": "growing", "lifted": "lifted"}
"""Figures of a solver that are ranks, and the columns that they stand in."""
OVER = "over"
"""The figure that names the coefficient set walked over."""
WALKERS = "bilinear.discover.solvers.flip_graph"  # the package of the solvers that Numba compiles a walk for
DISCOVER = Path(__file__).parents[1] / "discover"


class Kernel(NamedTuple):
    """A file that Numba compiles as a whole.

    Attributes:
        source: The file.
        entry: Its entry point, as the cache names it.
        seconds: That it takes about.
    """

    source: Path
    entry: str
    seconds: int


WALK = Kernel(DISCOVER / "solvers" / "flip_graph" / "kernel.py", "run", 20)
ADDITIONS = Kernel(DISCOVER / "optimize" / "kernel.py", "_entry.locals.anneal", 40)


@dataclass
class Board:
    """What the table shows.

    Attributes:
        reports: The last reports of every job.
        falls: Each new best rank over all jobs: rank, seconds, job.
        phases: What every job is at, beyond searching.
        heard: When the last slice of every job was reported, on the clock of `time.monotonic`.
    """

    reports: dict[int, deque[Progress]] = field(default_factory=dict)
    falls: list[tuple[int, float, int]] = field(default_factory=list)
    phases: dict[int, str] = field(default_factory=dict)
    heard: dict[int, float] = field(default_factory=dict)

    def hear(self, report: Progress) -> None:
        """Take a report up."""
        self.phases[report.job] = report.phase
        if report.phase and report.job in self.reports:
            return
        self.heard[report.job] = time.monotonic()
        self.reports.setdefault(report.job, deque(maxlen=RECENT)).append(report)
        if report.best_rank is not None and (not self.falls or report.best_rank < self.falls[-1][0]):
            self.falls.append((report.best_rank, report.seconds, report.job))

    def speed(self, job: int) -> float | None:
        """Steps per second over the last reports; None before there are two."""
        first, last = self.reports[job][0], self.reports[job][-1]
        seconds = last.seconds - first.seconds
        return (last.steps - first.steps) / seconds if seconds > 0 else None

    def table(self, waiting: bool = False) -> Table:
        """One row a job; ranks stand under the names of what has them. While it is waited for a slice, time goes on."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        told = [name for name in RANKS if any(name in self.reports[job][-1].metrics for job in self.reports)]
        for name in ("job", "time", "steps", "steps/s", "best rank", *(RANKS[name] for name in told)):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("figures")
        for job in sorted(self.reports):
            report, speed = self.reports[job][-1], self.speed(job)
            seconds = report.seconds + (time.monotonic() - self.heard[job] if waiting else 0.0)
            rank = "-" if report.best_rank is None else str(report.best_rank)
            cells = [str(job), clock(seconds), _short(report.steps), "-" if speed is None else _short(speed), rank]
            cells += [_ranked(report.metrics, name) for name in told]
            table.add_row(*map(visible, cells), Text(visible(", ".join(self._figures(report, told)))))
        return table

    def _figures(self, report: Progress, but: Sequence[str]) -> Iterator[str]:
        """What a job is at, its memory, and what its solver tells besides."""
        yield self.phases[report.job] or "searching"
        if report.memory:
            yield human(report.memory)
        for name, value in report.metrics.items():
            if name not in (*but, OVER):
                yield f"{name} {_figure(value)}"

    def history(self) -> str:
        """The last falls of the best rank, `rank 25 at 3 s, 23 at 8 s`; empty before the first."""
        several = len(self.reports) > 1
        shown = [f"{rank} at {clock(at)}{f' (job {job})' if several else ''}" for rank, at, job in self.falls[-FALLS:]]
        return f"{'... ' if len(self.falls) > FALLS else ''}rank {', '.join(shown)}" if shown else ""


@contextmanager
def shown(title: str, hooks: Hooks) -> Iterator[Hooks]:
    """The hooks, with a live table of the search while it runs; unchanged where stderr is no terminal."""
    console = _console()
    if console is None:
        yield hooks
        return
    from rich.console import Group
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    board, spinner = Board(), Spinner("dots", title)

    def content(*head: RenderableType) -> Group:
        falls = [Text(board.history())] if board.falls else []
        return Group(*head, *([board.table(waiting=bool(head))] if board.reports else []), *falls)

    with Live(
        get_renderable=lambda: content(spinner), console=console, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def show(report: Progress) -> None:
            board.hear(report)
            hooks.on_progress(report)

        try:
            yield Hooks(show, hooks.on_found, hooks.should_stop)
        finally:
            live.update(content())


@contextmanager
def campaign_shown(table: Callable[[Told], Table]) -> Iterator[Callable[[Told], None]]:
    """A live table on stderr, where a person looks at it, made anew of whatever is told, at most twice a second."""
    console = _console()
    if console is None:
        yield lambda told: None
        return
    from rich.live import Live

    drawn = -PATIENCE
    with Live(console=console, redirect_stdout=False, redirect_stderr=False) as live:

        def show(told: Told) -> None:
            nonlocal drawn
            if time.monotonic() - drawn >= PATIENCE:
                drawn = time.monotonic()
                live.update(table(told))

        yield show


@contextmanager
def status_line(title: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr, where a person looks at it: call what it yields with the words to show behind the title."""
    console = _console()
    if console is None:
        yield lambda words: None
        return
    from rich.text import Text

    with console.status(title) as status:
        yield lambda words: status.update(Text(visible(f"{title}: {words}")))


@contextmanager
def counted(title: str, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """A bar on stderr, where a person looks at it: call what it yields with the name of each thing that is taken up."""
    console = _console()
    if console is None:
        yield lambda name: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda name: progress.update(task, advance=1, description=visible(f"{title} {name}"))


@contextmanager
def shares_done(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, where a person looks at it: call what it yields with how much of how much is done.

    It appears when the block takes longer than a moment, whether anything is told by then or not.
    """
    console = _console()
    if console is None:
        yield lambda done, total: None
        return
    from rich.progress import Progress

    progress = Progress(console=console, transient=True, redirect_stdout=False)
    task = progress.add_task(title, total=None)
    appears = threading.Timer(PATIENCE, progress.start)
    appears.daemon = True
    appears.start()
    try:
        yield lambda done, total: progress.update(task, completed=done, total=total)
    finally:
        appears.cancel()
        appears.join()
        progress.stop()


@contextmanager
def composing(catalog: Library) -> Iterator[Library]:
    """The catalog, with a bar for the time in which it composes a format, where one alone is asked for."""
    with shares_done("composing") as on_progress:
        catalog.on_progress = on_progress
        yield catalog


def _console() -> Console | None:
    """Standard error, if a person looks at it."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True)


def announcement(solver: str) -> str:
    """What tells of the compilation that the solver's first search on this machine begins with; else empty.

    Raises:
        UnknownNameError: If there is no such solver.
    """
    walks = str(getattr(SOLVERS.load(solver), "__module__", "")).startswith(WALKERS)
    return compilation(WALK) if walks else ""


def compilation(kernel: Kernel) -> str:
    """The line that tells that a kernel is compiled now; empty if it is compiled already."""
    return "" if _is_compiled(kernel) else f"compiling the walk, once on this machine, about {kernel.seconds} s"


def _is_compiled(kernel: Kernel) -> bool:
    """Whether Numba's cache holds the entry point of the file as it is now.

    The index of a compiled function holds a stamp of its file: the SHA-256 of the text, in older versions of Numba the
    time of its last change, a pickled float. It is looked for in the bytes, so that no pickle is loaded.
    """
    from platformdirs import user_cache_dir

    own, source = os.environ.get("NUMBA_CACHE_DIR"), kernel.source
    indices = f"{source.stem}.{kernel.entry}-*.py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    folders = [Path(own)] if own else [source.parent / "__pycache__", Path(user_cache_dir("numba"))]
    found = [path for folder in folders for pattern in (indices, f"*/{indices}") for path in folder.glob(pattern)]
    stamps = hashlib.sha256(source.read_bytes()).digest(), struct.pack(">d", source.stat().st_mtime)
    return any(stamp in path.read_bytes() for path in found for stamp in stamps)


def clock(seconds: float) -> str:
    """`12 s`, `3:05 min`, `2:00 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02} h"


def _short(number: float) -> str:
    """`950`, `24.1 M`."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{number:.0f}"


def _ranked(metrics: Mapping[str, float | int | str], name: str) -> str:
    """A rank, with what was walked over; a dash where there is none yet."""
    value = metrics.get(name) or "-"
    return f"{value} over {metrics[OVER]}" if name == "best" and OVER in metrics else str(value)


def _figure(value: float | int | str) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
