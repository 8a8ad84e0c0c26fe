"""Which page stands below which: the table is conf.py's, so that the Markdown needs no directive for it."""

from pathlib import Path


def add_children(app, docname: str, source: list[str]) -> None:
    """Ends a page with a hidden list of the pages below it."""
    if children := app.config.navigation.get(docname):
        lines = (page if "<" in page else f"/{page}" for page in children)
        source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(lines) + "\n```\n"


_TOGGLE = '<summary><span class="toctree-toggle"'


def name_toggles(app, error) -> None:
    """Gives the theme's toggles, an icon alone, a name that a screen reader can say."""
    for path in [] if error else Path(app.outdir).glob("**/*.html"):
        text = path.read_text(encoding="utf-8")
        if _TOGGLE in text:
            named = _TOGGLE.replace("<summary>", '<summary aria-label="Pages below">')
            path.write_text(text.replace(_TOGGLE, named), encoding="utf-8")


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.add_config_value("navigation", {}, "env", [dict])
    app.connect("source-read", add_children, priority=600)
    app.connect("build-finished", name_toggles)
    return {"parallel_read_safe": True}
