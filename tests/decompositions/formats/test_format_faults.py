"""Every format cut off, damaged and stuffed with traps: one clear line each, nothing run, memory bounded."""

import io
import json
import os
import pickle
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from format_samples import NAMES, archive, outcome, saved, settled, source, strassen_in

from bilinear.decompositions import BilinearError, SchemeError, strassen
from bilinear.decompositions.formats import detect, write
from bilinear.decompositions.formats.numbers import FormatError, number
from bilinear.decompositions.formats.source import MAX_FILE, Source, open_source

MEMORY = 64 * 10**6
"""What reading a small malicious file may take at most."""


def one_line(text: str) -> bool:
    return bool(text) and "\n" not in text and len(text) < 400


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tenths", range(10))
def test_cut_at_every_tenth(name: str, tenths: int) -> None:
    given = strassen_in(name)
    cut = given.data[: len(given.data) * tenths // 10]
    assert outcome(Source(given.name, cut, given.siblings)) not in ("right", "empty")
    assert one_line(outcome(Source(given.name, cut, given.siblings)))


@pytest.mark.parametrize("name", NAMES)
def test_cut_before_the_last_number(name: str) -> None:
    given = strassen_in(name)
    cut = given.data.rstrip().rstrip(b"0123456789;:)]}+*ic\n ")[:-1]
    assert outcome(Source(given.name, cut, given.siblings)) not in ("right", "empty")


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes(seed: int) -> None:
    rng = random.Random(seed)
    data = rng.randbytes(rng.choice([0, 1, 10, 1000]))
    starts = [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b'{"', b"2 2 2 7\n", b"{{{{", b"(a11+"]
    found = outcome(source(rng.choice(starts) + data))
    assert found not in ("right", "wrong", "empty")
    assert one_line(found)


@pytest.mark.parametrize("name", NAMES)
def test_one_changed_coefficient_is_wrong_or_unreadable(name: str) -> None:
    scheme = strassen()
    u = scheme.u.copy()
    u[0, 1] += 1
    broken = type(scheme)(scheme.target, scheme.ring, u, scheme.v, scheme.w)
    files = {f"gg-222{ending}": data for ending, data in write(broken, name).items()}
    first = next(iter(files))
    assert outcome(source(files[first], first, files)) == "wrong"


@pytest.mark.parametrize("character", ["[", "{", "(", '{"a":', "[[", "{{{{", "((a11", "2 2 2 7\n("])
def test_millions_of_nested_brackets(character: str) -> None:
    text = character * (2_000_000 // len(character))
    for prefix in ("", "decomposition_222 = (np.array(", "Tensor:=TriadSet([Triad([Matrix(", "(a11+a22)*(b11+b22)*"):
        assert one_line(outcome(source((prefix + text).encode())))


def test_a_sparse_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "brackets.exp"
    with path.open("wb") as file:
        file.truncate(10**9)
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"a file of 1.0 GB; at most 256.0 MB are read"):
        open_source(path)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()
    assert MAX_FILE == 256 * 10**6


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(FormatError, match="not a regular file"):
        open_source(tmp_path / "pipe.json")
    with pytest.raises(FormatError, match="No such file"):
        open_source(tmp_path / "none.json")


def test_a_zip_bomb_is_refused() -> None:
    """A header that promises 4 GB of zeros, deflated to 4 MB; and a directory that lies about the size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file, file.open("2,2,2.npy", "w") as member:
        member.write(saved(np.zeros(1))[:128])
        for _ in range(520):
            member.write(bytes(10**6))
    tracemalloc.start()
    assert "unpacks to 520.0 MB; at most 512.0 MB are read" in outcome(source(buffer.getvalue()))
    data = bytearray(buffer.getvalue())
    place = data.rindex(b"PK\x01\x02") + 24
    assert struct.unpack_from("<I", data, place)[0] > 5 * 10**8
    struct.pack_into("<I", data, place, 1000)
    assert one_line(outcome(source(bytes(data))))
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()


def test_zeros_that_are_no_array_are_not_unpacked() -> None:
    tracemalloc.start()
    data = archive({"2,2,2": bytes(50 * 10**6)})
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert "not a .npy array" in outcome(source(data))
    assert tracemalloc.get_traced_memory()[1] - before < 10**6
    tracemalloc.stop()


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_pickle_is_not_run(protocol: int, tmp_path: Path) -> None:
    boxed = np.empty(3, dtype=object)
    boxed[0] = Malicious(tmp_path / "touched")
    head = saved(np.empty(3, dtype=object))
    stream = pickle.dumps(boxed, protocol=protocol)
    header = head[: 10 + struct.unpack_from("<H", head, 8)[0]]
    found = outcome(source(archive({"2,2,2": header + stream})))
    assert "it was not run" in found or "damaged" in found
    assert "it was not run" in outcome(source(archive({"2,2,2": header + b"cos\nsystem\n(S'true'\ntR."})))
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b".",
        b"\x80\x04N.",
        b"\x80\x04]\x94h\x00a.",  # a list that holds itself
        b"\x80\x04" + b"(" * 1000 + b".",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",  # a string of 2^63 bytes
        b"r\xff\xff\xff\xff",  # the last place of a memo of 2^32
        b"Nr\xff\xff\xff\x7f.",
        b"0000.",
        b"b.",
        b"NNb.",
        b"t.",  # a tuple of what follows a mark that is not there
        b"\x80\x04\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93R.",
    ],
)
def test_damaged_pickles(stream: bytes) -> None:
    head = saved(np.empty(3, dtype=object))
    header = head[: 10 + struct.unpack_from("<H", head, 8)[0]]
    tracemalloc.start()
    assert one_line(outcome(source(archive({"2,2,2": header + stream}))))
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999, 4, 7), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<i9', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '|V8', 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (0,), }",
        "__import__('os').system('true')",
        "[" * 3000,
    ],
)
def test_damaged_array_headers(header: str) -> None:
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(24)
    assert one_line(outcome(source(data, "gg-222.npy")))
    assert one_line(outcome(source(archive({"2,2,2": data}))))


HUGE = "1" + "0" * 2000


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("linear-forms", "(a11+a22)", "a11/0", "line 1: division by zero"),
        ("linear-forms", "(a11+a22)", f"{HUGE}*a11", "at most 4096 bits"),
        ("linear-forms", "(a11+a22)", "10^4000*a11", "4096"),
        ("linear-forms", "(a11+a22)", "10^99999999*a11", "4096"),
        ("linear-forms", "(a11+a22)", "a01", "two indices from 1 to 9"),
        ("linear-forms", "(a11+a22)", "a123", "two indices from 1 to 9"),
        ("linear-forms", "(a11+a22)", "(a11+b22)", "unlike terms"),
        ("linear-forms", "(a11+a22)", "(a11*a22)", "two factors in a"),
        ("linear-forms", "(a11+a22)", "(a11+a22)/a11", "division by a linear form"),
        ("linear-forms", "(a11+a22)*", "", "a, b and c are needed"),
        ("linear-forms", "(a11+a22)", "(a11+a22", "unlike terms"),
        ("mathematica", "{{{{1, 0}", "{{{{1/0, 0}", "1/0: division by zero"),
        ("mathematica", "{{{{1, 0}", f"{{{{{{{{{HUGE}, 0}}", "6644 bits"),
        ("mathematica", "{{{{1, 0}", "{{{{1, 0, 0}", "row 1 has 3 numbers|the first has 3"),
        ("mathematica", "{{{{1, 0}", "{{{{__import__('os'), 0}", "no number"),
        ("maple", "[[1,0]", "[[1/0,0]", "division by zero"),
        ("maple", "[[1,0]", "[[1,0,1]", "not 2 x 2"),
        ("maple", "[[1,0]", "[[10^4000,0]", "4096"),
        ("maple", "[[1,0]", f"[[{'(' * 300}1{')' * 300},0]", "nested more than 200 deep"),
        ("maple", "[[1,0]", "[[system(true),0]", "whole matrices"),
        ("perminov-json", '"m": 7', '"m": 8', "7 rows; 8 products are declared"),
        ("perminov-json", '"n": [2, 2, 2]', '"n": [2, 2, 3]', "row 1 has 4 numbers; 6 are needed"),
        ("perminov-json", '"n": [2, 2, 2]', '"n": [2000000000, 2, 2]', "each must be from 1 to 128"),
        ("perminov-json", '"z2": false', '"z2": "no"', "true or false"),
        ("perminov-json", "[1, 0, 0, 1]", '["1/0", 0, 0, 1]', "division by zero"),
        ("perminov-json", "[1, 0, 0, 1]", f"[1{'0' * 5000}, 0, 0, 1]", "thousands of digits"),
        ("perminov-json", "[1, 0, 0, 1]", f"[{HUGE}, 0, 0, 1]", "6644 bits"),
        ("perminov-json", "[1, 0, 0, 1]", "[1e99999, 0, 0, 1]", "exponent is beyond"),
        ("perminov-json", "[1, 0, 0, 1]", "[NaN, 0, 0, 1]", "NaN is no number"),
        ("perminov-json", "[1, 0, 0, 1]", "[true, 0, 0, 1]", "'True' is no number"),
        ("perminov-json", "[1, 0, 0, 1]", "[[1], 0, 0, 1]", "no number"),
        ("perminov-reduced", '"index": 0', '"index": -1', "out of range"),
        ("perminov-reduced", '"index": 0', '"index": 99', "out of range"),
        ("perminov-text", "2 2 2 7", "2 2 2 8", "line 2: u has 28 numbers; 8 products of 4 are 32"),
        ("perminov-text", "2 2 2 7", "2 2 2 0", "0 products"),
        ("perminov-text", "2 2 2 7", "2 2 200 7", "each must be from 1 to 128"),
        ("perminov-text", "1 0 0 1", "x 0 0 1", "'x' is no number"),
        ("fast-matmul", "#\n", "", "2 blocks of numbers; three"),
        ("mmc", '"0": {', '"7": {', "product '7' is out of range; 7 are declared"),
        ("mmc", '"m": 7', '"m": 9999999', "at most 16777216 are held"),
        ("plinopt-sms", "7 4 R", "7 3 R", "outside the 7 x 3 matrix"),
        ("plinopt-sms", "7 4 R", "99999999 9999 R", "a matrix of 99999999 x 9999"),
        ("plinopt-sms", "1 1 1", "1 1 1/0", "division by zero"),
        ("plinopt-sms", "1 1 1", "1 1 1\n1 1 1", "given twice"),
        ("plinopt-slp", "o0:=+i0+i3", "o0:=i0/0", "statement 1: division by zero"),
        ("plinopt-slp", "o0:=+i0+i3", "o0:=i0*i3", "a product of two variables"),
        ("plinopt-slp", "o0:=+i0+i3", "o0:=t9", "read before it is assigned"),
        ("plinopt-slp", "o0:=+i0+i3", "o0:=i0+1", "constant term"),
        ("plinopt-slp", "o0:=+i0+i3", "o9:=i0", "output o0 is missing"),
        ("plinopt-slp", "o0:=+i0+i3", "o0:=i999999", "at most 65536 inputs"),
        ("flip-cpd-text", "m1 = (a1 + a4)", "m2 = (a1)", "no known format|line 1"),
        ("flip-cpd-text", "m1 = (a1 + a4)", "m1 = (1/0a1)", "division by zero"),
        ("alphaevolve", "[[1.0", "[[1e99999", "exponent is beyond"),
        ("alphaevolve", "[[1.0", "[[nan", "'nan' is no number"),
        ("alphaevolve", "[[1.0", "[[__import__('os').system('true')", "no number|cut off"),
        ("alphaevolve", "[[1.0, ", "[[", "equal rows"),
    ],
)
def test_what_is_wrong_is_said(name: str, old: str, new: str, reason: str) -> None:
    given = strassen_in(name)
    assert old in given.text
    changed = Source(given.name, given.text.replace(old, new, 1).encode(), given.siblings)
    with pytest.raises(BilinearError, match=reason) as caught:
        settled(changed)
    assert one_line(str(caught.value))


def test_a_large_number_is_exact_until_it_is_too_large() -> None:
    assert number("1" + "0" * 400) == 10**400
    given = strassen_in("perminov-text")
    changed = given.text.replace("1 0 0 1", f"1{'0' * 400} 0 0 1", 1)
    assert outcome(source(changed.encode())) == "wrong"
    with pytest.raises((FormatError, SchemeError), match=r"4096|4,096"):
        settled(source(given.text.replace("1 0 0 1", f"{HUGE} 0 0 1", 1).encode()))


@pytest.mark.parametrize(
    "text", ["", "-", "1/", "/2", "1//2", "0x10", "1_0", "\u0661", "1e", "j", "1jj", "--1", " 1", "inf"]
)
def test_no_numbers(text: str) -> None:
    if text == "j":
        assert str(number(text)) == "Gaussian(real=Fraction(0, 1), imag=Fraction(1, 1))"
        return
    with pytest.raises(FormatError, match="is no number"):
        number(text)


def test_lita_with_arrays_that_do_not_fit() -> None:
    with np.load(io.BytesIO(write(strassen(), "lita")[""])) as found:
        arrays = {name: found[name] for name in found.files}
    changes = {
        "u_indices": (lambda x: x + 100, "out of range"),
        "v_indptr": (lambda x: x[::-1], "no row pointers"),
        "w_denominators": (lambda x: x * 0, "division by zero"),
        "w_numerators": (lambda x: x[1:], "numerators"),
        "u_numerators": (lambda x: x.astype(float), "no list of integers"),
        "v_indices": (lambda x: x * 0, "given twice"),
        "metadata_json": (lambda x: np.array(b'{"format":"fmmp.qcsr.v1","rank":7,"tensor":[2,2]}'), "three sizes"),
    }
    for name, (change, reason) in changes.items():
        changed = arrays | {name: change(arrays[name])}
        assert reason in outcome(source(archive({key: saved(value) for key, value in changed.items()})))


def test_a_third_of_plinopts_files_is_missing() -> None:
    given = strassen_in("plinopt-sms")
    assert "gg-222_R.sms is missing beside it" in outcome(Source(given.name, given.data))
    assert "names like NAME_L.sms" in outcome(Source("matrix.sms", given.data))


def test_what_is_no_scheme_is_told() -> None:
    assert detect(strassen_in("perminov-json")) == "perminov-json"
    for data in (b"", b"hello\n", b"\xff\xfe\xff", b"\x80abc", json.dumps({"a": 1}).encode(), b"1 2 3\n4 5 6\n"):
        assert one_line(outcome(source(data)))


FOUND = {
    "a member without a name": archive({"2,2,2": b"x"}).replace(b"2,2,2.npy", b"\0" * 9),
    "a set without triads": b"A:=Matrix(1, 1, [[A_1_1]]):\nTensor:=TriadSet(]])])]):",
    "a rank of 500 digits": b'{"n":[1,2,2],"u":[],"v":[],"w":[],"m":4' + b"9" * 500 + b"}",
}
"""What random mutation of small files of every format found in the readers, in the shortest form."""


@pytest.mark.parametrize("name", FOUND)
def test_what_fuzzing_found(name: str) -> None:
    assert one_line(outcome(source(FOUND[name])))
