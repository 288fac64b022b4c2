"""What the files of the field really hold, beside the plain schemes: border symbols, decimals, comments, other maps."""

import io
import json

import numpy as np
import pytest
from format_samples import archive, drafts, outcome, saved, settled, source, sources, strassen_in

from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, permute, standard, strassen
from bilinear.decompositions.formats import detect, read, write
from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.draft import Draft, Fault, settle
from bilinear.decompositions.formats.numbers import FormatError
from bilinear.decompositions.formats.source import Source
from bilinear.decompositions.operations import sandwich

CODE = write(strassen(), "alphaevolve")[""].decode()


def notebook(*codes: str) -> Source:
    cells = [{"cell_type": "code", "source": code.splitlines(keepends=True)} for code in codes]
    return source(json.dumps({"cells": cells}).encode(), "results.ipynb")


def halved() -> Scheme:
    return sandwich(strassen(), [[1, 1], [-1, 1]], np.eye(2, dtype=int), np.eye(2, dtype=int))


# Notebooks


def test_of_a_notebook_what_forms_a_scheme_is_taken() -> None:
    given = notebook(
        "steps = np.array([0.5, 0.25])",
        CODE,
        "heights = [np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])]",
        CODE.replace("222", "again"),
        "print(np.array([1]))",
    )
    found = drafts(given)
    assert [draft.record for draft in found] == ["2x2x2", "2x2x2"]
    assert all(settle(draft).verification.ok for draft in found)
    assert [draft.note for draft in found] == ["4 of its 10 arrays are in no scheme", ""]
    assert settle(found[0]).note == "4 of its 10 arrays are in no scheme"
    assert found[0].originals[".txt"].count(b"np.array(") == 3


def test_one_scheme_among_other_arrays() -> None:
    (draft,) = drafts(notebook("x = np.array([1., 2.])", CODE))
    assert settle(draft).verification.ok
    assert draft.note == "1 of its 4 arrays are in no scheme"


def test_a_named_decomposition_that_is_cut_off_is_told() -> None:
    broken = CODE.replace("2x2x2", "9").rsplit("np.array(", 1)[0] + "None)"
    found = list(read(notebook(CODE, broken)))
    assert [type(one).__name__ for one in found] == ["Draft", "Fault"]
    assert found[1] == Fault("9", "2 arrays; three are needed")


def test_a_notebook_without_schemes_is_refused() -> None:
    with pytest.raises(FormatError, match="2 arrays; three for each scheme are needed"):
        drafts(notebook("a = np.array([1])", "b = np.array([[1, 2]])"))


# Border algorithms, as Benson and Ballard write them: a digit after x is a power, an i after that the inverse


def bini(symbol: str) -> str:
    """D. Bini and others, 1979: 3x2x2 with 10 products."""
    text = """1 0 1 0 1 0 0 0 0 0
0 0 0 x x 0 0 0 0 0
0 0 0 0 0 1 0 1 0 1
1 1 0 1 0 0 0 0 0 0
0 0 0 0 0 0 0 0 x x
0 0 0 0 0 1 1 0 1 0
#
x 0 0 -x 0 1 1 -1 1 0
0 0 0 0 x 0 0 -1 0 1
0 -1 0 1 0 0 0 0 x 0
1 -1 1 0 1 x 0 0 0 -x
#
xi xi -xi xi 0 0 0 0 0 0
0 0 -xi 0 xi 0 0 0 0 0
0 0 0 1 0 1 0 0 -1 0
1 0 0 0 -1 0 0 0 0 1
0 0 0 0 0 0 -xi 0 xi 0
0 0 0 0 0 xi -xi xi 0 xi
"""
    return text.replace("x", symbol)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0 0 0 x x 0 0 0 0 0", "0 0 0 2x x 0 0 0 0 0"),  # made right again by the rows below
        ("", ""),
    ],
)
def test_numbers_stand_before_the_symbol(old: str, new: str) -> None:
    text = bini("x").replace(old, new)
    if old:
        columns = [line.split() for line in text.splitlines()]
        for row in columns[:6]:
            row[3] = {"0": "0", "x": "2x", "2x": "2x", "1": "2"}[row[3]]
        for row in columns[12:]:
            row[3] = {"0": "0", "xi": "1/2xi", "1": "1/2"}[row[3]]
        text = "\n".join(map(" ".join, columns)) + "\n"
    assert "10 products are 3x2x2 + O(x^1) exactly" in outcome(source(text.encode()))


@pytest.mark.parametrize("symbol", ["x", "e", "t"])
def test_any_letter_is_the_symbol(symbol: str) -> None:
    given = source(bini(symbol).encode(), "bini322-10-52-approx")
    assert detect(given) == "fast-matmul"
    (found,) = read(given)
    assert isinstance(found, Border)
    assert found.verify().ok
    powers = {power for row in found.u for value in row.values() for power in value.terms}
    assert powers == {0, 1}


def border_entry(text: str) -> dict[int, str]:
    (found,) = read(source(f"{text} 0 1\n#\n1 0 1\n#\n1 0 xi\n".encode()))
    assert isinstance(found, Border)
    return {power: str(value) for power, value in found.u[0][0].terms.items()}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("x2i", {-2: "1"}),
        ("xi2", {-2: "1"}),
        ("-x2i", {-2: "-1"}),
        ("-2x2", {2: "-2"}),
        ("-1/50x", {1: "-1/50"}),
        ("1/8x2i", {-2: "1/8"}),
        ("75/32xi", {-1: "75/32"}),
        ("5x3i", {-3: "5"}),
        ("0.5x", {1: "1/2"}),
        (".5*x10", {10: "1/2"}),
        ("(x+-2x2)", {1: "1", 2: "-2"}),
        ("(1/5x+-x2)", {1: "1/5", 2: "-1"}),
        ("2(1+x)", {0: "2", 1: "2"}),
    ],
)
def test_coefficients_in_the_symbol(text: str, terms: dict[int, str]) -> None:
    assert border_entry(text) == terms


@pytest.mark.parametrize("text", ["xx", "xi2i", "x123", "*x", "2*", "x*", "(x+", "x^"])
def test_what_is_no_polynomial_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        border_entry(text)


def test_two_symbols_are_refused() -> None:
    given = source(b"x t\n#\n1 1\n#\n1 1\n")
    with pytest.raises(FormatError, match="the symbols t, x; an approximate algorithm has one"):
        list(read(given, "fast-matmul"))


def test_powers_of_ten_are_no_symbol() -> None:
    text = write(standard(parse_target("1x1x2")), "fast-matmul")[""].decode()
    given = source(text.replace("1", "1e0", 1).encode())
    assert settled(given).verification.ok


# Decimals, comments, powers, zero forms, metadata


def test_decimals_are_exact_as_written() -> None:
    lines = strassen_in("linear-forms").text
    changed = lines.replace("(a11+a22)*(b11+b22)", "(.5*a11+0.5a22)*(2.*b11+2*b22)", 1)
    assert changed != lines
    assert content_hash(settled(source(changed.encode())).scheme) == content_hash(strassen())
    tenth = lines.replace("(a11+a22)*(b11+b22)", "(0.1*a11+.1*a22)*(10*b11+10*b22)", 1)
    assert settled(source(tenth.encode())).verification.ok


def test_lines_that_begin_with_a_hash_are_comments_of_linear_forms() -> None:
    lines = strassen_in("linear-forms").text.splitlines()
    given = source("\n".join(["# Strassen, 1969", *lines[:3], "  # the rest", *lines[3:]]).encode(), "222-7.txt")
    assert detect(given) == "linear-forms"
    assert settled(given).verification.ok


def test_powers_as_maple_writes_them() -> None:
    text = write(strassen(), "maple")[""].decode()
    changed = text.replace("[[1,0]", "[[1**3,0**2*0]", 1)
    assert changed != text
    assert settled(source(changed.encode())).verification.ok
    assert "4096" in outcome(source(text.replace("[[1,0]", "[[10**4000,0]", 1).encode()))


def test_an_output_of_flip_cpd_may_be_zero() -> None:
    text = "m1 = (a1)(b1)\nm2 = (0)(b1)\n\nc1 = m1\n"
    assert settled(source(text.encode())).verification.ok
    text = "m1 = (a1)(b1)\nm2 = (a2)(b1)\n\nc1 = m1\nc2 = 0\n"
    (draft,) = drafts(source(text.encode()))
    assert draft.w.real.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("length", [300, 1524, 20000])
def test_metadata_of_lita_may_be_a_long_string(length: int) -> None:
    with np.load(io.BytesIO(write(strassen(), "lita")[""])) as found:
        parts = {name: found[name] for name in found.files}
    text = bytes(parts["metadata_json"].tobytes()).rstrip(b"\0").decode()
    metadata = np.array(text[:-1] + " " * (length - len(text)) + "}")
    assert metadata.dtype == f"<U{length}"
    parts |= {"metadata_json": metadata, "remark": metadata}
    given = source(archive({name: saved(array) for name, array in parts.items()}))
    assert settled(given).verification.ok


def test_metadata_of_alphatensor_is_passed_over() -> None:
    (draft,) = drafts(strassen_in("alphatensor"))
    given = source(archive({"2,2,2": draft.originals[".npy"], "remark": saved(np.array("x" * 1524))}))
    assert settled(given).verification.ok


# Rings and maps of PLinOpt's files


def three(scheme: Scheme, stem: str, kind: str = "sms") -> Source:
    """The three files of a scheme, whatever its map; as `.sms`, or as `.slp`."""
    if kind == "slp":
        rows = [scheme.u, scheme.v, scheme.w.T]
        texts = [
            "".join(
                f"o{k}:={''.join(f'{int(x):+}*i{i}' for i, x in enumerate(row) if x)};\n" for k, row in enumerate(m)
            )
            for m in rows
        ]
        texts = [text.replace("+1*", "+").replace("-1*", "-") for text in texts]
    else:
        texts = []
        for m in (scheme.u, scheme.v, scheme.w.T):
            entries = "".join(f"{i + 1} {j + 1} {m[i, j]}\n" for i, j in np.argwhere(m))
            texts.append(f"{m.shape[0]} {m.shape[1]} R\n{entries}0 0 0\n")
    files = {f"{stem}{side}.{kind}": text.encode() for side, text in zip(("_L", "_R", "_P"), texts, strict=True)}
    first = next(iter(files))
    return source(files[first], first, files)


@pytest.mark.parametrize("kind", ["sms", "slp"])
@pytest.mark.parametrize("name", ["2x2x2_7_mod2", "2x2x2_7_mod_2"])
def test_the_name_decides_the_ring(kind: str, name: str) -> None:
    doubled = Scheme(strassen().target, "z", strassen().u * 3, strassen().v, strassen().w)
    assert settled(three(doubled, name, kind)).scheme.ring is Ring.F2
    assert not settled(three(doubled, "2x2x2_7", kind)).verification.ok


@pytest.mark.parametrize("kind", ["sms", "slp"])
@pytest.mark.parametrize("name", ["shortmul:3", "cyclic:5", "negacyclic:4", "polymod:2,1,1,1", "structured:gt-3x2x3"])
def test_other_maps_are_recognised_by_proof(kind: str, name: str) -> None:
    scheme = standard(parse_target(name))
    found = settled(three(scheme, "some", kind))
    assert found.scheme.target == scheme.target
    assert found.verification.ok


def test_a_field_of_81_elements_is_recognised() -> None:
    """Products modulo y^4 + y^3 - y^2 + y - 1 over GF(3), which the matrices alone tell."""
    scheme = standard(parse_target("polymod:-1,1,-1,1,1"))
    modular = scheme.to("f3")
    shown = Scheme(modular.target, "z", *(np.where(f == 2, -1, f) for f in modular.factors))
    found = settled(three(shown, "3o3o3_F81-9"))
    assert found.verification.ok
    assert found.scheme.ring is Ring.F3
    assert [x % 3 for x in found.scheme.target.sizes] == [2, 1, 2, 1, 1]


def wrong() -> Scheme:
    u = strassen().u.copy()
    u[0, 1] += 1
    return Scheme(strassen().target, "z", u, strassen().v, strassen().w)


@pytest.mark.parametrize("kind", ["sms", "slp"])
@pytest.mark.parametrize("name", ["222c", "some", "2x2x2_7_accurate-ALT", "2x2x2_7_accurate-CoB", "2x2x2_7_16ALT"])
def test_where_only_the_shape_tells_the_map_it_is_unknown(kind: str, name: str) -> None:
    assert "unknown map: no scheme of 2x2x2, which its shape suggests: 4 of 64" in outcome(three(wrong(), name, kind))
    assert outcome(three(strassen(), name, kind)) == "right"


def test_where_the_name_tells_the_map_it_is_wrong() -> None:
    assert outcome(three(wrong(), "2x2x2_7")) == "wrong"
    assert outcome(three(wrong(), "222_7")) == "wrong"


def test_a_shape_of_no_map_is_unknown() -> None:
    given = three(standard(parse_target("quaternion")), "h")
    assert "unknown map" in outcome(Source(given.name, given.data, given.siblings))
    empty = three(Scheme(parse_target("cross"), "zt", *(np.ones((1, 3), int),) * 3), "x")
    assert "unknown map" in outcome(empty)


# Plain .npz


def packed(scheme: Scheme, turned: str = "", upper: bool = True, transposed: bool = False, **more: object) -> bytes:
    """U, V, W; `turned` names those with a product a column."""
    w = scheme.w
    if transposed:
        n, _, p = scheme.target.sizes
        w = w.reshape(-1, n, p).transpose(0, 2, 1).reshape(len(w), -1)
    factors = {"u": scheme.u, "v": scheme.v, "w": w}
    buffer = io.BytesIO()
    parts = {k.upper() if upper else k: f.T if k in turned else f for k, f in factors.items()}
    np.savez_compressed(buffer, **parts, **more)  # type: ignore[arg-type]  # numbers and texts
    return buffer.getvalue()


@pytest.mark.parametrize("turned", ["", "uvw", "w", "uv"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("upper", [False, True])
def test_plain_archives_in_every_reading(turned: str, transposed: bool, upper: bool) -> None:
    scheme = permute(standard(parse_target("2x3x1")), (1, 2, 0))
    for made in (strassen(), scheme, standard(parse_target("2x3x4"))):
        given = source(packed(made, turned, upper, transposed, rank=7, remark="x" * 2000), "scheme.npz")
        assert detect(given) == "npz"
        found = settled(given)
        assert found.verification.ok
        assert found.scheme.target == made.target
        assert content_hash(found.scheme) == content_hash(made)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.float32, np.float64, np.bool_])
def test_number_types_of_plain_archives(kind: type) -> None:
    scheme = standard(parse_target("2x2x3"))
    buffer = io.BytesIO()
    np.savez(buffer, U=scheme.u.astype(kind), V=scheme.v.astype(kind), W=scheme.w.astype(kind))
    assert settled(source(buffer.getvalue())).verification.ok


def test_rounded_numbers_and_halves_of_plain_archives() -> None:
    scheme = halved()
    buffer = io.BytesIO()
    w = scheme.w / scheme.denominators[:, None]
    np.savez(buffer, U=scheme.u.astype(float), V=scheme.v.astype(float), W=w)
    found = settled(source(buffer.getvalue()))
    assert content_hash(found.scheme) == content_hash(scheme)
    buffer = io.BytesIO()
    np.savez(buffer, U=scheme.u.astype(float), V=scheme.v.astype(float), W=w + 1e-9)
    assert outcome(source(buffer.getvalue(), "2x2x2.npz")) == "wrong"


def test_polynomials_in_plain_archives() -> None:
    scheme = standard(parse_target("polymul:2x3"))
    found = settled(source(packed(scheme)))
    assert found.scheme.target == scheme.target


def test_plain_archives_that_are_none() -> None:
    assert outcome(source(packed(wrong()), "2x2x2.npz")) == "wrong"
    assert "unknown map: no scheme of 2x2x2" in outcome(source(packed(wrong()), "best.npz"))
    one = np.ones((2, 7))
    assert "unknown map: no scheme of shortmul:7" in outcome(source(archive({k: saved(one) for k in "UVW"})))
    sides = {"U": 3, "V": 5, "W": 11}
    assert "unknown map: arrays of shapes (2, 3), (2, 5), (2, 11)" in outcome(
        source(archive({k: saved(np.ones((2, side))) for k, side in sides.items()}))
    )
    assert "U: no matrix" in outcome(source(archive({k: saved(np.ones(3)) for k in "UVW"})))
    texts = {k: saved(np.array([["a"]])) for k in "UVW"}
    assert "numbers are needed" in outcome(source(archive(texts)))


def test_a_scheme_may_be_read_in_several_ways_and_is_proved_in_one() -> None:
    """2x2x2 with 4 products would fit 4 x 4 arrays in both orientations; nothing of it is right."""
    eye = np.eye(4, dtype=int)
    assert "unknown map" in outcome(source(archive({k: saved(eye) for k in "uvw"})))


def test_a_draft_names_its_other_readings() -> None:
    (draft,) = drafts(source(packed(strassen(), "", True, True)))
    assert isinstance(draft, Draft)
    assert not settle(Draft(draft.target, draft.u, draft.v, draft.w, {})).verification.ok
    assert settle(draft).verification.ok


@pytest.mark.parametrize("name", ["alphatensor", "alphaevolve", "lita", "npz"])
def test_archives_do_not_take_one_another(name: str) -> None:
    assert detect(sources(strassen(), name)) == name
