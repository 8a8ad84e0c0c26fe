"""The documentation site: built with warnings as errors, and every address within it leads somewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip("sphinx", reason="pip install 'hetsnn-zoo[docs]'")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("documentation") / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(out)]
    some = os.environ | {"ZOO_GALLERY": "*-mem25-*", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, cwd=ROOT, env=some, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def pages_of(site):
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]


class Page(HTMLParser):
    """Addresses in a page, and the places that an address may name."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.places |= {values[key] for key in ("id", "name") if values.get(key)}
        self.addresses += [values[key] for key in ("href", "src") if values.get(key)]


def test_every_address_leads_somewhere_within_the_site(built):
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in pages_of(built)}
    assert len(pages) > 35
    for path, page in pages.items():
        for address in page.addresses:
            target, _, anchor = address.partition("#")
            if target.startswith(("https://", "http://", "data:", "mailto:")):
                continue
            file = (path.parent / unquote(target.partition("?")[0])).resolve() if target else path
            assert file.is_file(), f"{path.name}: {address}"
            if anchor and file in pages:
                assert unquote(anchor) in pages[file].places, f"{path.name}: {address}"


def test_the_reference_has_every_public_name(built):
    import zoo
    import zoo.models

    text = (built / "api/zoo.html").read_text(encoding="utf-8")
    assert all(f'id="zoo.{name}"' in text for name in zoo.__all__)
    text = (built / "api/models.html").read_text(encoding="utf-8")
    assert all(f'id="zoo.models.{name}"' in text for name in zoo.models.__all__)
    assert "jaxlib._jax" not in text
    assert "Float[ArrayLike" in "".join(Text(text).parts)


class Text(HTMLParser):
    """What a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.parts = []
        self.feed(text)

    def handle_data(self, data):
        self.parts.append(data)


def test_cards_are_pages_of_the_gallery_and_dark_figures_come_with_light_ones(built):
    results = (built / "results.html").read_text(encoding="utf-8")
    assert 'href="gallery/models/hetsnn-mem25-1024.html"' in results
    shown = re.findall(r'<img [^>]*class="([^"]*)" src="_images/(control[^"]*)"', results)
    assert shown == [("only-light", "control.svg"), ("only-dark", "control-dark.svg")]
    assert 'href="../../index.html"' in (built / "gallery/models/hetsnn-mem25-1024.html").read_text(encoding="utf-8")


def test_nothing_opens_that_has_no_name(built):
    """axe-core's `summary-name`: the theme's toggles are an icon alone."""
    for path in pages_of(built):
        text = path.read_text(encoding="utf-8")
        for label, inside in re.findall(r"<summary\b([^>]*)>(.*?)</summary>", text, re.DOTALL):
            assert "aria-label=" in label or re.sub(r"<[^>]*>", "", inside).strip(), path.name


def test_nothing_is_loaded_from_elsewhere(built):
    for path in pages_of(built):
        for loaded in Loads(path.read_text(encoding="utf-8")).addresses:
            assert "://" not in loaded, f"{path.name} loads {loaded}"


class Loads(HTMLParser):
    """What a browser fetches with a page."""

    def __init__(self, text):
        super().__init__()
        self.addresses = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag in ("img", "script", "source", "iframe"):
            self.addresses.append(values.get("src") or "")
        elif tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon"):
            self.addresses.append(values["href"])
