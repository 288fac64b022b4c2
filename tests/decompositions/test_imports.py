import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from bilinear import decompositions

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numba", "matplotlib", "sympy", "scipy")
PACKAGES = ["bilinear", "bilinear.decompositions", "bilinear.discover", "bilinear.catalog"]
MODULES = [module.name for module in pkgutil.walk_packages(decompositions.__path__, "bilinear.decompositions.")]


def heavy_after(*modules):
    """Which heavy packages a fresh interpreter holds after these imports, whatever its environment says."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"import {', '.join(modules)}\n"
        f"print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_does_no_work(package):
    assert heavy_after(package) == []


def test_no_module_of_the_ground_floor_is_heavy():
    assert "bilinear.decompositions.verify.symbolic" in MODULES
    assert heavy_after(*MODULES) == []


def test_the_probe_sees_a_heavy_import():
    assert heavy_after("sympy") == ["sympy"]
