"""Which page stands below which: the table is conf.py's, so that the Markdown needs no directive for it."""


def add_children(app, docname: str, source: list[str]) -> None:
    """Ends a page with a hidden list of the pages below it."""
    if children := app.config.navigation.get(docname):
        lines = (page if "<" in page else f"/{page}" for page in children)
        source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(lines) + "\n```\n"


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.add_config_value("navigation", {}, "env", [dict])
    app.connect("source-read", add_children, priority=600)
    return {"parallel_read_safe": True}
