import os
from pathlib import Path

import pytest

from bilinear.decompositions import TooLargeError, memory


def test_what_is_there_is_a_sensible_number():
    assert 1 << 20 < memory.available() < 1 << 50
    memory.require(0, "nothing")


def test_a_control_group_lowers_the_limit(tmp_path, monkeypatch):
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(memory, "_CGROUP_LIMIT", limit)
    monkeypatch.setattr(memory, "_CGROUP_USED", used)
    limit.write_text("1000000\n")
    used.write_text("400000\n")
    assert memory.available() == 600_000
    used.write_text("2000000\n")
    assert memory.available() == 0
    limit.write_text("max\n")
    assert memory.available() > 1 << 20


def test_the_refusal_names_work_need_and_supply(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 50_000_000)
    memory.require(50_000_000, "a tensor")
    with pytest.raises(
        TooLargeError, match=r"^a tensor needs about 60\.0 MB, 50\.0 MB are available; choose a smaller"
    ):
        memory.require(60_000_000, "a tensor")


def test_a_little_is_taken_without_a_look(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: pytest.fail("asked"))
    memory.require(memory.ALWAYS, "a small scheme")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**9, "2.0 GB"), (3 * 10**12, "3.0 TB")],
)
def test_sizes_for_people(size, text):
    assert memory.human(size) == text
    assert memory.human(10**30).endswith("e+18 TB")


def test_only_regular_files_are_read(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"twelve bytes")
    assert memory.contents(path, 12) == b"twelve bytes"
    with pytest.raises(TooLargeError, match=r"data: 12 bytes; at most 11 bytes are read"):
        memory.contents(path, 11)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for other in (pipe, tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            memory.contents(other, 12)
    with pytest.raises(FileNotFoundError):
        memory.contents(tmp_path / "none", 12)


def test_what_a_file_takes_is_asked_for_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "data"
    path.write_bytes(b"twelve bytes")
    monkeypatch.setattr(memory, "ALWAYS", 0)
    monkeypatch.setattr(memory, "available", lambda: 100)
    assert memory.contents(path, 12, each=8)
    with pytest.raises(TooLargeError, match=r"reading .*data needs about 120 bytes"):
        memory.contents(path, 12, each=10)


def test_a_side_of_too_many_coordinates_is_refused():
    memory.require_tensor("map", (1 << 20, 1, 1), 1)
    with pytest.raises(TooLargeError, match="map: a side of 1048577 coordinates; at most 1048576 are held"):
        memory.require_tensor("map", (1, (1 << 20) + 1, 1), 1)
