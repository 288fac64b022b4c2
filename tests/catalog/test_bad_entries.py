"""Every bad file is refused with one line that names the thing, the fact and the need."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from entry_samples import PROVENANCE, entry_of, file_scheme, strassen_entry, written
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.catalog import CatalogError, WrongSchemeError, dumps, entry_from_approximation, loads, read_file
from bilinear.catalog import text as catalog_text
from bilinear.catalog.schema import SCHEMA_FILE, schema_text
from bilinear.catalog.text import AnyEntry, read
from bilinear.decompositions import Approximation, Ring, Scheme, parse_target, strassen

ONE_LINE = re.compile(r"test: .{1,300}")
TERM = b"[[0,1],[3,1]]"
CASES = {
    "float coefficient": (TERM, b"[[0,1.5],[3,1]]", r"u\[0\]\[0\]\[1\]: 1.5 is no exact coefficient; an integer"),
    "integral float": (TERM, b"[[0,1.0],[3,1]]", r"1.0 is no exact coefficient"),
    "boolean": (TERM, b"[[0,true],[3,1]]", r"true is no exact coefficient"),
    "null": (TERM, b"[[0,null],[3,1]]", r"null is no exact coefficient"),
    "word": (TERM, b'[[0,"one"],[3,1]]', r'"one" is no exact coefficient'),
    "nan": (TERM, b"[[0,NaN],[3,1]]", r"NaN is no number; finite numbers are needed"),
    "infinity": (TERM, b"[[0,-Infinity],[3,1]]", r"-Infinity is no number"),
    "nan in a parameter": (b"0.01", b"NaN", r"NaN is no number"),
    "large number": (TERM, b"[[0,9007199254740992],[3,1]]", r"is 2\^53 or more; .* decimal strings"),
    "small string": (TERM, b'[[0,"1000000000000000"],[3,1]]', r"below 2\^53 a number is needed"),
    "too many bits": (TERM, b'[[0,"%d"],[3,1]]' % 2**4096, r"a coefficient of 4097 bits; at most 4096 are held"),
    "far too many bits": (
        TERM,
        b'[[0,"%s"],[3,1]]' % (b"7" * 9000),
        r"a coefficient of 9000 digits; at most 4096 bits",
    ),
    "huge number": (TERM, b"[[0,%s],[3,1]]" % (b"7" * 9000), r"a number of thousands of digits"),
    "zero": (TERM, b"[[0,0],[3,1]]", r"u\[0\]: a coefficient is 0; only nonzero ones are written"),
    "index out of range": (TERM, b"[[0,1],[4,1]]", r"u\[0\]: index 4 is out of range; at most 3"),
    "negative index": (TERM, b"[[-1,1],[3,1]]", r"u\[0\]\[0\]\[0\]: -1; must be greater than or equal to 0"),
    "index twice": (TERM, b"[[0,1],[0,1]]", r"u\[0\]: index 0 given twice; indices must rise"),
    "indices fall": (TERM, b"[[3,1],[0,1]]", r"u\[0\]: index 0 after 3; indices must rise"),
    "no pair": (TERM, b"[[0,1,1]]", r"u\[0\]\[0\]"),
    "no list": (TERM, b"7", r"u\[0\]: 7; must be a valid tuple"),
    "seconds as text": (b'"cpu_seconds":0.25', b'"cpu_seconds":"1e3"', r'cpu_seconds: "1e3"; must be a valid number'),
    "seconds true": (b'"cpu_seconds":0.25', b'"cpu_seconds":true', r"cpu_seconds: true; must be a valid number"),
    "wrong rank": (b'"rank":7', b'"rank":8', r"u: 7 products; rank 8 needs 8"),
    "rank as text": (b'"rank":7', b'"rank":"7"', r'rank: "7"; must be a valid integer'),
    "rank true": (b'"rank":7', b'"rank":true', r"rank: true; must be a valid integer"),
    "key twice": (b'"rank":7', b'"rank":7,\n"rank":7', r"key 'rank' is given twice"),
    "key unknown": (b'"rank":7', b'"rank":7,\n"rnak":7', r"rnak: unknown key"),
    "key missing": (b'"rank":7,\n', b"", r"rank: missing; it must be given"),
    "unknown ring": (b'"ring":"zt"', b'"ring":"r"', r"ring: \"r\"; must be 'zt', 'z'"),
    "unknown target": (b"matmul:2x2x2", b"mtmul:2x2x2", r"did you mean 'matmul'"),
    "short target": (b"matmul:2x2x2", b"2x2x2", r"target.name: '2x2x2' is not the full name; 'matmul:2x2x2' is needed"),
    "file in capitals": (b"matmul:2x2x2", b"FILE:/etc/passwd", r"target.name: 'FILE:/etc/passwd' is no full name"),
    "two sizes": (b"matmul:2x2x2", b"matmul:2x2", r"2 sizes given, three are needed"),
    "large target": (b"matmul:2x2x2", b"matmul:99999x99999x99999", r"needs about .* are available"),
    "tensor not asked for": (b'"matmul:2x2x2"', b'"matmul:2x2x2","shape":[4,4,4]', r"only file: targets carry one"),
    "border": (b'"kind":"scheme"', b'"kind":"border"', r"degree: missing; it must be given"),
    "unknown kind": (
        b'"kind":"scheme"',
        b'"kind":"shceme"',
        r'kind: "shceme"; one of scheme, approximation, transform',
    ),
    "later version": (b'"format_version":1', b'"format_version":2', r"format_version: 2; this program reads version 1"),
    "version true": (b'"format_version":1', b'"format_version":true', r"format_version: true; this program"),
    "short hash": (b'"hash":"', b'"hash":"xx', r"hash: "),
    "deep": (TERM, b"[" * 100_000, r"nested too deeply"),
    "deep parameter": (b'["ramp",0.3]', b"[" * 900 + b"]" * 900, r"provenance.parameters"),
    "not UTF-8": (b"ternary-sgd", b"ternary-\xff", r"not UTF-8 text"),
    "denominators of ones": (b'"provenance"', b'"denominators":[1,1,1,1,1,1,1],\n"provenance"', r"leave the key out"),
    "denominator zero": (b'"provenance"', b'"denominators":[1,1,1,1,1,1,0],\n"provenance"', r"a coefficient is 0"),
    "denominator negative": (b'"provenance"', b'"denominators":[1,1,1,1,1,1,-2],\n"provenance"', r"below 1; positive"),
    "imaginary over zt": (
        b'"provenance"',
        b'"imag":{"u":[[[0,1]],[],[],[],[],[],[]],"v":[[],[],[],[],[],[],[]],"w":[[],[],[],[],[],[],[]]},"provenance"',
        r"imag: imaginary parts over zt; only qi holds them",
    ),
}


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(CatalogError, match=match) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert len(text) < 400


@pytest.mark.parametrize("name", CASES)
def test_a_bad_scheme_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    old, new, match = CASES[name]
    assert_refused(written(tmp_path, lambda data: data.replace(old, new, 1)), match)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(share: float, tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data[: int(share * (len(data) - 2))])
    assert_refused(path, r"line \d+: truncated or not JSON \(.*\); a whole JSON entry is needed")


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"[]", "not an object"), (b"7", "not an object"), (b"{}", "format_version: missing"), (b"\0", "not JSON")],
)
def test_other_json_is_refused(data: bytes, match: str, tmp_path: Path) -> None:
    assert_refused(written(tmp_path, lambda _: data), match)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.json", "No such file")
    assert_refused(tmp_path, "not a regular file")
    os.mkfifo(tmp_path / "pipe.json")
    assert_refused(tmp_path / "pipe.json", "not a regular file")


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(catalog_text.MAX_FILE + 1)
    assert_refused(path, "256.0 MB; an entry has at most 256.0 MB")


BAD_FILE_TARGETS = {
    "key": (b'"key":"', b'"key":"0', r"target.key"),
    "tensor": (b'"values":[1,', b'"values":[5,', r"target.key: does not belong to the tensor"),
    "path": (b"file:map.npy", b"file:../map.npy", r"holds a path; only the file's own name is kept"),
    "quotes": (b"file:map.npy", b'file:\\"\\"\\"+x', r"a name with '\"'; letters a to z, digits, spaces and"),
    "bidi": (b"file:map.npy", b"file:a\\u202eb", r"holds a path; only|a name with"),
    "missing": (b'"shape":[3,2,2],', b"", r"the tensor is missing"),
    "shape": (b'"shape":[3,2,2]', b'"shape":[2,2,2]', r"outside the shape"),
    "twice": (b'"indices":[[0,0,0],[0,1,1]', b'"indices":[[0,0,0],[0,0,0]', r"each position given once"),
    "wide": (b'"values":[1,', b'"values":["9999999999999999999",', r"beyond 2\^62"),
}


@pytest.mark.parametrize("name", BAD_FILE_TARGETS)
def test_a_bad_inline_tensor_is_refused(name: str, tmp_path: Path) -> None:
    old, new, match = BAD_FILE_TARGETS[name]
    assert_refused(written(tmp_path, lambda data: data.replace(old, new, 1), entry_of(file_scheme())), match)


def approximation_entry() -> AnyEntry:
    target = parse_target("1x1x1")
    return entry_from_approximation(Approximation(target, *(np.full((1, 1), 1.001),) * 3), PROVENANCE)


BAD_APPROXIMATIONS = {
    "nan": (b'"nan"', r'u\[0\]\[0\]: "nan"; string should match pattern'),
    "number": (b"1.5", r"u\[0\]\[0\]: 1.5; must be a valid string"),
    "infinite": (b'"0x1.0000000000000p+9999"', r"beyond the range of a double"),
    "other spelling": (b'"0x0.8000000000000p+1"', r"not as float.hex\(\) writes it"),
    "row too long": (b'"0x0.0p+0","0x0.0p+0"', r"u\[0\]: 2 numbers; 1 are needed"),
}


@pytest.mark.parametrize("name", BAD_APPROXIMATIONS)
def test_a_bad_approximation_is_refused(name: str, tmp_path: Path) -> None:
    new, match = BAD_APPROXIMATIONS[name]
    old = b'"%s"' % (1.001).hex().encode()
    assert_refused(written(tmp_path, lambda data: data.replace(old, new, 1), approximation_entry()), match)


def test_a_residual_that_is_not_its_own_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.replace(b'"exact":"', b'"exact":"1'), approximation_entry())
    with pytest.raises(WrongSchemeError, match=r"not matmul:1x1x1: the residual is .*, stated is "):
        read_file(path)


@pytest.mark.parametrize("prime", [0, 2, 3, 2**31 - 1, 2**61 - 1])
def test_a_changed_coefficient_is_caught(prime: int, tmp_path: Path) -> None:
    """Also one changed by a multiple of a prime, which arithmetic modulo that prime would not see."""
    s = strassen().to("z")
    changed = 1 + (prime or -2)
    written_as = b"[0,%d]" % changed if abs(changed) < 2**53 else b'[0,"%d"]' % changed
    path = written(tmp_path, lambda data: data.replace(TERM, b"[" + written_as + b",[3,1]]", 1), entry_of(s))
    with pytest.raises(WrongSchemeError, match=r"not matmul:2x2x2: \d+ of 64 tensor entries are wrong, first T\["):
        read_file(path)


def test_a_coefficient_outside_the_ring_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.replace(TERM, b"[[0,2],[3,1]]", 1))
    with pytest.raises(CatalogError, match=r"u\[0,0\] is 2, outside zt"):
        read_file(path)


def test_another_hash_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.replace(strassen_entry().hash.encode(), b"0" * 64))
    with pytest.raises(CatalogError, match=r"hash: 00000000... is not that of the content; the file was changed"):
        read_file(path)


def test_a_0_1_scheme_over_f2_is_not_believed_over_z(tmp_path: Path) -> None:
    s = strassen().to("f2")
    lifted = Scheme(s.target, Ring.Z, *s.factors)
    path = tmp_path / "entry.json"
    path.write_bytes(dumps(entry_of(lifted)))
    with pytest.raises(WrongSchemeError, match="not matmul:2x2x2"):
        read_file(path)


def fault_of(data: bytes) -> str:
    """What loading says, or nothing."""
    try:
        loads(data, "test")
    except CatalogError as error:
        return str(error)
    return "test: nothing"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_one_line(data: st.DataObject) -> None:
    whole = dumps(strassen_entry())
    start = data.draw(st.integers(0, len(whole)))
    stop = start + data.draw(st.integers(0, 8))
    assert ONE_LINE.fullmatch(fault_of(whole[:start] + data.draw(st.binary(max_size=8)) + whole[stop:]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_value_in_any_place_is_one_line(data: st.DataObject) -> None:
    document = json.loads(dumps(entry_of(file_scheme())))
    node = document
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(JSON)
    assert ONE_LINE.fullmatch(fault_of(json.dumps(document).encode()))


def test_the_schema_in_the_repository_is_current() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "run python -m bilinear.catalog.schema"


def test_a_key_twice_among_very_many_is_found_in_linear_time() -> None:
    keys = ",".join(f'"k{i}":0' for i in range(60_000))
    start = time.perf_counter()
    with pytest.raises(CatalogError, match="key 'k59999' is given twice"):
        loads(f'{{{keys},"k59999":1}}'.encode(), "file")
    assert time.perf_counter() - start < 10
