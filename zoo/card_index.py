"""All cards together: their index, the README's tables, and whether they agree with the checkpoints."""

import difflib
import io
from pathlib import Path

from zoo.cards import GENERATED, make_card, make_plots
from zoo.catalogue import ModelInfo, list_models
from zoo.control_tables import control_table
from zoo.formatting import deviation, interval, number, unbroken
from zoo.image_tables import image_table
from zoo.loading import load, model_info


def index_rows() -> list[ModelInfo]:
    """All published models on this machine, in the order of the table."""
    return [model_info(name) for name in list_models()]


def markdown_table(rows: list[ModelInfo], link: str = "") -> str:
    """The models as a Markdown table; names link to ``{link}{name}.md``."""
    out = io.StringIO()
    out.write("| model | parameters | seeds | generations | reward | 95 % interval | population | paper |\n")
    out.write("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
    for row in rows:
        out.write(
            f"| [{row.name}]({link}{row.name}.md) | {row.parameters:,} | {row.seeds} | {row.generations:,} "
            f"| **{number(row.mean)}** | {unbroken(interval(row.interval_95, row.mean))} "
            f"| {unbroken(deviation(row.population_mean, row.population_std))} | {unbroken(row.paper or '')} |\n"
        )
    return out.getvalue()


def make_index() -> str:
    """model_cards/README.md."""
    return (
        f"# Models\n\n{GENERATED}\n\n"
        "*Reward*: mean return of the trained centre on fresh episodes, over training seeds. "
        "*Population*: mean ± standard deviation over seeds of the last generation's population mean, the "
        "quantity that the paper reports.\n\n" + markdown_table(index_rows())
    )


def write_cards(folder: Path) -> list[Path]:
    """Writes index, cards and plots of all published models into `folder`, and the README's tables."""
    documents = _documents(folder)
    for path, text in documents.items():
        path.write_text(text, encoding="utf-8")
    return list(documents)


_TABLES = {"table": markdown_table, "control": control_table, "images": image_table}
"""Tables that the README may hold between ``<!-- name -->`` and ``<!-- /name -->``."""


def with_tables(readme: str) -> str:
    """The repository's README with its tables made anew."""
    rows = index_rows()
    for name, make in _TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if start in readme:
            before, rest = readme.split(start, 1)
            _, after = rest.split(end, 1)
            readme = before + start + make(rows, link="model_cards/") + end + after
    return readme


def _documents(folder: Path) -> dict[Path, str]:
    """All generated documents: cards, plots, their index, and the README beside the folder with its tables."""
    texts = {folder / "README.md": make_index()}
    for model in map(load, list_models()):
        texts[folder / f"{model.name}.md"] = make_card(model)
        texts |= {folder / name: text for name, text in make_plots(model).items()}
    readme = folder.parent / "README.md"
    if readme.is_file():
        texts[readme] = with_tables(readme.read_text(encoding="utf-8"))
    return texts


def check_cards(folder: Path) -> list[str]:
    """Differences between the cards in `folder` and what the checkpoints say; empty if there are none."""
    problems = []
    wanted = _documents(folder)
    for path, text in wanted.items():
        have = path.read_text(encoding="utf-8") if path.is_file() else ""
        if have != text:
            changed = [d for d in difflib.ndiff(have.splitlines(), text.splitlines()) if d[0] in "+-"]
            problems.append(f"{path.name}: {len(changed)} line(s) differ from the checkpoint; run `zoo cards`")
    for path in sorted([*folder.glob("*.md"), *folder.glob("*.svg")]):
        if path not in wanted:
            problems.append(f"{path.name}: no such checkpoint is published")
    return problems
