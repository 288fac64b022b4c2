"""The benchmark of the STL layer runs and writes what it promises."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bench_stl.py"


def test_small_sizes(tmp_path):
    options = ["--sizes", "32", "--ranks", "7", "49", "--budget", "0", "--json", str(tmp_path / "stl.json")]
    result = subprocess.run([sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=True)
    written = json.loads((tmp_path / "stl.json").read_text())
    assert written["machine"] == platform.node()
    assert {"cpu", "torch", "threads", "dtype"} <= set(written)
    assert [row["rank"] for row in written["rows"]] == [7, 49]
    assert all(row["ratio"] > 0 and row["max_relative_error"] < 1e-4 for row in written["rows"])
    assert len(result.stdout.splitlines()) == 4
