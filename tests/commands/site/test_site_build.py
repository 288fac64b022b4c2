"""What a site is made of: only what changed is made again, nothing of others is touched, hostile names stay text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from site_samples import BIDI, PAST, QUOTES, SCRIPT, another, catalog_of, listings_of

from bilinear.catalog import Catalog, entry_from_scheme, published
from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.errors import BadEntryWarning
from bilinear.catalog.importing import proved_schemes
from bilinear.cli import main
from bilinear.commands.site import making
from bilinear.commands.site.build import Built, build
from bilinear.commands.site.manifest import SiteError
from bilinear.decompositions import Scheme, parse_target
from bilinear.decompositions.codegen import LANGUAGES
from bilinear.decompositions.formats import FORMATS


class Site:
    """A site, its catalog, and the ids of the user's entries."""

    def __init__(self, folder: Path) -> None:
        self.catalog, self.ids = catalog_of(folder / "mine")
        self.out = folder / "site"
        self.built = self.again()

    def again(self) -> Built:
        return build(self.catalog, listings_of(self.catalog), self.out, parse_target("2x2x2"))

    def page(self, name: str) -> str:
        return (self.out / "entries" / name / "index.html").read_text(encoding="utf-8")

    def changed(self, before: dict[Path, int]) -> set[str]:
        return {str(path.relative_to(self.out)) for path, time in self.times().items() if before.get(path) != time}

    def times(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def own(site: Site, tmp_path: Path) -> Site:
    """A copy that may be changed."""
    copy = Site.__new__(Site)
    shutil.copytree(site.catalog.root, tmp_path / "mine")
    shutil.copytree(site.out, tmp_path / "site")
    copy.catalog, copy.ids, copy.out = Catalog(tmp_path / "mine"), site.ids, tmp_path / "site"
    return copy


class Text(HTMLParser):
    """The text of a page and its scripts that run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def index_of(site: Site) -> dict[str, object]:
    text = (site.out / "data" / "index.js").read_text()
    return json.loads(re.sub(r'^"use strict";\nconst CATALOG = |;\n$', "", text))  # type: ignore[no-any-return]


def test_every_entry_has_a_page_and_a_row(site: Site) -> None:
    listed = {listing.id for listing in listings_of(site.catalog)}
    assert site.built.entries == site.built.made == len(listed) > 25
    assert {path.name for path in (site.out / "entries").iterdir()} == listed
    data = index_of(site)
    place = data["columns"].index("id")  # type: ignore[attr-defined]
    assert {row[place] for row in data["rows"]} == listed  # type: ignore[attr-defined]


def test_a_second_run_makes_nothing(own: Site) -> None:
    before = own.times()
    assert (own.again().made, own.changed(before)) == (0, {"site.json"})


def test_a_new_entry_makes_its_page_and_the_index(own: Site) -> None:
    before = own.times()
    name = own.catalog.add(entry_from_scheme(another(11), PAST)).id
    assert own.again().made == 1
    beside = {"data/index.js", "data/lineage.js", "index.html", "site.json"}
    assert {path for path in own.changed(before) if not path.startswith(("assets/", f"entries/{name}/"))} == beside


def test_a_page_is_made_again_when_its_entry_its_program_or_its_origin_changes(own: Site) -> None:
    from bilinear.decompositions.programs.text import ATTACHMENT, dumps

    scheme = own.catalog.scheme(own.ids["child"])
    from bilinear.decompositions.programs.scheme_program import short_program

    own.catalog.attach(scheme.entry.hash, ATTACHMENT, dumps(short_program(scheme.value)))
    assert own.again().made == 1
    assert "sums shared" in own.page(own.ids["child"])
    path = own.catalog.find(own.ids["f7"]).path
    path.write_bytes(path.read_bytes() + b"\n")
    assert own.again().made == 1


def test_who_found_an_entry_is_told_anew_when_its_parent_goes(tmp_path: Path) -> None:
    from bilinear.catalog import Lineage

    mine = Catalog(tmp_path / "mine")
    parent = entry_from_scheme(another(13), PAST)
    first = mine.add(parent)
    child = mine.add(entry_from_scheme(another(14), PAST, Lineage(parents=(parent.hash,))))
    listing = [one for one in mine if one.id == child.id]
    build(mine, listing, tmp_path / "site", parse_target("2x2x2"))
    page = tmp_path / "site" / "entries" / child.id / "index.html"
    assert "found here, of your own catalog" in page.read_text()
    mine.remove(first.id)
    assert build(mine, listing, tmp_path / "site", parse_target("2x2x2")).made == 1
    assert "not found here" in page.read_text()
    assert "which is not here" in page.read_text()


def test_a_page_goes_with_its_entry(own: Site) -> None:
    own.catalog.remove(own.ids["f7"])
    assert own.again().removed == 1
    assert not (own.out / "entries" / own.ids["f7"]).exists()


def test_a_bad_entry_is_passed_over(own: Site) -> None:
    path = own.catalog.find(own.ids["f7"]).path
    path.write_bytes(path.read_bytes().replace(b'"rank":7', b'"rank":8'))
    with pytest.warns(UserWarning, match=own.ids["f7"].removeprefix("2x2x2-")):
        assert own.again().removed == 1


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"format":1,"index":"","records":{"../../x":{}}}', b"\xff"])
def test_a_damaged_manifest_is_made_anew(site: Site, tmp_path: Path, damage: bytes) -> None:
    few = [one for one in site.catalog if one.id in (site.ids["border"], site.ids["f2"])]
    (tmp_path / "site" / "entries" / "x").mkdir(parents=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "site" / "site.json").write_bytes(damage)
    assert build(site.catalog, few, tmp_path / "site", parse_target("shortmul:2")).made == 2
    assert (tmp_path / "x").is_dir()


def test_files_of_others_are_left_alone(tmp_path: Path, site: Site) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(
        SiteError, match="holds files that are no site of this program; an empty or new folder is needed"
    ):
        build(site.catalog, [], tmp_path)
    with pytest.raises(SiteError, match="not a folder"):
        build(site.catalog, [], tmp_path / "letter.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_others_wrote_is_text(site: Site) -> None:
    page = Text(site.page(site.ids["hostile"]))
    words = "".join(page.words)
    assert SCRIPT in words
    assert QUOTES in words
    assert BIDI not in words
    assert "abc\\u202egnp.exe" in words
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [attributes.get("type", attributes.get("src")) for attributes in scripts][-1:] == ["application/json"]
    assert all("src" in one or one.get("type") == "application/json" for one in scripts)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "img" not in {tag for tag, _ in page.elements}
    assert "</script" not in (site.out / "data" / "index.js").read_text()


def test_no_page_asks_anything_of_another_place(site: Site) -> None:
    for path in (site.out / "index.html", *(site.out / "entries").glob("*/index.html")):
        page = Text(path.read_text(encoding="utf-8"))
        policy = [
            one.get("content") or "" for _, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy[0].startswith("default-src 'none'; script-src 'self'")
        places = [value for _, one in page.elements for name, value in one.items() if name in ("href", "src") and value]
        assert len(places) > 5
        for place in places:
            assert ":" not in place or place == "data:,", place
            found = (path.parent / place.split("#")[0]).resolve() if place != "data:," else path
            assert found.exists(), place


def test_a_page_tells_what_is_published_and_proven(site: Site) -> None:
    words = " ".join("".join(Text(site.page("2x3x3-r15-zt-266c1379")).words).split())
    target = parse_target("2x3x3")
    record, bound = published(target, "zt"), lower_bounds(target, "f2")[0]
    assert record is not None
    for fact in (record.source, str(bound.rank), bound.source, "the product of a 2 x 3 matrix and a 3 x 3 matrix"):
        assert fact in words
    for line in (
        "bilinear catalog replay 2x3x3-r15-zt-266c1379",
        "m1 = ",
        "c11 = ",
        "found here, came with the program",
    ):
        assert line in words


def test_downloads_are_read_back_and_proved(site: Site, tmp_path: Path) -> None:
    name = "2x2x2-r7-zt-1d3e92ec"
    folder = site.out / "entries" / name
    wanted = site.catalog.scheme(name).value
    for own in FORMATS:
        files = sorted(folder.glob(f"{name}.{own}*"))
        assert files, own
        found = [one for one in proved_schemes(site.catalog, files[0]) if isinstance(one, Scheme)]
        assert [one.target for one in found] == [wanted.target], own
        assert found[0].rank == 7, own
    assert (folder / f"{name}.json").read_bytes() == (site.catalog.find(name).path).read_bytes()
    done = subprocess.run([sys.executable, "-I", str(folder / f"check-{name}.py")], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:7]) == (0, "proved:")
    assert len([path for lang in LANGUAGES for path in folder.glob(f"{name}.{lang}*")]) == len(list(LANGUAGES))


def test_a_large_entry_names_the_commands(site: Site) -> None:
    page = site.page("8x8x8-r343-zt-ec72cdd1")
    assert "bilinear export scheme 8x8x8-r343-zt-ec72cdd1 --format NAME" in page
    assert "check-8x8x8-r343-zt-ec72cdd1.py" in page


def called(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(main, ["page", *words, "--catalog", str(tmp_path / "mine")])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "site"
    code, said, _ = called(tmp_path, "shortmul:8", "--found-here", "--out", str(out), "--json")
    told = json.loads(said)
    assert (code, told["entries"], told["made"], told["index"]) == (0, 2, 2, str(out / "index.html"))
    assert told["index_bytes"] < 1_000_000
    code, said, words = called(tmp_path, "shortmul:8", "--found-here", "--out", str(out))
    assert (code, said.strip(), words.strip()) == (
        0,
        str(out / "index.html"),
        "2 entries: 0 pages made, 2 kept, 0 removed",
    )
    assert called(tmp_path, "shortmul:8", "--yours", "--out", str(out), "--json")[1].count('"removed": 2')


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no folder for the site: give --out DIR, or --serve"),
        (("--out", "x", "--yours", "--shipped"), "--shipped and --yours leave nothing"),
        (("--out", "x", "2x2x2", "--target", "2x2x3"), "one target is enough"),
        (("--out", "/proc/1/x"), "/proc/1/x"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, _, told = called(tmp_path, *words)
    assert (code, told.count("\n"), said in told) == (2, 1, True), told


def test_it_is_served_on_this_machine_alone(tmp_path: Path) -> None:
    import os
    import signal

    command = [
        sys.executable,
        "-m",
        "bilinear.cli",
        "page",
        "2x2x2",
        "--yours",
        "--serve",
        "--out",
        str(tmp_path / "site"),
    ]
    places = {"BILINEAR_CATALOG": str(tmp_path / "mine"), "BROWSER": "true", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | places
    )
    assert process.stderr is not None
    address = None
    for line in process.stderr:
        found = re.search(r"serving (http://127\.0\.0\.1:\d+/); Ctrl-C ends it", line)
        if found:
            address = found[1]
            break
    assert address is not None
    with urlopen(address, timeout=30) as answer:
        assert b"<h1>Bilinear algorithms of 2x2x2</h1>" in answer.read()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_the_guides_may_stand_beside_the_pages(tmp_path: Path, site: Site) -> None:
    few = [one for one in site.catalog if one.id == site.ids["f2"]]
    (tmp_path / "guides").mkdir()
    build(site.catalog, few, tmp_path)
    assert "guides/index.html" not in (tmp_path / "index.html").read_text()
    (tmp_path / "guides" / "index.html").write_text("guides")
    assert build(site.catalog, few, tmp_path).made == 0
    assert '<a href="guides/index.html">Guides</a>' in (tmp_path / "index.html").read_text()


def test_several_processes_make_the_same_pages(own: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "FEWEST", 1)
    monkeypatch.setattr(making.os, "sched_getaffinity", lambda _: {0, 1})
    next(one for one in own.catalog if one.id == own.ids["f2"]).path.write_text("{}")
    with pytest.warns(BadEntryWarning, match="format_version: missing"):
        built = build(own.catalog, listings_of(own.catalog), tmp_path / "other", parse_target("2x2x2"))
    assert built.made == built.entries + 1
    for page in (tmp_path / "other" / "entries").rglob("*.html"):
        assert page.read_bytes() == (own.out / page.relative_to(tmp_path / "other")).read_bytes()
