"""Kernels that are compiled at their first use."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bilinear.decompositions.jit import compiled

SCALE = 3


def scaled(x):
    """See the constants of this module."""
    return SCALE * x


def total(values):
    """See the functions before it, and NumPy."""
    found = np.zeros(1, np.int64)
    for value in values:
        found[0] += scaled(value)
    return found[0]


def hashed(x):
    """See the machine's integers; a product wraps around."""
    return uint64(x) * uint64(0x9E3779B97F4A7C15)  # noqa: F821 - Numba's


def quotient(x, y):
    """Divide by what may be zero, as NumPy does."""
    return x / y


def strict_quotient(x, y):
    """Divide by what may be zero, as Python does; by another name, as the machine code on disk is known by it."""
    return x / y


@pytest.fixture(scope="module")
def kernels() -> SimpleNamespace:
    return compiled(scaled, total, hashed)


def test_functions_see_each_other_and_the_constants_of_their_module(kernels: SimpleNamespace) -> None:
    assert kernels.total(np.arange(5)) == 30
    assert sorted(vars(kernels)) == ["hashed", "scaled", "total"]


def test_integers_of_the_machine_wrap_around(kernels: SimpleNamespace) -> None:
    assert kernels.hashed(3) == 3 * 0x9E3779B97F4A7C15 % 2**64


def test_options_reach_the_compiler() -> None:
    assert compiled(quotient, error_model="numpy").quotient(1.0, 0.0) == np.inf
    with pytest.raises(ZeroDivisionError):
        compiled(strict_quotient).strict_quotient(1.0, 0.0)


def test_where_no_folder_can_be_written_kernels_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core.caching import CacheImpl

    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compiled(scaled).scaled(4) == 12


def test_a_full_disk_does_not_end_a_compilation(tmp_path: Path) -> None:
    """No file may grow in that process: a full disk, for whoever writes."""
    (tmp_path / "kernels.py").write_text("def doubled(x):\n    return 2 * x\n")
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); import kernels;"
        "from bilinear.decompositions.jit import compiled; print(compiled(kernels.doubled).doubled(21))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "42\n", done.stderr
