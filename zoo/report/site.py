"""A static site of the models on this machine: one searchable table, one page per model, nothing from elsewhere."""

import dataclasses
import importlib.resources
from html import escape
from pathlib import Path

from zoo.core.errors import ZooError
from zoo.core.formatting import interval, number
from zoo.registry.families import family_of
from zoo.registry.paper import PAPER_URL
from zoo.report.cards import make_card, make_files
from zoo.report.listing import size_text
from zoo.store.catalogue import ModelInfo, list_models, read_info
from zoo.store.checkpoint import replacing
from zoo.store.loading import load

_ASSETS = ("site.css", "site.js")
_MARK = '<meta name="generator" content="hetsnn-zoo">'
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """What the site says of one model.

    Attributes:
        info: its line of the table.
        card: Markdown.
        files: what the card shows, by file name.
    """

    info: ModelInfo
    card: str
    files: dict[str, bytes]


def make_pages(pattern: str = "*") -> list[Page]:
    """Pages of the models on this machine whose names match."""
    pages = []
    for name in list_models(pattern):
        model = load(name)
        pages.append(Page(read_info(model.path, ""), make_card(model), make_files(model)))
    return pages


def write_site(out: Path, pages: list[Page], home: str | None = None) -> list[Path]:
    """Writes the site; an older one in its place is replaced when the new one is whole.

    Args:
        out: folder.
        pages: of the models.
        home: address, seen from `out`, of the pages that this site is a part of; by default it is none's.

    Returns:
        The files written.

    Raises:
        ZooError: if there are no models, or `out` holds something else than a site, or cannot be written.
    """
    if not pages:
        raise ZooError("no published model matches; there is nothing to show")
    index = out / "index.html"
    ours = index.is_file() and _MARK in index.read_text(encoding="utf-8", errors="replace")
    if out.exists() and not ours and (not out.is_dir() or any(out.iterdir())):
        raise ZooError(f"{out} exists and is not a site of the zoo; choose another folder")
    assets = importlib.resources.files("zoo.report") / "site_assets"
    texts = {name: (assets / name).read_text(encoding="utf-8") for name in _ASSETS}
    texts["index.html"] = _index(pages, home)
    for page in pages:
        texts[f"models/{page.info.name}.html"] = _model_page(page, home)
    files = {name: text.encode() for name, text in texts.items()}
    files |= {f"models/{name}": content for page in pages for name, content in page.files.items()}
    with replacing(out) as folder:
        (folder / "models").mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return [out / name for name in files]


def _document(title: str, body: str, *, root: str, script: bool) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{_MARK}\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{root}site.css">\n'
        + (f'<script src="{root}site.js" defer></script>\n' if script else "")
        + f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


_COLUMNS = (
    ("model", ""),
    ("task", "named"),
    ("kind", "named"),
    ("parameters", "number named"),
    ("generations", "number extra"),
    ("reward", "number"),
    ("95 % interval", "number extra"),
    ("population", "number extra"),
    ("paper", "number"),
    ("size", "number extra"),
)


def _index(pages: list[Page], home: str | None) -> str:
    rows = [page.info for page in pages]
    families = {family.name: family.title for family in (family_of(row.task) for row in rows)}
    options = "".join(f'<option value="{name}">{title}</option>' for name, title in sorted(families.items()))
    kinds = "".join(f"<option>{kind}</option>" for kind in sorted({row.kind for row in rows}))
    heads = "".join(
        f'<th scope="col" class="{css}"><button type="button">{title}</button></th>' for title, css in _COLUMNS
    )
    best = {row.task: max(0.0, *(r.mean for r in rows if r.task == row.task)) for row in rows}
    lines = "\n".join(_row(row, best[row.task]) for row in rows)
    up = f'<nav aria-label="Site"><a href="{escape(home)}">Documentation</a></nav>\n' if home else ""
    body = f"""{up}<header>
<h1>Pretrained spiking networks with heterogeneous neurons</h1>
<p class="soft"><b>het</b>: the neurons were trained and the random weights left alone; <b>hom</b>: the weights were
trained and all neurons are alike; <b>full</b>: both were trained. <i>Reward</i> is the mean return of the trained
centre on fresh episodes, or its accuracy in percent, over its training seeds; the bar compares it with the best model
of the same task.
<i>Population</i> is the mean of the last generation's members, which is what <a href="{PAPER_URL}">Shen et al.</a>
print: compare it with <i>paper</i> (for models by gradients, <i>-bp</i>, it is what they last reached in
training).</p>
</header>
<main>
<form hidden aria-label="Filter">
<label class="wide">Search <input type="search" name="search" autocomplete="off"></label>
<label>Task <select name="family"><option value="">all</option>{options}</select></label>
<label>Kind <select name="kind"><option value="">all</option>{kinds}</select></label>
</form>
<p class="soft" id="count" role="status">{len(rows)} models</p>
<table class="models">
<thead><tr>{heads}</tr></thead>
<tbody>
{lines}
</tbody>
</table>
</main>"""
    return _document("hetsnn-zoo: models", body, root="", script=True)


def _row(row: ModelInfo, best: float) -> str:
    ends = row.interval_95 if row.seeds > 1 else None
    share = 100 * max(0.0, row.mean) / best if best > 0 else 0.0
    bar = f'<svg class="bar" aria-hidden="true"><rect width="{share:.0f}%" height="3"/></svg>'
    cells = (
        (row.task, None),
        (row.kind, None),
        (f"{row.parameters:,}", row.parameters),
        (f"{row.generations:,}", row.generations),
        (f"{number(row.mean)}{bar}", row.mean),
        ("", None) if ends is None else (interval(ends, row.mean), ends[1] - ends[0]),
        ("" if row.population_mean is None else number(row.population_mean), row.population_mean),
        (escape(row.paper or ""), None),
        (size_text(row.size_bytes), row.size_bytes),
    )
    link = f'<th scope="row"><a href="models/{row.name}.html">{row.name}</a></th>'
    tds = "".join(
        f'<td class="{css}"' + ("" if key is None else f' data-sort="{key}"') + f">{text}</td>"
        for (text, key), (_, css) in zip(cells, _COLUMNS[1:], strict=True)
    )
    return f'<tr data-family="{family_of(row.task).name}" data-kind="{row.kind}">{link}{tds}</tr>'


def _model_page(page: Page, home: str | None) -> str:
    """The card as HTML. Raw HTML in Markdown is shown as text, never passed on."""
    from markdown_it import MarkdownIt

    markdown = page.card.split("\n---\n", 1)[1].split("-->\n", 1)[1]
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    html = html.replace("<pre>", '<pre tabindex="0">')  # A scrolling block must be reachable by keyboard.
    up = f'<a href="../{escape(home)}">Documentation</a> · ' if home else ""
    body = f'<nav aria-label="Site">{up}<a href="../index.html">All models</a></nav>\n<main>\n{html}</main>'
    return _document(f"{page.info.name}: hetsnn-zoo", body, root="../", script=False)
