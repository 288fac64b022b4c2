"""The stand-alone checker: it proves right schemes and rejects wrong ones, in a Python of its own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from bilinear.decompositions import Ring, Scheme, kronecker, parse_target, standard, strassen, winograd
from bilinear.decompositions.checker import checker_source
from bilinear.decompositions.targets.file import from_dense


def run(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "checker.py"
    path.write_text(source)
    command = ["python3", "-I", "-W", "error", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def rational() -> Scheme:
    s = strassen()
    return Scheme(s.target, Ring.Q, s.u * 3, s.v * 2, s.w, np.full(7, 6))


def gaussian() -> Scheme:
    """Strassen's products with u times i and w times -i."""
    s = strassen()
    zero = np.zeros((7, 4), dtype=np.int64)
    return Scheme(s.target, Ring.QI, zero, s.v, zero, None, (s.u, zero, -s.w))  # type: ignore[arg-type]  # ones


def of_file() -> Scheme:
    return standard(from_dense("file:map.npy", np.array([[[1, 0], [0, 2]], [[0, 0], [-1, 0]]])))


SCHEMES = {
    "zt": winograd(),
    "z": of_file(),
    "q": rational(),
    "qi": gaussian(),
    "f2": strassen().to("f2"),
    "f3": strassen().to("f3"),
    "2x1x3": standard(parse_target("2x1x3")),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_right_scheme_is_proved(name: str, tmp_path: Path) -> None:
    scheme = SCHEMES[name]
    done = run(checker_source(scheme), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"proved: {scheme.target.name} with {scheme.rank} products over {scheme.ring}: all ")
    assert done.stdout.count("\n") == 1


def nudged(scheme: Scheme, by: int) -> Scheme:
    """The scheme with one coefficient of v changed, inside its ring."""
    v = np.array(scheme.v)
    v[1, 0] = (v[1, 0] + by) % scheme.ring.characteristic if scheme.ring.characteristic else v[1, 0] - by
    return Scheme(scheme.target, scheme.ring, scheme.u, v, scheme.w, scheme.denominators, scheme.imag)


@pytest.mark.parametrize("name", SCHEMES)
def test_one_changed_coefficient_is_rejected(name: str, tmp_path: Path) -> None:
    done = run(checker_source(nudged(SCHEMES[name], 1)), tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("wrong: ")
    assert ": T[" in done.stdout
    assert ", must be " in done.stdout


@pytest.mark.parametrize("name", ["q", "z"])
def test_a_change_by_a_huge_number_is_rejected(name: str, tmp_path: Path) -> None:
    scheme = SCHEMES[name]
    v = np.array(scheme.v, dtype=object)
    v[0, 0] += (2**61 - 1) ** 60
    wrong = Scheme(scheme.target, scheme.ring, scheme.u, v, scheme.w, scheme.denominators)
    assert run(checker_source(wrong), tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{0: 1}", "{0: 2}", "is 2, which is not in zt"),
        ("{0: 1}", "{9: 1}", r"[9] does not exist"),
        ("    (1, ", "    (2, ", "denominator 2, which zt does not allow"),
        ("{0: 1}", "{0: 1.0}", "is 1.0, which is not in zt"),
    ],
)
def test_a_form_that_the_ring_does_not_allow_is_rejected(old: str, new: str, says: str, tmp_path: Path) -> None:
    source = checker_source(winograd())
    assert old in source
    done = run(source.replace(old, new, 1), tmp_path)
    assert done.returncode == 1
    assert says in done.stdout


def test_rank_343_is_proved_in_seconds(tmp_path: Path) -> None:
    s = strassen()
    source = checker_source(kronecker(kronecker(s, s), s))
    start = time.perf_counter()
    done = run(source, tmp_path)
    assert time.perf_counter() - start < 10
    assert done.stdout == "proved: matmul:8x8x8 with 343 products over zt: all 262144 tensor entries agree\n"
