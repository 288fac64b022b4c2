"""Code from hostile names: nothing of a name, or of where a scheme comes from, runs, ends a comment or leaves ASCII."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bilinear.decompositions import Ring, Scheme, Target, TargetError, parse_target, standard, strassen
from bilinear.decompositions.checker import checker_source
from bilinear.decompositions.codegen import LANGUAGES, CodeError, generate
from bilinear.decompositions.programs import SchemeProgram, short_program
from bilinear.decompositions.targets.file import from_dense

INJECTION = '__import__("os").system("touch PWNED")'
PIECES = (
    '"""',
    "'''",
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    "\u2028",
    "\x1b]0;x\x07",
    "\x1b[2J",
    "\u202e",
    "\u200b",
    "\0",
    "\ud800",
    "*/",
    "/*",
    "//",
    "??/",
    "%",
    "^^M",
    "{0}",
    "}",
    "#",
    "\\N{BELL}",
    "\\end{align*}",
    "\\input{x}",
    INJECTION,
    f'"""+{INJECTION}+"""',
    '*/ int x = system("touch PWNED"); /*',
    "\nint pwned;\n",
    f"\n{INJECTION}\n",
    "é",
    "file",
    " ",
)
LETTERS = {"python", "numpy", "torch", "triton", "sympy"}
"""Languages whose source Python parses."""


def hostile(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))


def named(name: str) -> Scheme:
    """A right scheme whose target bears a name that no door lets in."""
    target = from_dense("file:map.npy", np.array([[[1, 0], [0, 2]], [[0, 0], [-1, 0]]]))
    object.__setattr__(target, "name", f"file:{name}")
    return standard(target)


def bare(source: str, language: str) -> str:
    """The source without its header, which must be one docstring or comment; a fault if it is not."""
    source.encode("ascii")
    assert all(c.isprintable() or c == "\n" for c in source)
    if language in LETTERS:
        tree = ast.parse(source)
        assert isinstance(tree.body[0], ast.Expr)
        assert isinstance(tree.body[0].value, ast.Constant)
        return ast.dump(ast.Module(tree.body[1:], []))
    if language == "c":
        start, head, rest = source.partition("*/\n")
        assert start.startswith("/*\n")
        assert "*/" not in start
        return head + rest
    head, begin, rest = source.partition(r"\begin{align*}")
    assert all(line.startswith("% ") for line in head.splitlines())
    return begin + rest


@cache
def program() -> SchemeProgram:
    return short_program(named("map.npy"))


def sources(name: str) -> dict[str, str]:
    scheme = named(name)
    return {language: generate(scheme, program(), language, source=name) for language in LANGUAGES.names()}


def assert_nothing_gets_out(count: int) -> None:
    rng, plain = random.Random(1), sources("map.npy")
    wanted = {language: bare(source, language) for language, source in plain.items()}
    proof = [line for line in checker_source(named("map.npy")).splitlines() if not line.startswith("TARGET = ")]
    for _ in range(count):
        name = hostile(rng)
        for language, source in sources(name).items():
            assert bare(source, language) == wanted[language], (language, name)
        checker = checker_source(named(name))
        assert [line for line in checker.splitlines() if not line.startswith("TARGET = ")] == proof
        checker.encode("ascii")
        assert all(c.isprintable() or c == "\n" for c in checker)


def test_hostile_names_stay_in_the_header() -> None:
    assert_nothing_gets_out(150)


@pytest.mark.slow
def test_many_hostile_names_stay_in_the_header() -> None:
    assert_nothing_gets_out(5_000)


def test_code_of_hostile_names_runs_in_an_empty_folder_and_leaves_it_empty(tmp_path: Path) -> None:
    code, empty = tmp_path / "code", tmp_path / "empty"
    code.mkdir()
    empty.mkdir()
    rng = random.Random(2)
    for count in range(20):
        name = hostile(rng) if count else f'"""+{INJECTION}+"""'
        for language, source in sources(name).items():
            if language in ("python", "numpy", "sympy"):
                (code / f"{language}{count}.py").write_text(source)
            elif language == "c":
                (code / f"c{count}.c").write_text(source)
        (code / f"checker{count}.py").write_text(checker_source(named(name)))
    run = (
        "import pathlib, runpy, sys\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.py')):\n"
        "    try:\n        runpy.run_path(str(path), run_name='__main__')\n"
        "    except SystemExit as end:\n        assert not end.code, path\n"
    )
    subprocess.run([sys.executable, "-c", run, str(code)], cwd=empty, check=True, capture_output=True)
    compiler = ["cc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only", *map(str, sorted(code.glob("*.c")))]
    subprocess.run(compiler, cwd=empty, check=True)
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "piece", ['"""', "'", "\\", "\n", "\x1b[2J", "\u202e", "\ud800", "\0", "é", "/", "*/", "{", "<"]
)
def test_such_names_are_refused_at_the_door(piece: str, tmp_path: Path) -> None:
    tensor = np.ones((1, 1, 1), dtype=np.int64)
    with pytest.raises(TargetError, match="letters a to z, digits, spaces and") as caught:
        from_dense(f"file:a{piece}b", tensor)
    assert str(caught.value).isprintable()
    s = strassen()
    with pytest.raises(TargetError, match="a name with"):
        Target(
            f"matmul:2x2x2{piece}", s.target.sizes, s.target.shape, s.target.indices, s.target.values, s.target.names
        )
    if piece not in ("\0", "\ud800", "/", "*/"):
        path = tmp_path / f"a{piece}b.npy"
        np.save(path, tensor)
        with pytest.raises(TargetError, match="a name with"):
            parse_target(f"file:{path}")


def test_plain_names_of_files_are_taken() -> None:
    for name in ("my map (2).npy", "A_b-c.d+e=f,g@h~i^2.npz", "0"):
        assert from_dense(f"file:{name}", np.ones((1, 1, 1), dtype=np.int64)).name == f"file:{name}"
    with pytest.raises(TargetError, match="a name of 405 characters; at most 300"):
        from_dense("file:" + "a" * 400, np.ones((1, 1, 1), dtype=np.int64))


def test_coefficients_beyond_64_bits_are_refused_in_c() -> None:
    s, wide = strassen(), 1 << 63
    scheme = Scheme(s.target, Ring.Q, s.u.astype(object) * wide, s.v, s.w, np.array([wide] * s.rank, dtype=object))
    with pytest.raises(CodeError, match="2x2x2: a coefficient of 64 bits; c holds 63 at most, choose python"):
        generate(scheme, short_program(scheme), "c")
    generate(scheme, short_program(scheme), "python")
    narrow = Scheme(s.target, Ring.Q, s.u * (wide // 2), s.v, s.w, np.array([wide // 2] * s.rank))
    generate(narrow, short_program(narrow), "c")
