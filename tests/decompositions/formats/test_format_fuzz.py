"""Every reader on seeded damage of small files: a few hundred in the gate, tens of thousands with `-m slow`."""

import io
import random
import time
import zipfile
from collections import Counter

import numpy as np
import pytest
from format_samples import NAMES, archive, outcome, strassen_in
from test_field_files import CODE, bini, notebook, packed, three

from bilinear.decompositions import standard, strassen
from bilinear.decompositions.formats.source import Source
from bilinear.decompositions.targets import parse_target

TRAPS = [
    b"0", b"-1", b"1/2", b"1/0", b"9" * 1500, b"10^400", b"10**99999", b"1e400", b"1e-400", b".5", b"1.", b"(", b")",
    b"{", b"}", b"[", b"]", b",", b"\n", b"\r", b"\0", b"#", b"*", b"**", b"/", b"-", b"a11", b"b99", b"c00", b"m1",
    b"c2 = 0", b"i999999", b"x", b"xi", b"x2i", b"-2x2", b"-1/50x", b"e3", b'"', b"null", b"true", b"NaN", b"0.5j",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b":=", b";", b"np.array(", b"Matrix(", b"TriadSet(",
    b"99999999999", b"\xe2\x80\xa8", b"decomposition_1 = (", b"<U1524", b"<U99999999", b"|O", b"<f2", b"(4, 7)",
    b"(9, 9999999)",
]  # fmt: skip


def samples(name: str) -> list[Source]:
    """Small files of a format, in the ways of writing that were met."""
    more = {
        "alphaevolve": [notebook("x = np.array([1., 2.])", CODE, "y = [np.array([[1]]), np.array([[2]])]")],
        "fast-matmul": [Source("bini322-10-52-approx", bini(letter).encode()) for letter in "xe"],
        "linear-forms": [
            Source(
                "222.txt", b"# a comment\n" + strassen_in(name).data.replace(b"(a11+a22)", b"(1.*a11+(2*.5)*a22)", 1)
            )
        ],
        "npz": [Source("a.npz", packed(strassen(), "uvw", False, True, remark="x" * 1524))],
        "plinopt-sms": [three(standard(parse_target("cyclic:3")), "some")],
        "plinopt-slp": [three(standard(parse_target("shortmul:3")), "some", "slp")],
    }
    return [strassen_in(name), *more.get(name, [])]


def damaged(given: Source, rng: random.Random) -> Source:
    """A file with damage; of an archive mostly within one of its arrays, where no checksum finds it."""
    if given.data.startswith(b"PK") and rng.random() < 0.8:
        with zipfile.ZipFile(io.BytesIO(given.data)) as file:
            members = {name.removesuffix(".npy"): file.read(name) for name in file.namelist()}
        name = rng.choice(sorted(members))
        return Source(given.name, archive(members | {name: bitten(members[name], rng)}))
    return Source(given.name, bitten(given.data, rng), given.siblings)


def bitten(found: bytes, rng: random.Random) -> bytes:
    """A few bytes taken out, put in, repeated or exchanged for a trap; or bits turned."""
    data = bytearray(found)
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(data))
        stop = min(len(data), start + rng.choice([0, 1, 1, 2, 10, len(data)]))
        kind = rng.randrange(5)
        if kind == 0:
            data[start:stop] = rng.choice(TRAPS)
        elif kind == 1:
            del data[start:stop]
        elif kind == 2:
            data[start:start] = data[start:stop][:2000] * rng.choice([1, 2, 50])
        elif kind == 3:
            data[start:start] = rng.randbytes(rng.randint(1, 4))
        elif data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def fuzz(name: str, count: int, seed: int) -> tuple[Counter[str], float]:
    """What became of damaged files, and the slowest of them."""
    rng = random.Random(f"{name}/{seed}")
    given = samples(name)
    found: Counter[str] = Counter()
    slowest = 0.0
    for k in range(count):
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            told = outcome(damaged(given[k % len(given)], rng))
        slowest = max(slowest, time.perf_counter() - start)
        assert told
        assert "\n" not in told
        assert len(told) < 600
        found[told if told in ("right", "wrong", "empty") else "refused"] += 1
    return found, slowest


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_right(name: str) -> None:
    for given in samples(name):
        assert outcome(given) == "right" or "are 3x2x2 + O(x^1) exactly" in outcome(given)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_end_in_one_line(name: str) -> None:
    found, slowest = fuzz(name, 60, 0)
    assert found.total() == 60
    assert found["refused"] + found["wrong"] > 0
    assert slowest < 10


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_very_many_damaged_files_end_in_one_line(name: str) -> None:
    found, slowest = fuzz(name, 10_000, 1)
    print(f"{name}: {dict(found)}, slowest {slowest:.2f} s")
    assert found.total() == 10_000
    assert slowest < 30
