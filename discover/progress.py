"""The progress line of a search: on stderr, and only where a person looks at it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from discover.outcome import Progress
from discover.run import Hooks


@contextmanager
def shown(title: str, hooks: Hooks) -> Iterator[Hooks]:
    """The hooks, with a live line about the search while it runs; unchanged where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield hooks
        return
    from rich.console import Console

    with Console(stderr=True).status(title) as status:
        latest: dict[int, Progress] = {}

        def show(progress: Progress) -> None:
            latest[progress.job] = progress
            status.update(f"{title}  {describe(list(latest.values()))}")
            hooks.on_progress(progress)

        yield Hooks(show, hooks.on_found, hooks.should_stop)


def describe(reports: list[Progress]) -> str:
    """One line over all jobs: time, steps, the best rank, and the first job's own figures."""
    seconds = max(report.seconds for report in reports)
    steps = sum(report.steps for report in reports)
    ranks = [report.best_rank for report in reports if report.best_rank is not None]
    parts = [f"{seconds:.0f} s", f"{steps:,} steps"]
    parts += [f"rank {min(ranks)}"] if ranks else []
    parts += [f"{name} {_figure(value)}" for name, value in reports[0].metrics.items()]
    return ", ".join(parts)


def _figure(value: float | int | str) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
