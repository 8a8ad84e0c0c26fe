"""All cards together: their index, tables in the repository's pages, and whether they agree with the checkpoints."""

import difflib
import io
from collections.abc import Callable
from pathlib import Path

from zoo.core.errors import UnknownModelError
from zoo.core.formatting import deviation, interval, number, unbroken
from zoo.report.agent_pictures import draw_picture, drop_others, other_files, picture_of, store
from zoo.report.cards import GENERATED, make_card, make_files
from zoo.report.control_tables import ablation_table, control_table
from zoo.report.image_tables import image_table
from zoo.report.method_tables import method_table
from zoo.report.property_tables import property_table
from zoo.report.shapley_tables import shapley_table
from zoo.report.width_tables import difference_table, trend_table
from zoo.store.catalogue import ModelInfo, list_models
from zoo.store.loading import load, model_info


def index_rows() -> list[ModelInfo]:
    """All published models on this machine, in the order of the table."""
    return [model_info(name) for name in list_models()]


def markdown_table(rows: list[ModelInfo], link: str = "") -> str:
    """The models as a Markdown table; names link to ``{link}{name}.md``."""
    out = io.StringIO()
    out.write("| model | parameters | seeds | generations | reward | 95 % interval | population | paper |\n")
    out.write("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
    for row in rows:
        ends = interval(row.interval_95, row.mean) if row.seeds > 1 and row.interval_95 else "-"
        population = deviation(row.population_mean, row.population_std, row.seeds)
        out.write(
            f"| [{row.name}]({link}{row.name}.md) | {row.parameters:,} | {row.seeds} | {row.generations:,} "
            f"| **{number(row.mean)}** | {unbroken(ends)} "
            f"| {unbroken(population)} | {unbroken(row.paper or '')} |\n"
        )
    return out.getvalue()


def make_index() -> str:
    """model_cards/README.md."""
    return (
        f"# Models\n\n{GENERATED}\n\n"
        "*Reward*: mean return on fresh episodes of what was trained, an evolved model's centre or the greedy policy "
        "of one by gradients (`-bp`), or its test accuracy in %; over training seeds, and so is its interval, where "
        "there are several. *Population*: mean ± standard deviation over seeds of the last generation's population "
        "mean, the quantity that the paper reports; of images, of 64 members of the last search distribution; of "
        "models by gradients, whose generations are updates, what they reached while training last.\n\n"
        + markdown_table(index_rows())
    )


def write_cards(folder: Path, pages: Path | None = None) -> list[Path]:
    """Writes index, cards and plots of all published models into `folder`.

    Args:
        folder: of the cards.
        pages: root of a repository whose pages hold tables of the models, which are made anew; by default none.
    """
    documents = _documents(folder, pages)
    for path, content in documents.items():
        path.write_bytes(content)
    drop_others(folder, {path.name for path in documents})
    return list(documents)


def draw_pictures(folder: Path, pattern: str, report: Callable[[str], None]) -> None:
    """Makes the pictures that models have not, or whose checkpoints are others now.

    Args:
        folder: of the cards.
        pattern: shell wildcards over the models' names.
        report: told of each.

    Raises:
        ValueError: if it is another folder than that of the zoo's own cards.
        UnknownModelError: if no published model matches.
    """
    if folder.resolve() != store().resolve():
        raise ValueError(f"{folder} is not the folder of the zoo's own cards, {store()}, where pictures belong")
    names = list_models(pattern)
    if not names:
        raise UnknownModelError(f"no published model matches '{pattern}'; `zoo list` has their names")
    for name in names:
        model = load(name)
        if not picture_of(model):
            report(str(draw_picture(model, folder)))


_TABLES = {
    "table": markdown_table,
    "control": control_table,
    "images": image_table,
    "differences": lambda rows, link: difference_table(rows),
    "trends": lambda rows, link: trend_table(rows),
    "methods": lambda rows, link: method_table(rows),
    "properties": lambda rows, link: property_table(),
    "shapley": lambda rows, link: shapley_table(),
    "ablation": lambda rows, link: ablation_table("hetsnn-hp-16384", link=link),
    "ablation-wal": lambda rows, link: ablation_table("hetsnn-wal-16384", link=link),
    "ablation-hc": lambda rows, link: ablation_table("hetsnn-hc-16384", link=link),
    "ablation-ant": lambda rows, link: ablation_table("hetsnn-ant-16384", link=link),
}
"""Tables that a page may hold between ``<!-- name -->`` and ``<!-- /name -->``."""
_PAGES = {f"docs/{page}.md": "../model_cards/" for page in ("results", "brax", "robot-gradients")}
"""Pages of the repository that hold some, and how they link to cards."""


def with_tables(page: str, link: str = "model_cards/") -> str:
    """A page with its tables made anew."""
    rows = index_rows()
    for name, make in _TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if start in page:
            before, rest = page.split(start, 1)
            _, after = rest.split(end, 1)
            page = before + start + make(rows, link=link) + end + after
    return page


def _documents(folder: Path, pages: Path | None) -> dict[Path, bytes]:
    """All generated documents: cards, plots, pictures as they are, their index, and pages with tables."""
    texts = {folder / "README.md": make_index()}
    files: dict[Path, bytes] = {}
    for model in map(load, list_models()):
        texts[folder / f"{model.name}.md"] = make_card(model)
        files |= {folder / name: content for name, content in make_files(model).items()}
    for page, link in _PAGES.items():
        path = (pages or folder) / page
        if pages is not None and path.is_file():
            texts[path] = with_tables(path.read_text(encoding="utf-8"), link)
    return {path: text.encode() for path, text in texts.items()} | files


def check_cards(folder: Path, pages: Path | None = None) -> list[str]:
    """Differences between the cards in `folder` and what the checkpoints say; empty if there are none."""
    problems = []
    wanted = _documents(folder, pages)
    for path, content in wanted.items():
        have = path.read_bytes() if path.is_file() else b""
        if have != content:
            problems.append(f"{path.name}: {_difference(have, content)} from the checkpoint; run `zoo cards`")
    for path in sorted([*folder.glob("*.md"), *folder.glob("*.svg")]):
        if path not in wanted:
            problems.append(f"{path.name}: no such checkpoint is published")
    for path in other_files(folder, {path.name for path in wanted}):
        problems.append(f"{path.name}: shows no published checkpoint; run `zoo cards`, or `zoo cards --pictures`")
    return problems


def _difference(have: bytes, wanted: bytes) -> str:
    """How much a document differs, in words."""
    try:
        first, second = (content.decode().splitlines() for content in (have, wanted))
    except UnicodeDecodeError:
        return "another picture than that"
    return f"{sum(line[0] in '+-' for line in difflib.ndiff(first, second))} line(s) differ"
