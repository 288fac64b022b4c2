"""Coq files: the real `coqc` accepts right schemes and refuses wrong ones; without it, the files say what they must."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bilinear.catalog.store import Catalog
from bilinear.decompositions import Ring, Scheme, SchemeError, kronecker, standard, strassen, winograd
from bilinear.decompositions.coq import coq_source, source
from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.programs import plain_program, short_program
from bilinear.decompositions.programs.program import ProgramError
from bilinear.decompositions.targets.file import from_dense

COQC = shutil.which("coqc")
needs_coq = pytest.mark.skipif(COQC is None, reason="no coqc here; Debian has it: apt-get install coq")
CHECKED = "c13d1be4f1fba156"
"""Of the laws as `coqc` 8.16.1 accepted them: whoever changes them runs these tests where Coq is installed."""


def rational() -> Scheme:
    """Strassen's scheme with factors that have denominators."""
    s = strassen()
    return Scheme(s.target, Ring.Q, s.u * 3, s.v * 2, s.w, np.full(7, 6))


def of_file() -> Scheme:
    return standard(from_dense("file:map.npy", np.array([[[1, 0], [0, 2]], [[0, 0], [-1, 0]]])))


def modulo_three() -> Scheme:
    """Winograd's scheme with 2 for -1: right modulo 3 only."""
    return winograd().to("f3")


def modulo_two() -> Scheme:
    """Winograd's scheme without its signs: right modulo 2 only."""
    return winograd().to("f2")


def check(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    assert COQC is not None
    path = folder / "proof.v"
    path.write_text(text, encoding="ascii")
    return subprocess.run(
        [COQC, "-noglob", str(path)], capture_output=True, text=True, check=False, timeout=120, cwd=folder
    )


def read(text: str) -> tuple[list[dict[int, int]], list[dict[int, int]], list[dict[int, int]]]:
    """The left and right forms and the outputs as they stand in a file."""
    forms = {
        name: [
            {int(i): int(c) for c, i in re.findall(r"(-?\d+) # (\d+)", form)}
            for form in re.findall(r"\[([^\[\]]*)\]", body)
        ]
        for name, body in re.findall(r"Definition (products|outputs) : [^=]*:= \[\n(.*?)\n\]\.", text, re.DOTALL)
    }
    return forms["products"][::2], forms["products"][1::2], forms["outputs"]


def spread(forms: list[dict[int, int]], width: int) -> np.ndarray:
    return np.array([[form.get(i, 0) for i in range(width)] for form in forms])


@needs_coq
@pytest.mark.parametrize("name", ["zt", "q", "f2", "file"])
def test_a_right_scheme_is_proved(name: str, tmp_path: Path) -> None:
    made = {"zt": winograd, "q": rational, "f2": modulo_two, "file": of_file}[name]()
    done = check(coq_source(made), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Closed under the global context\n"


@needs_coq
def test_rank_23_of_the_catalog_is_proved_with_its_program(tmp_path: Path) -> None:
    scheme = Catalog().scheme("3x3x3:23").value
    done = check(coq_source(scheme, short_program(scheme)), tmp_path)
    assert (done.returncode, done.stdout) == (0, "Closed under the global context\n")


@needs_coq
@pytest.mark.slow
def test_rank_343_is_proved(tmp_path: Path) -> None:
    s = winograd()
    assert check(coq_source(kronecker(kronecker(s, s), s)), tmp_path).returncode == 0


@needs_coq
@pytest.mark.slow
@pytest.mark.parametrize("made", [modulo_three, rational])
def test_programs_over_other_rings_are_proved(made: Callable[[], Scheme], tmp_path: Path) -> None:
    scheme = made()
    assert check(coq_source(scheme, plain_program(scheme)), tmp_path).returncode == 0


@needs_coq
def test_one_changed_coefficient_is_refused_and_the_output_is_named(tmp_path: Path) -> None:
    text = coq_source(strassen())
    right, wrong = "\n  ([1 # 0; 1 # 3], ", "\n  ([1 # 0; -1 # 3], "
    assert right in text
    done = check(text.replace(right, wrong, 1), tmp_path)
    assert done.returncode == 1
    assert 'Unable to unify "[]" with "[0; 3]"' in done.stderr


@needs_coq
def test_what_holds_modulo_two_only_is_refused_without_that(tmp_path: Path) -> None:
    """The proof of a scheme over f2 does not pass where the ring is any ring."""
    f2 = modulo_two()
    done = check(coq_source(Scheme(f2.target, Ring.Z, f2.u, f2.v, f2.w, f2.denominators)), tmp_path)
    assert done.returncode == 1
    assert "Unable to unify" in done.stderr


@needs_coq
def test_a_wrong_step_is_refused(tmp_path: Path) -> None:
    text = coq_source(winograd(), short_program(winograd()))
    head, steps, rest = text.partition(" steps := [\n  [1 # ")
    assert steps
    done = check(head + steps.replace("[1 # ", "[-1 # ") + rest, tmp_path)
    assert done.returncode == 1
    assert "left_checked" in done.stderr or "Unable to unify" in done.stderr


@pytest.mark.parametrize("made", [winograd, rational, modulo_two, of_file])
def test_the_file_holds_the_scheme(made: Callable[[], Scheme]) -> None:
    scheme = made()
    left, right, outputs = read(coq_source(scheme))
    common = np.lcm.reduce(scheme.denominators)
    assert (spread(left, scheme.u.shape[1]) == scheme.u).all()
    assert (spread(right, scheme.v.shape[1]) == scheme.v).all()
    assert (spread(outputs, scheme.rank) == (scheme.w * (common // scheme.denominators)[:, None]).T).all()


def test_the_claim_is_as_people_read_it() -> None:
    claim = coq_source(strassen()).partition("Definition claim : Prop :=\n")[2].partition("\nLocal Close Scope")[0]
    assert " ".join(claim.split()) == (
        "length products = 7%nat /\\ forall (R : Ring) (A B : nat -> nat -> R) (i k : nat), "
        "(i < 2)%nat -> (k < 2)%nat -> "
        "output products outputs (row_by_row 2 A) (row_by_row 2 B) (i * 2 + k)%nat = sum 2 (fun j => A i j * B j k)."
    )


def test_rings_that_a_scheme_needs_are_stated() -> None:
    assert "(characteristic : forall z : R, 2 .* z = zero)" in coq_source(modulo_two())
    assert "(one inverse : R) (one_mul : forall z : R, one * z = z) (unit : 6 .* inverse = one)" in coq_source(
        rational()
    )
    assert "(one inverse : R) (one_mul : forall z : R," not in coq_source(winograd())
    assert "characteristic : forall" not in coq_source(winograd())


def test_the_laws_are_those_that_coq_accepted() -> None:
    files = sorted(Path(source.__file__).parent.glob("*.v"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    assert digest[:16] == CHECKED, "the laws have changed: run these tests with coqc, then write the digest here"


def test_names_stay_inside_their_comment() -> None:
    text = coq_source(standard(from_dense("file:*) Axiom a (* b", np.ones((1, 1, 1), dtype=np.int64))))
    assert "Axiom a" in text
    assert "*) Axiom" not in text


def test_gaussian_coefficients_are_refused() -> None:
    s = strassen()
    zero = np.zeros((7, 4), dtype=np.int64)
    gaussian = Scheme(s.target, Ring.QI, zero, s.v, zero, None, (s.u, zero, -s.w))  # type: ignore[arg-type]  # ones
    with pytest.raises(SchemeError, match="2x2x2 over qi: the proof counts in integers; a scheme over zt, z, q or"):
        coq_source(gaussian)


def test_more_than_coq_manages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_TERMS", 35)
    with pytest.raises(TooLargeError, match=r"2x2x2 of rank 7: 36 coefficients, and coqc manages 35; export checker"):
        coq_source(strassen())


def test_a_step_with_a_fraction_is_refused() -> None:
    s = strassen()
    twice = np.array([2, 1, 1, 1, 1, 1, 1])
    halves = Scheme(s.target, Ring.Q, s.u * twice[:, None], s.v, s.w, twice)
    with pytest.raises(ProgramError, match=r"program of 2x2x2: w, step 0: multiplies by 1/2; steps of integers are"):
        coq_source(halves, plain_program(halves))


def test_a_program_of_another_scheme_is_refused() -> None:
    with pytest.raises(ProgramError, match="comes out as"):
        coq_source(strassen(), plain_program(winograd()))
