"""Maps from texts: nested lists, matrices one below the other, a line an entry."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilinear.decompositions import TargetError, TooLargeError, memory, parse_target

KARATSUBA = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 1]]])

ENTRIES = "0,0,0,1\n0,1,1,1\n1,0,1,1\n1,1,2,1\n"
TEXTS = {
    "entries": ENTRIES,
    "entries under names, as a spreadsheet writes them": "\ufeffi;j;k;value\r\n" + ENTRIES.replace(",", ";"),
    "quoted names": '"i","j","k","value"\n' + ENTRIES,
    "spaces, comments, floats, a zero": "# polymul\n0 0 0 1.0\n1  1 2 1\n0 1 1 1e0\n\t1 0 1 +1\n1 1 0 0\n",
    "a shape": "# Shape: (2, 2, 3)\n" + ENTRIES,
    "matrices": "1 0 0\n0 1 0\n\n0 1 0\n0 0 1\n",
    "matrices of NumPy": "# (2, 2, 3)\n1.0,0.0,0.0\n0.0,1.0,0.0\n\n# slice\n0,1,0\n0,0,1.000e+00\n\n\n",
    "lists": json.dumps(KARATSUBA.tolist()),
    "lists over several lines": "\n" + json.dumps(KARATSUBA.astype(float).tolist(), indent=1),
}


@pytest.fixture
def read(tmp_path):
    """A text as a target."""

    def parsed(text, name="map.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_target(f"file:{tmp_path / name}")

    return parsed


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("suffix", ["csv", "txt", "json", "whatever"])
def test_every_way_of_writing(read, name, suffix):
    target = read(TEXTS[name], f"map.{suffix}")
    assert target == parse_target("polymul:2x2")
    assert target.name == f"file:map.{suffix}"


def test_coordinates_that_nothing_depends_on_are_stated(read):
    assert read("# shape 2 3 4\n" + ENTRIES).shape == (2, 3, 4)
    assert read(ENTRIES).shape == (2, 2, 3)


def test_an_array_without_its_suffix_is_one(tmp_path):
    np.save(tmp_path / "map.npy", KARATSUBA)
    (tmp_path / "map.npy").rename(tmp_path / "map")
    assert parse_target(f"file:{tmp_path / 'map'}") == parse_target("polymul:2x2")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "map.csv: an empty text; matrices of integers with an empty line between them, or lines i,j,k,value, are"),
        ("# nothing\n\n", "an empty text"),
        ("i,j,k,value\n", "every side needs at least one coordinate"),
        ("1 2 3\n4 5 6\n", "map.csv line 1: 3 numbers where 4 should stand; matrices of integers"),
        ("1 2\n3 4\n\n1 2 3\n4 5 6\n", "map.csv line 4: 3 numbers where 2 should stand"),
        ("1 2\n3 4\n\n1 2\n", "map.csv line 4: a matrix of 1 rows, the first has 2"),
        ("0,0,0,1/2\n", "map.csv line 1: '1/2'; an integer is needed, as schemes are exact"),
        ("0,0,0,0.5\n", "line 1: '0.5'; an integer is needed"),
        ("0,0,0,nan\n", "line 1: 'nan'; an integer is needed"),
        ("0,0,0,1e300\n", "line 1: '1e300'; an integer is needed"),
        (f"0,0,0,{1 << 62}\n", "line 1: a value beyond 2.62"),
        ("x,y,z,1\n", "line 1: 'x'; an integer is needed"),
        ("0,0,0,1\n0,0,0,1\n", "each position given once"),
        ("-1,0,0,1\n0,0,0,1\n", "an index lies outside the shape"),
        ("# shape 1 1\n0,0,0,1\n", "a shape of three"),
        ("# shape 1 1 1\n0,0,1,1\n", "an index lies outside the shape"),
        ("[[1, 2], [3, 4]]", "lists nested 2 deep; three are needed"),
        ("[]", "lists nested 1 deep"),
        ("[[[1, 2]], [[3]]]", r"T\[1\]\[0\] is not a list of 2 numbers, as T\[0\]\[0\] is"),
        ("[[[1], [2]], 7]", r"T\[1\] is not a list of 2 rows, as T\[0\] is"),
        ("[[[1, 0.5]]]", r"T\[0\]\[0\]\[1\]: 0.5; an integer is needed"),
        ('[[[1, "2/3"]]]', r"T\[0\]\[0\]\[1\]: '2/3'; an integer is needed"),
        ("[[[1, null]]]", r"T\[0\]\[0\]\[1\]: None; an integer is needed"),
        ("[[[1, 2]", "Expecting .*; a 3-way integer tensor is needed, as .npy, as .npz entries, or as text"),
        ("[" * 100_000, "; a 3-way integer tensor is needed"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"\x93NUMPY", "; a 3-way integer tensor is needed"),
    ],
)
def test_bad_texts(read, text, reason):
    with pytest.raises(TargetError, match=reason):
        read(text)


@given(st.data())
def test_every_way_holds_the_same_tensor(tmp_path_factory, data):
    left, right, out = (data.draw(st.integers(1, 3)) for _ in range(3))
    values = data.draw(st.lists(st.integers(-9, 9), min_size=left * right * out, max_size=left * right * out))
    tensor = np.array([*values[:-1], values[-1] or 1]).reshape(left, right, out)
    folder = tmp_path_factory.mktemp("texts")
    lines = [f"# shape {left} {right} {out}"] + [f"{i},{j},{k},{tensor[i, j, k]}" for i, j, k in np.argwhere(tensor)]
    written = {"a.csv": "\n".join(lines), "a.json": json.dumps(tensor.tolist())}
    if left > 1:
        written["a.txt"] = "\n\n".join("\n".join(" ".join(map(str, row)) for row in matrix) for matrix in tensor)
    for name, text in written.items():
        (folder / name).write_text(text)
        assert parse_target(f"file:{folder / name}").dense().tolist() == tensor.tolist()


def test_texts_larger_than_memory_are_refused(read, monkeypatch):
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 100)
    with pytest.raises(TooLargeError, match=r"reading .*map\.csv needs about"):
        read(ENTRIES)
