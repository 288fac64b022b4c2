"""Random damage to small files of every format: a scheme, or one line; never another exception."""

import pytest
from format_samples import NAMES, outcome, strassen_in
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions.formats.source import Source

TRAPS = [
    b"0", b"-1", b"1/2", b"1/0", b"9" * 1500, b"10^400", b"10^99999", b"1e400", b"(", b")", b"{", b"}", b"[", b"]",
    b",", b"\n", b"\r", b"\0", b"#", b"*", b"/", b"-", b"a11", b"b99", b"c00", b"m1", b"i999999", b"x", b"xi", b'"',
    b"null", b"true", b"NaN", b"1.5", b"0.5j", b"\xff\xfe", b"\xef\xbb\xbf", b":=", b";", b"np.array(", b"Matrix(",
    b"TriadSet(", b"99999999999", b"\xe2\x80\xa8",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A few bytes taken out, put in, repeated or exchanged for a trap."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(found)))
        stop = min(len(found), start + draw(st.sampled_from([0, 1, 2, 10, len(data)])))
        piece = draw(st.sampled_from([b"", *TRAPS]) | st.binary(max_size=4))
        found[start:stop] = piece if draw(st.booleans()) else bytes(found[start:stop]) + piece
    return bytes(found)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(draws=st.data())
def test_damage_ends_in_a_scheme_or_in_one_line(name: str, draws: st.DataObject) -> None:
    given_file = strassen_in(name)
    data = draws.draw(damaged(given_file.data))
    found = outcome(Source(given_file.name, data, given_file.siblings))
    assert found
    assert "\n" not in found
    assert len(found) < 600
