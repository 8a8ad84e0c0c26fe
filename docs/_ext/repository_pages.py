"""Pages that are written for the repository, where links lead to files beside docs/, as pages of the site.

A link to such a file is turned to what stands for it on the site, and a figure that has a dark twin gets it. A link
to a file that the site does not have becomes its text. Everything else is left to Sphinx, which fails where a link
leads nowhere.
"""

import posixpath
import re
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"contributing": "CONTRIBUTING.md", "changes": "CHANGELOG.md", "benchmarks": "benchmarks/README.md"}
"""Pages of the site that show a file outside docs/."""
STANDS_FOR = {"models": "api/models.md", "models/neuron.py": "api/models.md", "README.md": "index.md"} | {
    path: f"{page}.md" for page, path in BESIDE.items()
}
"""Pages of the site by the repository's files that they stand for."""
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img alt="([^"]*)"\s*src="([^"]+)">\s*</picture>'
)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\.svg\)")
_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def as_site_page(app, docname: str, source: list[str]) -> None:
    """Rewrites one page; blocks of code stay as they are."""
    text, folder = source[0], posixpath.join("docs", posixpath.dirname(docname))
    if docname in BESIDE:
        text, folder = (ROOT / BESIDE[docname]).read_text(encoding="utf-8"), posixpath.dirname(BESIDE[docname])
    link = partial(_turned, docname=docname, folder=folder, gallery=app.config.gallery)

    def changed(text: str) -> str:
        text = _IMAGE.sub(partial(_with_twin, folder=folder), _LINK.sub(link, text))
        return _PICTURE.sub(lambda found: _pair(found[2], found[3], found[1]), text)

    parts, end = [], 0
    for block in _BLOCK.finditer(text):
        parts += [changed(text[end : block.start()]), block[0]]
        end = block.end()
    source[0] = "".join([*parts, changed(text[end:])])


def _turned(found: re.Match, *, docname: str, folder: str, gallery: set[str]) -> str:
    """A link to a file of the repository, as one to where the site shows it; others as they are."""
    text, (target, _, anchor) = found[1], found[2].partition("#")
    if not target or "://" in target or target.startswith("mailto:"):
        return found[0]
    here = posixpath.dirname(docname) or "."
    path = posixpath.normpath(posixpath.join(folder, target))
    if path.startswith(("model_cards", "docs/gallery")):
        card = f"gallery/models/{posixpath.basename(path).removesuffix('.md')}.html"
        place = card if card in gallery else "gallery/index.html"
        return f'<a href="{posixpath.relpath(place, here)}">{text}</a>'
    if path in STANDS_FOR:
        place = STANDS_FOR[path]
    elif path.startswith("docs/") and not (ROOT / path).is_dir():
        place = path.removeprefix("docs/")
    else:
        return text
    return f"[{text}]({posixpath.relpath(place, here)}{'#' * bool(anchor)}{anchor})"


def _with_twin(found: re.Match, *, folder: str) -> str:
    alt, stem = found[1], found[2]
    if not (ROOT / folder / f"{stem}-dark.svg").is_file():
        return found[0]
    return _pair(alt, f"{stem}.svg", f"{stem}-dark.svg")


def _pair(alt: str, light: str, dark: str) -> str:
    """Two pictures of which the theme shows the one that fits its colours."""
    alt = " ".join(alt.split())
    return f"![{alt}]({light}){{.only-light}} ![{alt}]({dark}){{.only-dark}}"


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.connect("source-read", as_site_page, priority=400)
    return {"parallel_read_safe": True}
