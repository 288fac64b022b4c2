"""A Dask cluster of processes of their own, as people start one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

WORKER = "from distributed.cli.dask_worker import main; main()"
PLAIN = ("--no-dashboard", "--host", "127.0.0.1")


class Processes:
    """A scheduler and workers, each `dask scheduler` or `dask worker`; a context that ends them."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.file = folder / "scheduler.json"
        command = ["-c", "from distributed.cli.dask_scheduler import main; main()", "--port", "0"]
        self.scheduler = _started([*command, "--scheduler-file", str(self.file), *PLAIN])
        while not self._is_written():
            time.sleep(0.05)
        self.workers = [self.hire() for _ in range(workers)]

    def _is_written(self) -> bool:
        try:
            return bool(json.loads(self.file.read_text())["address"])
        except (OSError, ValueError):
            return False

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def hire(self, program: str = WORKER) -> subprocess.Popen[bytes]:
        """One more worker, which may be made to lie about itself."""
        return _started(["-c", program, "--scheduler-file", str(self.file), "--nthreads", "1", "--no-nanny", *PLAIN])

    def replace(self) -> None:
        """A new worker for each that has died."""
        self.workers = [self.hire() if worker.poll() is not None else worker for worker in self.workers]

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def _started(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
