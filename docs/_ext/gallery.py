"""The models' gallery: what `zoo site` writes, beside the documentation and linked with it."""

import os
import tempfile
from pathlib import Path

FOLDER = "gallery"


def write_gallery(app, config) -> None:
    """Writes it where Sphinx takes further files from; ``ZOO_GALLERY`` says which models, by default all."""
    from zoo.report.site import make_pages, write_site

    folder = Path(tempfile.mkdtemp(prefix="zoo-"))
    written = write_site(folder / FOLDER, make_pages(os.environ.get("ZOO_GALLERY", "*")), home="../index.html")
    config.html_extra_path = [*config.html_extra_path, str(folder)]
    config.gallery = {path.relative_to(folder).as_posix() for path in written}


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.add_config_value("gallery", set(), "env", [set])
    app.connect("config-inited", write_gallery)
    return {"parallel_read_safe": True}
