"""What the peers' files really look like: every way of writing that was met in one, on small schemes of our own."""

import bz2
import json
from pathlib import Path

import numpy as np
import pytest
from format_samples import archive, drafts, outcome, saved, settled, source, strassen_in

from bilinear.decompositions import Ring, content_hash, parse_target, standard, strassen
from bilinear.decompositions.formats import detect, read, write
from bilinear.decompositions.formats.draft import Fault
from bilinear.decompositions.formats.source import Source, open_source
from bilinear.decompositions.operations import sandwich

LINES = strassen_in("linear-forms").text

STRASSEN_EXP = """(a11+a22)*(b11+b22)*(c11+c22)
(a21+a22)*b11*(c12-c22)
a11*(b12-b22)*(c21+c22)
a22*(b21-b11)*(c11+c12)
(a11+a12)*b22*(c21-c11)
(a21-a11)*(b11+b12)*c22
(a12-a22)*(b21+b22)*c11
"""
"""V. Strassen, "Gaussian elimination is not optimal", 1969; c is the transposed C."""


def test_strassen_as_published() -> None:
    assert settled(source(STRASSEN_EXP.encode())).verification.ok


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a11*(b12-b22)", "(a11)*(b12-b22)"),
        ("a11*(b12-b22)", "-a11*(b22-b12)"),
        ("a11*(b12-b22)*(c21+c22)", "2*a11*(b12-b22)*(c21+c22)/2"),
        ("a11*(b12-b22)*(c21+c22)", "(-2)*a11*(b12-b22)*(-c21-c22)/2"),
        ("a11*(b12-b22)*(c21+c22)", "(3*(2*a11 - 1*a11))*(b12-b22)*(c21+c22)/3"),
        ("a11*(b12-b22)*(c21+c22)", "a11*(2b12-2b22)*(c21+c22)/2"),
        ("a11*(b12-b22)*(c21+c22)", "(a11) (b12 - b22) (c21 + c22)"),
        ("a11*(b12-b22)*(c21+c22)", "a11 * (b12-b22) * (3c21+3*c22) / 3"),
        ("a11*(b12-b22)*(c21+c22)", "a11*(10^3*b12-1000*b22)*(c21+c22)/1000"),
        ("(a11+a22)", "(+a11+a22)"),
        ("\n", "\r\n"),
        ("\n", "\r"),
        ("\n", "\n\n"),
    ],
)
def test_ways_to_write_a_product(old: str, new: str) -> None:
    found = settled(source(STRASSEN_EXP.replace(old, new).encode(), "222-7-mod0.exp"))
    assert found.verification.ok
    assert content_hash(found.scheme) == content_hash(settled(source(STRASSEN_EXP.encode())).scheme)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "ascii"])
def test_encodings_with_a_mark(encoding: str) -> None:
    assert settled(source(STRASSEN_EXP.encode(encoding))).verification.ok


def test_a_name_that_lies_about_the_rank_is_told() -> None:
    found = settled(source(STRASSEN_EXP.encode(), "222-6-mod2.exp"))
    assert found.verification.ok
    assert found.note == "the file's name says rank 6, 7 products are in it; declared modulo 2, right over zt as well"


def test_a_file_that_declares_characteristic_0_is_held_to_it() -> None:
    modulo_2 = STRASSEN_EXP.replace("-", "+")
    assert settled(source(modulo_2.encode(), "222-7.exp")).scheme.ring is Ring.F2
    assert settled(source(modulo_2.encode(), "222-7-mod2.exp")).scheme.ring is Ring.F2
    wrong = settled(source(modulo_2.encode(), "222-7-mod0.exp"))
    assert not wrong.verification.ok
    assert wrong.scheme.ring is Ring.ZT


def test_a_wrong_sign_is_not_excused_modulo_2() -> None:
    wrong = settled(source(STRASSEN_EXP.replace("b12-b22", "b12+b22").encode()))
    assert not wrong.verification.ok
    assert wrong.verification.field == "Q"


def test_matrices_wrapped_over_lines() -> None:
    text = write(strassen(), "mathematica")[""].decode()
    assert settled(source(text.replace(", ", ",\n   ").encode())).verification.ok


def test_unevaluated_arithmetic_of_the_catalogue() -> None:
    text = write(strassen(), "maple")[""].decode()
    changed = text.replace("[[1,0]", "[[(0+1),1*0]", 1).replace("-1", "-(1*1*1-1*0*1)", 1)
    assert changed.count("(") > text.count("(")
    found = settled(source((changed + "map(i->op(i),Tensor);\n").encode(), "2x2x2_tensor.mpl"))
    assert content_hash(found.scheme) == content_hash(strassen())


ELIMINATED = """# 1x2x1 with a11 + a12 taken out: products (a11 + a12)(b11), a12 (b21 - b11)
0 0
0 1
1 0
#
1 -1
0 1
#
1 1
# Substitution information
1 1
#

#

"""


def test_substitutions_are_written_out() -> None:
    found = settled(source(ELIMINATED.encode(), "eliminated"))
    assert found.verification.ok
    assert found.scheme.target == parse_target("1x2x1")
    assert found.scheme.u.tolist() == [[1, 1], [0, 1]]


def test_sums_of_products_are_further_columns() -> None:
    text = "1 0\n0 1\n#\n1 0\n0 1\n#\n0 0 1\n# Substitution information\n\n#\n\n#\n1 1\n"
    found = settled(source(text.encode()))
    assert found.verification.ok
    assert found.scheme.w.tolist() == [[1], [1]]


BORDER = """# 1x1x1 with two products: (1 + x)(1 - xi) + (xi) is 1 + O(x)
(1+x) xi
#
(1+-xi) 1
#
1 1
"""


def test_an_approximate_algorithm_is_recognised_and_decided() -> None:
    assert "2 products are 1x1x1 + O(x^1) exactly, border rank at most 2" in outcome(
        source(BORDER.replace("(1+-xi) 1", "1 x").replace("(1+x) xi", "(1+x) x").encode())
    )
    assert "the 2 products differ from" in outcome(source(BORDER.replace("1 1\n", "1 x2\n").encode()))


def test_an_approximate_algorithm_may_even_be_exact() -> None:
    text = "x 1\n#\nxi x\n#\n1 0\n"
    assert "are 1x1x1 exactly" in outcome(source(text.encode()))


def test_a_reduced_program_reads_earlier_variables() -> None:
    document = {
        "n": [1, 3, 1],
        "m": 3,
        "z2": False,
        "complexity": {"naive": 3, "reduced": 3},
        "u_fresh": [],
        "u": [[{"index": i, "value": 1}] for i in range(3)],
        "v_fresh": [],
        "v": [[{"index": i, "value": 1}] for i in range(3)],
        "w_fresh": [
            [{"index": 0, "value": 1}, {"index": 1, "value": 1}],
            [{"index": 3, "value": 1}, {"index": 2, "value": "2/2"}],
        ],
        "w": [[{"index": 4, "value": 1}]],
    }
    assert settled(source(json.dumps(document).encode())).verification.ok
    document["w_fresh"][0][0]["index"] = 4  # type: ignore[index]
    assert "index 4 is out of range; 3 variables are known there" in outcome(source(json.dumps(document).encode()))


def test_several_schemes_of_perminovs_text() -> None:
    one = write(strassen(), "perminov-text")[""].decode()
    two = write(standard(parse_target("1x2x3")), "perminov-text")[""].decode()
    found = drafts(source(f"2\n{one}\n{two}".encode()))
    assert [(draft.target.short, draft.record) for draft in found] == [("2x2x2", "1"), ("1x2x3", "2")]
    assert found[0].originals == {".txt": one.encode()}
    assert "scheme 3 of 3 is missing" in outcome(source(f"3\n{one}\n{two}".encode()))


def test_mmc_keeps_what_else_is_said() -> None:
    document = json.loads(write(strassen(), "mmc")[""]) | {"lineage": ["a", {"b": 1}], "year": 1969, "hash": "x"}
    (draft,) = drafts(source(json.dumps(document).encode()))
    assert draft.extra == {"fields": document["fields"], "lineage": ["a", {"b": 1}], "year": 1969, "hash": "x"}
    again = json.loads(write(strassen(), "mmc", draft.extra)[""])
    assert again == document


def test_mmc_dense() -> None:
    document = json.loads(write(strassen(), "perminov-json")[""]) | {"fields": ["Z", "Q"], "commutative": False}
    given = source(json.dumps(document).encode())
    assert detect(given) == "mmc"
    assert settled(given).verification.ok
    document["commutative"] = True
    assert "commutative" in outcome(source(json.dumps(document).encode()))


def test_a_notebook_of_literal_arrays() -> None:
    code = write(strassen(), "alphaevolve")[""].decode().splitlines(keepends=True)
    cells = [
        {"cell_type": "markdown", "source": ["np.array(["]},
        {"cell_type": "code", "source": code},
        {"cell_type": "code", "source": "".join(code)},
        {
            "cell_type": "code",
            "source": ["decomposition_9 = (np.array([[1.]]), np.array([[1., 2.]]), np.array([[1.]]))"],
        },
    ]
    found = list(read(source(json.dumps({"cells": cells}).encode(), "results.ipynb")))
    assert [one.record for one in found] == ["2x2x2", "2x2x2", "9"]
    assert isinstance(found[2], Fault)


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.float64, np.complex64])
def test_number_types_of_alphatensor(kind: type) -> None:
    (draft,) = drafts(strassen_in("alphatensor"))
    factors = [f.real.T.astype(kind) for f in (draft.u, draft.v)]
    w = draft.w.real.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(-1, 4).T.astype(kind)
    stacked = saved(np.stack([*factors, w]))
    assert settled(source(archive({"2,2,2": stacked}))).verification.ok


def test_a_collection_of_one_format() -> None:
    (draft,) = drafts(strassen_in("alphatensor"))
    w = draft.w.real.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(-1, 4).T
    one = np.stack([draft.u.real.T, draft.v.real.T, w])
    found = drafts(source(archive({"arr_0": saved(np.stack([one, -one, one]).astype(np.int8))})))
    assert [draft.record for draft in found] == ["arr_0[0]", "arr_0[1]", "arr_0[2]"]


def test_one_bad_array_does_not_spoil_the_others() -> None:
    (draft,) = drafts(strassen_in("alphatensor"))
    good = draft.originals[".npy"]
    found = list(read(source(archive({"2,2,2": good, "3,3,3": good, "2,2,3": good[:100]}))))
    assert [type(one).__name__ for one in found] == ["Draft", "Fault", "Fault"]


def test_the_map_of_flip_cpd_without_a_name() -> None:
    data = write(strassen(), "flip-cpd")[""]
    assert settled(source(data, "scheme.npy")).scheme.target == parse_target("2x2x2")
    assert "B one of them or t" in outcome(source(data, "ux-222.npy"))


def test_a_matrix_by_its_transpose() -> None:
    text = "m1 = (a1)(b1)\nm2 = (a1)(b2)\nm3 = (a2)(b2)\n\nc1 = m1\nc2 = m2\nc3 = m3\n"
    found = settled(source(text.encode(), "gt-212-rank3.txt"))
    assert found.verification.ok
    assert found.scheme.target == parse_target("structured:gt-2x1x2")


def test_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "2x2x2_raw.mpl.bz2"
    path.write_bytes(bz2.compress(write(strassen(), "maple")[""]))
    given = open_source(path)
    assert isinstance(given, Source)
    assert given.name == "2x2x2_raw.mpl"
    assert settled(given).verification.ok


def test_the_smallest_set_is_declared() -> None:
    scheme = sandwich(strassen(), [[1, 1], [-1, 1]], np.eye(2, dtype=int), np.eye(2, dtype=int))
    text = write(scheme, "perminov-text")[""]
    assert settled(source(text)).scheme.ring is Ring.Q
    doubled = [line.split() for line in text.decode().splitlines()]
    doubled[1][::2] = [str(2 * int(x)) for x in doubled[1][::2]]
    halved = [str(2 * int(x)) for x in doubled[3][1::2]]
    doubled[3][1::2] = halved
    assert content_hash(settled(source("\n".join(map(" ".join, doubled)).encode())).scheme) == content_hash(scheme)
