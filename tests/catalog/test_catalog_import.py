"""Importing the catalog does no work."""

from __future__ import annotations

import subprocess
import sys

from bilinear import catalog


def test_import_loads_nothing_heavy() -> None:
    heavy = ("torch", "numba", "matplotlib", "sympy", "scipy", "pydantic", "filelock", "platformdirs")
    code = f"import sys, bilinear.catalog; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_name_of_the_table_of_contents_is_there() -> None:
    for name in catalog.__all__:
        assert getattr(catalog, name) is not None
