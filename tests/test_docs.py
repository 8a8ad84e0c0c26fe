"""Every relative link of the documentation leads to a file, and every anchor to a heading."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [p for folder in (".", "docs", "benchmarks", "model_cards") for p in sorted((ROOT / folder).glob("*.md"))]
_LINK = re.compile(r'\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"')
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them: lower case, letters, digits, hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for markdown, html in _LINK.findall(text):
        target, _, anchor = (markdown or html).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}#{anchor}, which is no heading"


def test_all_say_the_same_versions_of_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = [line.split(" :: ")[-1] for line in project["classifiers"] if "Python :: 3." in line]
    assert project["requires-python"] == f">={told[0]}"
    for page in ("README.md", "docs/installation.md", "model_cards/hetsnn-mem25-1024.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert re.findall(r"Python (3\.\d+ to 3\.\d+)", text) == [f"{told[0]} to {told[-1]}"], page
