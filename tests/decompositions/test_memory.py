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
    monkeypatch.setattr(memory, "available", lambda: 5_000_000)
    memory.require(5_000_000, "a tensor")
    with pytest.raises(TooLargeError, match=r"^a tensor needs about 6\.0 MB, 5\.0 MB are available; choose a smaller"):
        memory.require(6_000_000, "a tensor")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2 * 10**9, "2.0 GB"), (3 * 10**12, "3.0 TB")],
)
def test_sizes_for_people(size, text):
    assert memory.human(size) == text
    assert memory.human(10**30).endswith("e+18 TB")
