"""The processes that do the legs of a round: workers of Dask, started here or running on a cluster.

Dask places the legs, and does those of a worker that dies again on another one. It is imported when a crew begins its
work, never before.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import resource_tracker
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bilinear.decompositions import __version__
from bilinear.decompositions.errors import BilinearError
from bilinear.discover.engine.loop import HANGUP

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

LISTENING = 0.2  # seconds between two looks at the clock and at the user
GRACE = 20.0  # seconds that a round which was begun is given, once the user has asked for the end
JOINING = 10.0  # seconds until a cluster must have answered, and its first worker come
MOST_JOBS = 4096  # of one search
PACKAGES = ("catalog", "decompositions", "discover")  # whose code a worker runs
ASKED = "__import__('bilinear.discover.engine.parallel.crew', fromlist=['fingerprint']).fingerprint()"

Given = TypeVar("Given")
Done = TypeVar("Done")


class JobError(BilinearError):
    """Jobs that cannot be run, or that all died."""


@dataclass(frozen=True)
class Failed:
    """What a leg came to that could not be done.

    Attributes:
        text: Why.
    """

    text: str


class Crew:
    """Workers, as a context: those started here end with it.

    Attributes:
        notes: What befell the workers, one sentence each.
        address: Of the scheduler.
    """

    def __init__(self, jobs: int, cluster: str | None = None, dashboard: bool = False) -> None:
        """Nothing is started yet.

        Args:
            jobs: Workers to start on this machine; on a cluster as many as it has are used.
            cluster: The address of a running scheduler (`tcp://host:8786`) or its file; None to start one here.
            dashboard: Whether a scheduler that is started here has a dashboard.

        Raises:
            JobError: If this machine has fewer cores than jobs.
        """
        require_jobs(jobs, cluster)
        self._jobs, self._cluster, self._dashboard = jobs, cluster, dashboard
        self._stack = ExitStack()
        self._client: Client | None = None
        self._known: set[str] = set()
        self.notes: list[str] = []
        self.address = ""

    def __enter__(self) -> Crew:
        """Start the workers, or join the cluster.

        Raises:
            JobError: If the cluster cannot be joined, or runs other versions.
        """
        with ExitStack() as stack:
            if self._cluster is None:
                self._client = _started(self._jobs, stack, self._dashboard)
            else:
                self._client = _joined(self._cluster, stack)
            self._known = set(self._client.nthreads())
            self.address = str(self._client.scheduler.address)  # type: ignore[union-attr]  # it is connected
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def client(self) -> Client:
        """Dask's own."""
        assert self._client is not None, "a crew works within its context"
        return self._client

    @property
    def dashboard(self) -> str:
        """Where Dask shows what its workers do; empty without one."""
        return str(self.client.dashboard_link or "")

    @property
    def slots(self) -> int:
        """How many legs are done at once."""
        return max(1, sum(map(int, self.client.nthreads().values())))

    def ended(self, waiting: Sequence[Future[Any]], seconds: float) -> list[Future[Any]]:
        """The legs that have ended, after so many seconds at most if there are none.

        Raises:
            JobError: If the cluster is gone.
        """
        from distributed import wait

        with suppress(TimeoutError), _gone_told(self.address):
            return list(wait(waiting, timeout=seconds, return_when="FIRST_COMPLETED").done)
        return []

    def submit(self, function: Callable[[Given], Done], given: Given) -> Future[Any]:
        """Have a leg done, of a function that depends on nothing else; `result` tells what came of it."""
        return self.client.submit(_done, fingerprint(), function, given, pure=False)

    def round(
        self, function: Callable[[Given], Done], given: Sequence[Given], stopped: Callable[[], bool]
    ) -> list[Done | Failed | None] | None:
        """Do a pure function of each, and gather: None for those that killed every worker that tried them.

        Args:
            function: Known to the workers by its name.
            given: What it is done of.
            stopped: Whether the user asks for the end; the round is given `GRACE` seconds then.

        Returns:
            Nothing at all if the round was dropped: it did not end after the user had asked for it.

        Raises:
            JobError: If the cluster is gone, or runs another version.
        """
        from distributed import wait

        futures, asked = [self.submit(function, one) for one in given], float("inf")
        while True:
            with suppress(TimeoutError), _gone_told(self.address):
                wait(futures, timeout=LISTENING)
                break
            if stopped():
                asked = min(asked, time.monotonic())
            if time.monotonic() - asked > GRACE:
                self.client.cancel(futures, force=True)
                return None
        found = [self.result(future) for future in futures]
        self._look_around()
        return found

    def result(self, future: Future[Any]) -> Any:
        """What came of a leg that has ended; None if it killed every worker that tried it.

        Raises:
            JobError: If the cluster is gone, or runs another version.
        """
        from distributed import KilledWorker

        with _gone_told(self.address):
            if future.status == "error":
                error = future.exception()
                if isinstance(error, KilledWorker):
                    return None
                raise JobError(f"{self.address}: a worker could not take the work up: {_brief(error)}")
            found = future.result()
        if isinstance(found, _OtherVersion):
            raise JobError(f"{self.address}: {found.text}")
        return found

    def _look_around(self) -> None:
        """Note workers that are gone."""
        with suppress(OSError, TimeoutError):
            held = set(self.client.nthreads())
            for address in sorted(self._known - held):
                self.notes.append(f"the worker {address} died; what it was doing was done again")
            self._known = held


def require_jobs(jobs: int, cluster: str | None = None) -> None:
    """Refuse a number of jobs that cannot be run side by side.

    Raises:
        JobError: If it is below 1, above the number of cores of this machine, or more than a cluster is sent.
    """
    if cluster is not None:
        if not 1 <= jobs <= MOST_JOBS:
            raise JobError(f"--jobs {jobs}: a cluster takes 1 to {MOST_JOBS}")
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if not 1 <= jobs <= cores:
        raise JobError(f"--jobs {jobs}: this machine has {cores} cores; choose 1 to {cores}")


@cache
def fingerprint() -> str:
    """The version with a hash of the code that searches: equal where the same legs give the same results."""
    root, digest = Path(__file__).parents[3], hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__} ({digest.hexdigest()[:12]})"


@dataclass(frozen=True)
class _OtherVersion:
    text: str


def _done(code: str, function: Callable[[Given], Done], given: Given) -> Done | Failed | _OtherVersion:
    """A leg, on a worker."""
    if code != fingerprint():
        return _OtherVersion(f"a worker has bilinear {fingerprint()}, this is {code}; install the same on both")
    try:
        return function(given)
    except BilinearError as error:
        return Failed(str(error))


@contextmanager
def _gone_told(address: str) -> Iterator[None]:
    """A scheduler that went away, in one line."""
    from concurrent.futures import CancelledError as Cancelled

    from distributed.client import FutureCancelledError

    try:
        yield
    except (Cancelled, FutureCancelledError, ConnectionError) as error:
        raise JobError(f"{address}: the cluster is gone; start it again, and this search with --resume") from error


def _started(jobs: int, stack: ExitStack, dashboard: bool) -> Client:
    """A cluster of single-threaded processes on this machine, deaf to Ctrl-C and hangups, which are this one's to hear.

    What a thread blocks stays blocked in the processes that it starts: those that Dask starts in place of dead ones are
    deaf as well.

    Raises:
        JobError: If they cannot be started.
    """
    from distributed import Client, LocalCluster

    _silence(stack)
    try:
        with _signals_blocked():
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                memory_limit=None,  # every search bounds its own
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": dashboard},
                silence_logs=logging.CRITICAL,
            )
    except (OSError, RuntimeError, TimeoutError) as error:
        raise JobError(f"--jobs {jobs}: the processes cannot be started: {_brief(error.__cause__ or error)}") from error
    stack.callback(_dismissed, cluster)
    client = Client(cluster)
    stack.callback(_quietly, client.close)
    return client


def _dismissed(cluster: LocalCluster) -> None:
    """End the workers at once, whatever they do: nothing of theirs is worth waiting for."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if pid := getattr(nanny, "pid", None):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _quietly(cluster.close)


def _joined(cluster: str, stack: ExitStack) -> Client:
    """The client of a cluster that runs.

    Raises:
        JobError: If it does not answer, has no workers, or runs other versions.
    """
    from distributed import Client

    address = _address(cluster)
    _silence(stack)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            client = Client(address, timeout=JOINING)
        except (OSError, TimeoutError, ValueError) as error:
            raise JobError(
                f"--cluster {cluster}: no scheduler answers at {address}; start one with `dask scheduler`, and workers "
                f"with `dask worker {address} --nthreads 1`"
            ) from error
    stack.callback(_quietly, client.close)
    _require_versions(client, cluster)
    return client


def _address(cluster: str) -> str:
    """The scheduler's address, from its file if it is one.

    Raises:
        JobError: If it is neither an address nor a scheduler's file.
    """
    if "://" in cluster:
        return cluster
    path = Path(cluster)
    try:
        held = json.loads(path.read_text()) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise JobError(f"--cluster {cluster}: the file is not one of a scheduler: {_brief(error)}") from error
    if isinstance(held, dict) and "://" in str(held.get("address")):
        return str(held["address"])
    raise JobError(
        f"--cluster {cluster}: an address such as tcp://host:8786 is needed, or the file that "
        "`dask scheduler --scheduler-file FILE` writes"
    )


def _require_versions(client: Client, cluster: str) -> None:
    """Refuse a cluster whose Dask, Python or bilinear is not the same, and one without workers."""
    try:
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=JOINING)
        held = cast("dict[str, Any]", client.get_versions())
        workers = list(client.nthreads())
        said = client.run(eval, ASKED, on_error="return")
    except (OSError, TimeoutError, ValueError) as error:
        raise JobError(f"--cluster {cluster}: its versions cannot be told: {_brief(error)}") from error
    ours = version("distributed"), "{}.{}".format(*sys.version_info[:2])
    for name, about in [("the scheduler", held["scheduler"]), *held["workers"].items()]:
        python = ".".join(str(about["host"]["python"]).split(".")[:2])
        there = (str(about["packages"]["distributed"]), python)
        if there != ours:
            raise JobError(
                f"--cluster {cluster}: {name} runs distributed {there[0]} on Python {there[1]}, this is {ours[0]} on "
                f"Python {ours[1]}; install the same on both"
            )
    if not workers:
        raise JobError(f"--cluster {cluster}: it has no workers; start some with `dask worker {_address(cluster)}`")
    for name, code in said.items():
        if code != fingerprint():
            what = f"no bilinear: {_brief(code)}" if isinstance(code, BaseException) else f"bilinear {code}"
            here = f"this one {fingerprint()}; install the same"
            raise JobError(f"--cluster {cluster}: the worker {name} has {what}; {here}")


def _silence(stack: ExitStack) -> None:
    """Keep what Dask tells of its doings from the user, even after the crew: its threads tell of closed connections."""
    import dask

    for root in ("distributed", "tornado"):
        for handler in logging.getLogger(root).handlers:  # which Dask has added, and all its loggers share
            handler.setLevel(logging.CRITICAL)
    stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Ctrl-C and hangups wait meanwhile, where the system can make them wait."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its first start unblocks Ctrl-C
    numbers = {signal.SIGINT} if HANGUP is None else {signal.SIGINT, HANGUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _quietly(close: Callable[[], object]) -> None:
    """End something that may have ended by itself."""
    with suppress(OSError, TimeoutError, RuntimeError):
        close()


def _brief(error: object) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
