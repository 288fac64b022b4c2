"""What a benchmark's figures belong to: the machine, its processor and the versions."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Name, processor, cores and versions, for the head of a result file."""
    return {
        "machine": platform.node(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("bilinear", "numpy", "sympy", "torch")},
    }


def write(path: Path | None, results: Any) -> None:
    """Write the results behind the machine's description; nothing without a path."""
    if path is not None:
        path.write_text(json.dumps({**machine(), "results": results}, indent=1) + "\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
