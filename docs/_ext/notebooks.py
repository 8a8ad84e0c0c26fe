"""Notebooks, which are kept as text, as pages of the site and as files for Jupyter and Colab."""

import tempfile
from pathlib import Path

import jupytext

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


def write_notebooks(app, config) -> None:
    """Puts every notebook beside its page, as ``.ipynb``."""
    folder = Path(tempfile.mkdtemp(prefix="zoo-"))
    (folder / FOLDER.name).mkdir()
    for path in FOLDER.glob("*.py"):
        jupytext.write(jupytext.read(path, fmt="py:percent"), folder / FOLDER.name / f"{path.stem}.ipynb")
    config.html_extra_path = [*config.html_extra_path, str(folder)]


def as_page(app, docname: str, source: list[str]) -> None:
    """Text and code of a notebook, without what it prints."""
    folder, _, name = docname.rpartition("/")
    if folder != FOLDER.name:
        return
    title, *cells = jupytext.read(FOLDER / f"{name}.py", fmt="py:percent").cells
    parts = [title.source, f'<a href="{name}.ipynb" download>Download as a notebook</a>']
    for cell in cells:
        parts.append(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
    source[0] = "\n\n".join(parts) + "\n"


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.connect("config-inited", write_notebooks)
    app.connect("source-read", as_page, priority=300)
    return {"parallel_read_safe": True}
