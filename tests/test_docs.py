"""Every relative link of the documentation leads to a file, and every anchor to a heading."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from zoo.cli.main import _make_parser

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


def commands(page: Path) -> list[str]:
    """The arguments of each `zoo` command of a page's code; of the list of commands, also of those in its cells."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    fenced = re.findall(r"^```(?:bash)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in fenced for line in block.splitlines()] + re.findall(
        r"^ {4}.*zoo .*$", text, re.MULTILINE
    )
    found = [re.match(r"\s*(?:\S*/)?zoo (.+)", part) for line in lines for part in line.split("&&")]
    listed = re.findall(r"`zoo ([^`]+)`", text) if page.name == "commands.md" else []
    short = {r"\\\|\S*": "", r"--trials N": "--trials 9"}  # `tau\|null` is one of two, N a number.
    for form, example in short.items():
        listed = [re.sub(form, example, words) for words in listed]
    return [match[1] for match in found if match] + [words for words in listed if words != "VERB --help"]


def test_documented_commands_have_the_options_of_the_command_line(capsys):
    found = [(page, words) for page in PAGES if page.parent.name != "model_cards" for words in commands(page)]
    wrong = []
    for page, words in found:
        try:
            _make_parser().parse_args(shlex.split(words, comments=True))
        except SystemExit:
            wrong.append(f"{page.name}: zoo {words}: {capsys.readouterr().err.splitlines()[-1]}")
    assert not wrong
    assert len(found) > 80


def test_all_say_the_same_versions_of_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = [line.split(" :: ")[-1] for line in project["classifiers"] if "Python :: 3." in line]
    assert project["requires-python"] == f">={told[0]}"
    for page in ("README.md", "docs/installation.md", "model_cards/hetsnn-mem25-1024.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert re.findall(r"Python (3\.\d+ to 3\.\d+)", text) == [f"{told[0]} to {told[-1]}"], page
