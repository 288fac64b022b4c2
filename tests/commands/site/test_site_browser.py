"""The site in a real browser, without a head: Debian's chromium, driven by selenium."""

from __future__ import annotations

import base64
import json
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from site_samples import BIDI, QUOTES, SCRIPT, catalog_of, listings_of

from bilinear.commands.site.build import build
from bilinear.commands.site.server import serve
from bilinear.decompositions.rings import Ring, serves

pytest.importorskip("selenium", reason="selenium is not installed")
CHROME, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROME and DRIVER), reason="no chromium with its driver: apt-get install chromium")
AXE = "4.14.1"
PATIENCE = 60.0


class Browser:
    """One window on a site, and what it said and asked for."""

    def __init__(self, driver: Any, out: Path, ids: dict[str, str], rows: list[dict[str, Any]]) -> None:
        self.driver, self.out, self.ids, self.rows = driver, out, ids, rows
        self.requests: list[str] = []

    def open(self, place: str) -> None:
        """A page of the site, loaded anew."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.out.as_uri()}/{place}")

    def entry(self, name: str) -> None:
        self.open(f"entries/{self.ids.get(name, name)}/index.html")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return str(self.find(selector).get_attribute("textContent"))

    def listed(self) -> list[str]:
        return [
            str(one) for one in self.run("return [...document.querySelectorAll('#list td.id')].map(x => x.textContent)")
        ]

    def fill(self, name: str, value: str) -> None:
        """As a user does: the value, and that it was put in."""
        script = (
            "const one = document.getElementById('filter').elements[arguments[0]]; one.value = arguments[1];"
            "one.dispatchEvent(new Event('input', {bubbles: true}))"
        )
        self.run(script, name, value)

    def verdict(self) -> str:
        """What the button answers."""
        self.find("#verify").click()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            said = self.text("#verdict")
            if said.startswith(("true", "false")):
                return said
            time.sleep(0.05)
        raise AssertionError("no verdict")

    def quiet(self) -> None:
        """Nothing was said on the console, and nothing asked of any place but the disk."""
        said = [one["message"] for one in self.driver.get_log("browser")]
        assert said == []
        for one in self.driver.get_log("performance"):
            message = json.loads(one["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
        assert [url for url in self.requests if not url.startswith(("file:", "data:", "about:", "blob:"))] == []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    folder = tmp_path_factory.mktemp("browser")
    catalog, ids = catalog_of(folder / "mine")
    build(catalog, listings_of(catalog), folder / "site")
    rows = [record["row"] for record in json.loads((folder / "site" / "site.json").read_text())["records"].values()]
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROME)
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1280,1000"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Browser(driver, folder / "site", ids, rows)
    finally:
        driver.quit()


def test_the_index_lists_every_entry(browser: Browser) -> None:
    browser.open("index.html")
    assert set(browser.listed()) == {row["id"] for row in browser.rows}
    assert browser.text("#count") == f"{len(browser.rows)} of {len(browser.rows)} entries"
    assert browser.run("return document.querySelectorAll('#heat td button').length") > 40
    assert browser.run("return document.querySelectorAll('#scatter circle').length") > 3
    assert browser.run("return document.querySelectorAll('#curve circle').length") > 3
    assert browser.run("return document.querySelectorAll('#operations a circle').length") == 2
    browser.quiet()


FILTERS = {
    ("sizes", "2.*.3"): lambda row: row["sizes"] in ([2, 2, 3], [2, 3, 3]),
    ("sizes", "3x3x2"): lambda row: row["sizes"] == [2, 3, 3],
    ("sizes", "<=2"): lambda row: row["sizes"] == [2, 2, 2],
    ("ring", "q"): lambda row: (
        row["ring"] is not None and row["kind"] in ("scheme", "recipe") and serves(Ring.Q, Ring(row["ring"]))
    ),
    ("ring", "f7"): lambda row: row["ring"] == "f7",
    ("rank", "<=7"): lambda row: row["rank"] is not None and row["rank"] <= 7,
    ("rank", "15-33"): lambda row: row["rank"] is not None and 15 <= row["rank"] <= 33,
    ("kind", "border"): lambda row: row["kind"] == "border",
    ("family", "polymul"): lambda row: row["target"].startswith("polymul"),
    ("origin", "published"): lambda row: row["by"] != "",
    ("year", "<2000"): lambda row: row["year"] is not None and row["year"] < 2000,
    ("additions", "<20"): lambda row: row["additions"] is not None and row["additions"] < 20,
    ("gamma", "<=15"): lambda row: row["gamma"] is not None and row["gamma"] <= 15,
    ("words", "R7 2x2x2"): lambda row: "r7" in row["id"] and "2x2x2" in row["target"],
}


def test_filters_leave_what_they_say_and_stand_in_the_address(browser: Browser) -> None:
    browser.open("index.html")
    for (name, value), holds in FILTERS.items():
        browser.fill(name, value)
        wanted = {row["id"] for row in browser.rows if holds(row)}
        assert set(browser.listed()) == wanted, (name, value)
        assert 0 < len(wanted) < len(browser.rows), (name, value)
        assert parse_qs(browser.run("return location.hash.slice(1)")) == {name: [value]}
        browser.fill(name, "")
    assert browser.run("return location.hash") == ""
    browser.fill("sizes", "2x")
    assert "sizes: 2x is not understood" in browser.text("#count")
    browser.quiet()


def test_an_address_that_was_sent_shows_the_same(browser: Browser) -> None:
    browser.open("index.html#ring=q&sizes=2.*.*&origin=here&sort=-rank&show=omega")
    ranks = browser.run("return [...document.querySelectorAll('#list tbody tr')].map(x => +x.children[4].textContent)")
    assert len(ranks) > 3
    assert ranks == sorted(ranks, reverse=True)
    assert browser.find("[name=ring]").get_attribute("value") == "q"
    assert browser.find("th[aria-sort=descending]").text == "rank"
    assert "omega from" in browser.text("#legend")
    browser.run("location.hash = 'sizes=2x3x3'")
    time.sleep(0.1)
    assert {name.split("-")[0] for name in browser.listed()} == {"2x3x3"}
    browser.open("index.html#sizes=<script>&ring=nonsense&sort=-nothing")
    assert browser.find("[name=ring]").get_attribute("value") == ""
    browser.quiet()


def test_columns_sort_up_and_down(browser: Browser) -> None:
    browser.open("index.html#kind=scheme")
    for key in ("additions", "id", "target"):
        browser.find(f"button[data-sort={key}]").click()
        assert browser.find("th[aria-sort=ascending] button").get_attribute("data-sort") == key
        up = browser.listed()
        browser.find(f"button[data-sort={key}]").click()
        assert browser.find("th[aria-sort=descending] button").get_attribute("data-sort") == key
        down = browser.listed()
        values = {
            row["id"]: row[key] if key != "target" else (row["sizes"] is None, row["sizes"] or row["target"])
            for row in browser.rows
        }
        assert [values[name] for name in up] == sorted(values[name] for name in up)
        assert set(up) == set(down) != {up[0]}
        assert up != down
    browser.quiet()


def test_a_format_of_the_heat_table_filters_the_list(browser: Browser) -> None:
    browser.open("index.html")
    browser.find("#heat button[data-sizes='2x3x3']").send_keys("\n")
    assert {name.split("-")[0] for name in browser.listed()} == {"2x3x3"}
    assert browser.run("return document.activeElement.dataset.sizes") == "2x3x3"
    assert "best published 15" in browser.find("#heat button[data-sizes='2x3x3']").get_attribute("aria-label")
    browser.find("#heat button[data-sizes='2x3x3']").click()
    assert len(browser.listed()) == len(browser.rows)


RIGHT = {
    "2x2x2-r7-zt-1d3e92ec": "all 64 tensor entries agree (integers, all below 2^53",
    "8x8x8-r343-zt-ec72cdd1": "all 262,144 tensor entries agree",
    "4x4x4-r47-f2-49f264e3": "all 4,096 tensor entries agree",
    "4x4x4-r48-q-972b2072": "all 4,096 tensor entries agree",
    "big": "BigInt",
    "f2": "agree",
    "f7": "agree",
    "file": "agree",
    "polymul": "agree",
    "qi": "agree",
    "recipe": "all 4,096 tensor entries agree",
    "hostile": "agree",
}


def test_the_button_verifies(browser: Browser) -> None:
    for name, said in RIGHT.items():
        browser.entry(name)
        verdict = browser.verdict()
        assert verdict.startswith("true: "), (name, verdict)
        assert said in verdict, (name, verdict)
    browser.quiet()


def test_a_changed_page_is_found_out(browser: Browser) -> None:
    page = browser.out / "entries" / "2x2x2-r7-zt-1d3e92ec" / "index.html"
    text = page.read_text()
    [(start, data, end)] = re.findall(r'(.*id="data">)(.*?)(</script>.*)', text, re.DOTALL)
    changed = json.loads(data)
    changed["u"][0][0][1] *= -1
    other = page.with_name("changed.html")
    other.write_text(f"{start}{json.dumps(changed)}{end}")
    browser.open("entries/2x2x2-r7-zt-1d3e92ec/changed.html")
    verdict = browser.verdict()
    assert re.fullmatch(r"false: T\[\d,\d,\d\] is -?\d, must be [01]", verdict), verdict
    other.unlink()


CHANGE = """
const [field, done] = [arguments[0], arguments[1]];
const data = structuredClone(DATA), row = data[field].findIndex((row) => row.length);
const term = data[field][row][0], next = BigInt(term[1]) + 1n, p = BigInt(data.characteristic);
term[1] = String(p ? next % p : next);
verifyScheme(data).then((found) => done([found.ok, found.detail]));
"""
AWRY = "const data = structuredClone(DATA); %s; verifyScheme(data).then((found) => arguments[0](found.ok))"


def test_one_changed_coefficient_is_found_in_every_ring(browser: Browser) -> None:
    for name in ("big", "f2", "f7", "file", "polymul", "recipe", "2x4x5-r32-q-c9a268e2", "8x8x8-r343-zt-ec72cdd1"):
        browser.entry(name)
        for field in "uvw":
            ok, detail = browser.driver.execute_async_script(CHANGE, field)
            assert not ok, (name, field)
            assert "must be" in detail or "not in zt" in detail
    browser.entry("qi")
    assert browser.driver.execute_async_script(AWRY % "data.imag.u[0][0][1] += 1") is False
    browser.entry("2x4x5-r32-q-c9a268e2")
    assert browser.driver.execute_async_script(AWRY % "data.denominators[0] = 3") is False
    assert browser.driver.execute_async_script(AWRY % "data.u.pop()") is False
    assert browser.driver.execute_async_script(AWRY % "data.u[0][0][0] = 99") is False
    assert browser.driver.execute_async_script(AWRY % "data.u[0][0][1] = 0.5") is False


def test_what_others_wrote_is_shown_as_text(browser: Browser) -> None:
    browser.entry("hostile")
    words = browser.text("main")
    assert SCRIPT in words
    assert QUOTES in words
    assert BIDI not in browser.text("body")
    assert browser.driver.title.startswith("2x2x2, rank 7")
    browser.open("index.html#words=script")
    assert SCRIPT in browser.text("#list tbody")
    assert browser.driver.title == "Bilinear algorithms"
    browser.quiet()


def test_lineage_is_drawn_both_ways(browser: Browser) -> None:
    browser.entry("child")
    shown = browser.text("#lineage")
    assert "Made of: 2x2x2-r7-zt-1d3e92ec" in shown
    assert f"Used by: {browser.ids['recipe']}" in shown
    browser.entry("2x2x2-r7-zt-1d3e92ec")
    used = browser.text("#lineage")
    assert {name for name in (browser.ids["child"], "8x8x8-r343-zt-ec72cdd1") if name in used.split("Used by")[1]}
    assert browser.ids["recipe"] in used
    assert browser.run("return document.querySelectorAll('#lineage svg path').length") >= 2
    browser.quiet()


def test_matrices_zoom_and_are_read_by_keyboard(browser: Browser) -> None:
    browser.entry("8x8x8-r343-zt-ec72cdd1")
    width = "return document.querySelector('.view > div').style.width"
    before = browser.run(width)
    browser.find("#zoom-in").click()
    assert float(browser.run(width)[:-2]) > float(before[:-2])
    view = browser.find(".view")
    view.send_keys("\ue015")
    assert browser.text("#cell").startswith("U, product 1, a11: ")
    view.send_keys("\ue015")
    assert browser.text("#cell").startswith("U, product 2, a11: ")
    colours = "c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
    painted = f"const c = document.querySelector('canvas'); return new Set({colours}).size"
    assert browser.run(painted) > 5
    browser.entry("dft")
    assert browser.run("return document.querySelectorAll('.matrix').length") >= 3
    browser.quiet()


def test_a_download_comes_whole_from_the_server(browser: Browser) -> None:
    name, folder = "2x2x2-r7-zt-1d3e92ec", browser.out.parent / "downloads"
    allowed = {"behavior": "allow", "downloadPath": str(folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    ready: queue.Queue[str] = queue.Queue()
    threading.Thread(target=serve, args=(browser.out, 0, ready.put), daemon=True).start()
    browser.driver.get(f"{ready.get(timeout=PATIENCE)}entries/{name}/index.html")
    assert browser.verdict().startswith("true")
    for file in (f"{name}.json", f"check-{name}.py", f"{name}.alphatensor.npz"):
        browser.find(f"a[href='{file}']").click()
        end = time.monotonic() + PATIENCE
        while not (folder / file).is_file() and time.monotonic() < end:
            time.sleep(0.05)
        assert (folder / file).read_bytes() == (browser.out / "entries" / name / file).read_bytes()
    browser.driver.get_log("performance")  # what was asked of the server is no business of the other tests


def test_pages_fit_a_narrow_screen_and_the_keyboard_skips_to_the_content(browser: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    for place in ("index.html", "entries/2x2x2-r7-zt-1d3e92ec/index.html", "entries/8x8x8-r343-zt-ec72cdd1/index.html"):
        size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.open(place)
        assert browser.run("return document.documentElement.scrollWidth") <= 360, place
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.find("body").send_keys(Keys.TAB)
        assert browser.run("return document.activeElement.textContent") == "To the content"
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core as npm has it; it is fetched for this test and not kept."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm to fetch axe-core with")
    done = subprocess.run([npm, "pack", "--silent", f"axe-core@{AXE}"], cwd=folder, capture_output=True, timeout=60)
    if done.returncode:
        pytest.skip(f"npm has no axe-core {AXE} here")
    subprocess.run(["tar", "xzf", f"axe-core-{AXE}.tgz"], cwd=folder, check=True)
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


AUDIT = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.map((one) =>
  [one.id, one.impact, one.nodes.length, one.nodes[0].html.slice(0, 200), one.nodes[0].failureSummary])));
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_known_checker_finds_nothing_to_mend(browser: Browser, axe: str, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    places = ["2x2x2-r7-zt-1d3e92ec", *(browser.ids[name] for name in ("hostile", "dft", "border", "recipe"))]
    for place in ("index.html", *(f"entries/{name}/index.html" for name in places)):
        browser.open(place)
        browser.run(axe)
        assert browser.driver.execute_async_script(AUDIT) == [], place
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
