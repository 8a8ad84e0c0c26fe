"""The static site: its files here, and what a browser makes of them where Chromium is installed."""

import dataclasses
import os
import re
import shutil
import statistics
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import CHROMIUM, DRIVER, Browser

import zoo
from zoo.cli import main
from zoo.report.site import make_pages, write_site

MANY = 100


@pytest.fixture(scope="module")
def pages():
    return make_pages("*-mem*")


@pytest.fixture(scope="module")
def site(pages, tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "out"
    write_site(out, pages)
    return out


@pytest.fixture(scope="module")
def large_site(pages, tmp_path_factory):
    """A hundred models: those of the zoo under further names, with numbers of their own."""
    many = []
    for k in range(MANY):
        page = pages[k % len(pages)]
        name = f"{page.info.kind}snn-mem{k + 1}-1024"
        info = dataclasses.replace(
            page.info, name=name, task=f"mem{k + 1}", mean=k / MANY, size_bytes=1000 * (k + 1),
            interval_95=(1159.0, 4347.0), population_mean=2497.0, paper="2699 ± 404",
        )  # fmt: skip
        files = {file.replace(page.info.name, name): content for file, content in page.files.items()}
        many.append(dataclasses.replace(page, info=info, card=page.card.replace(page.info.name, name), files=files))
    out = tmp_path_factory.mktemp("large") / "out"
    write_site(out, many)
    return out


class Addresses(HTMLParser):
    """What a document loads, and what it links to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "a":
            self.links.append(values["href"])
        elif tag == "link":
            self.loads.append(values["href"])
        elif "src" in values:
            self.loads.append(values["src"])
        assert not {"style", "onclick", "onload"} & set(values), "the page's own policy forbids inline code"


def test_every_model_has_a_line_and_a_page(site, pages):
    index = (site / "index.html").read_text()
    for page in pages:
        info = page.info
        (line,) = re.findall(rf'<tr [^>]*><th scope="row"><a href="models/{info.name}.html">.*', index)
        assert f'data-sort="{info.mean}"' in line
        assert (info.paper or "") in line
        assert f"<h1>{info.name}</h1>" in (site / "models" / f"{info.name}.html").read_text()


def test_everything_that_is_loaded_or_linked_within_is_there(site):
    for page in site.rglob("*.html"):
        addresses = Addresses(page.read_text())
        for address in addresses.loads:
            assert address == "data:," or (page.parent / address).is_file(), address
        for address in addresses.links:
            assert address.startswith("https://") or (page.parent / address).is_file(), address


def test_styles_script_and_plots_name_no_other_place(site):
    files = [*site.rglob("*.css"), *site.rglob("*.js"), *site.rglob("*.svg")]
    assert len(files) > 10
    for file in files:
        text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", text), file


def test_markup_in_a_card_stays_text(pages, tmp_path):
    card = pages[0].card.replace("## Limits", "## <script>alert(1)</script> [x](javascript:alert(1))")
    write_site(tmp_path / "out", [dataclasses.replace(pages[0], card=card)])
    text = (tmp_path / "out" / "models" / f"{pages[0].info.name}.html").read_text()
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert 'href="javascript' not in text


def test_an_older_site_is_replaced_and_anything_else_is_not(pages, tmp_path):
    out = tmp_path / "out"
    write_site(out, pages)
    write_site(out, pages[:1])
    assert [p.name for p in (out / "models").glob("*.html")] == [f"{pages[0].info.name}.html"]
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "index.html").write_text("<h1>mine</h1>")
    with pytest.raises(zoo.ZooError, match="is not a site of the zoo"):
        write_site(other, pages)
    assert (other / "index.html").read_text() == "<h1>mine</h1>"
    with pytest.raises(zoo.ZooError, match="nothing to show"):
        write_site(tmp_path / "none", [])


needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as opened:
        opened.look(width=1200, height=900)
        opened.run("return 1")
        yield opened


def visible(browser):
    return browser.run("return [...document.querySelectorAll('tbody tr:not([hidden]) th')].map(e => e.innerText)")


@needs_chromium
def test_searching_and_filtering(browser, site, pages):
    browser.open(site / "index.html")
    assert len(visible(browser)) == len(pages)
    browser.run("const s = document.forms[0].search; s.value = 'mem25 HET';"
                "s.dispatchEvent(new Event('input', {bubbles: true}))")  # fmt: skip
    assert visible(browser) == ["hetsnn-mem25-1024", "hetsnn-mem25-1024-bp"]
    assert browser.run("return document.querySelector('#count').innerText") == f"2 of {len(pages)} models"
    browser.run("const f = document.forms[0]; f.search.value = ''; f.kind.value = 'hom';"
                "f.dispatchEvent(new Event('input'))")  # fmt: skip
    assert all(name.startswith("homsnn") for name in visible(browser))


@needs_chromium
@pytest.mark.parametrize(("column", "key"), [(0, "number in the name"), (5, "reward"), (9, "size")])
def test_sorting_both_ways(browser, large_site, column, key):
    browser.open(large_site / "index.html")
    click = f"document.querySelectorAll('thead button')[{column}].click();"
    state = f"return document.querySelectorAll('thead th')[{column}].getAttribute('aria-sort')"

    def order():
        return [int(name.split("-")[1][3:]) for name in visible(browser)]

    browser.run(click)
    assert browser.run(state) == "ascending"
    up = order()
    browser.run(click)
    assert browser.run(state) == "descending"
    assert order() == up[::-1]
    if column:
        assert up == list(range(1, MANY + 1))
    else:
        assert up[:3] == [1, 2, 3] or sorted(up[: MANY // 2]) == up[: MANY // 2], "10 comes after 9"


@needs_chromium
def test_nothing_is_asked_from_elsewhere_and_nothing_fails(browser, site):
    browser.requested(), browser.log("browser")
    pages = [site / "index.html", *sorted((site / "models").glob("hetsnn-mem5-*.html"))]
    for page in pages:
        browser.open(page)
    requested = {a for a in browser.requested() if not a.startswith(("chrome:", "data:"))}
    assert {page.as_uri() for page in pages} <= requested
    assert all(address.startswith(site.as_uri()) for address in requested), requested
    assert browser.log("browser") == []


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_and_dark_mode(browser, site, scheme):
    for page in (site / "index.html", site / "models" / "hetsnn-mem25-1024.html"):
        browser.look(width=390, height=844, scheme=scheme)
        browser.open(page)
        assert browser.run("return document.documentElement.scrollWidth <= 390"), "the page scrolls sideways"
        background = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    browser.look(width=1200, height=900)


@needs_chromium
@pytest.mark.parametrize("width", [390, 740, 1090, 1410, 1600])
def test_the_table_fits_the_window(browser, large_site, width):
    browser.look(width=width, height=900)
    browser.open(large_site / "index.html")
    assert browser.run(f"return document.documentElement.scrollWidth <= {width}"), "the page scrolls sideways"
    browser.look(width=1200, height=900)


PAINTED = """
const wait = () => {
  const entry = performance.getEntriesByName('first-contentful-paint')[0];
  const load = performance.getEntriesByType('navigation')[0].loadEventEnd;
  if (entry && load) done(Math.max(entry.startTime, load)); else setTimeout(wait, 5);
};
wait();
"""


@needs_chromium
def test_a_hundred_models_show_in_under_a_second(browser, large_site):
    times = []
    for _ in range(5):
        browser.open(large_site / "index.html")
        times.append(browser.wait_for(PAINTED))
        assert len(visible(browser)) == MANY
    print(f"100 models, first paint and load, milliseconds: {times}")
    assert statistics.median(times) < 1000


def axe_source():
    """axe-core's script: ``$AXE_CORE``, or the npm package ``axe-core`` installed globally."""
    if "AXE_CORE" in os.environ:
        return Path(os.environ["AXE_CORE"])
    if shutil.which("npm") is None:
        return None
    root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True).stdout.strip()
    path = Path(root, "axe-core", "axe.min.js")
    return path if path.is_file() else None


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_axe_finds_nothing(browser, site, scheme, width):
    if (axe := axe_source()) is None:
        pytest.skip("axe-core is not installed; npm install -g axe-core, or AXE_CORE=path of axe.min.js")
    browser.look(width=width, height=900, scheme=scheme)
    for page in (site / "index.html", site / "models" / "hetsnn-mem25-1024.html"):
        browser.open(page)
        browser.run(axe.read_text(encoding="utf-8") + "\nreturn 0;")
        result = browser.wait_for("axe.run().then(r => done({found: r.violations, passes: r.passes.length}))")
        found = [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in result["found"]]
        assert found == [], page.name
        assert result["passes"] > 15
    browser.look(width=1200, height=900)


def test_one_seed_has_no_interval(pages):
    from zoo.report.site import _row

    one, several = (_row(dataclasses.replace(pages[0].info, seeds=seeds), 1.0) for seeds in (1, 3))
    assert " to " in several and " to " not in one


def test_the_command_writes_the_models_of_a_pattern(tmp_path, capsys):
    assert main(["site", str(tmp_path / "site"), "--pattern", "hetsnn-mem5-1024"]) == 0
    assert f"wrote 1 models; open {tmp_path / 'site' / 'index.html'}" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "site" / "models").glob("*.html")] == ["hetsnn-mem5-1024.html"]
