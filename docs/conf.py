"""The documentation site: ``python -m sphinx -W --keep-going docs site`` writes it into site/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "hetsnn-zoo"
author = "The hetsnn-zoo authors"
extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton",
    "gallery", "navigation", "notebooks", "public_names", "repository_pages",
]  # fmt: skip
exclude_patterns = ["_ext"]
default_role = "code"
nitpicky = False  # Array types of jaxtyping have no pages that a reference could lead to.

navigation = {
    "index": ["Start </start>", "How to </howto>", "Models </results>", "Science </science>", "reference", "project"],
    "start": ["installation", "notebooks"],
    "notebooks": ["notebooks/load_and_look", "notebooks/retrain_and_compare", "notebooks/life_of_a_neuron"],
    "howto": ["use", "analyse", "retrain", "fine-tuning", "hub", "extending", "elsewhere", "commands"],
    "science": [
        "model", "analysis", "memory", "recipes-cartpole", "brax", "brax-trials", "images", "gradients",
        "robot-gradients", "gradients/fig7", "gradients/table5", "gradients/table6", "gradients/claims",
    ],
    "reference": [
        "api/zoo", "api/models", "api/tasks", "api/training", "api/evaluation", "api/analysis", "api/interchange",
    ],
    "project": ["brax-speed", "benchmarks", "contributing", "changes"],
}  # fmt: skip
"""Pages by the page that they stand below; a page that is in none of them fails the build."""

myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
napoleon_use_ivar = True
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = True

html_theme = "pydata_sphinx_theme"
html_title = "hetsnn-zoo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 2,
    "navigation_with_keys": False,
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "results": [], "search": []}  # Nothing stands below them.
copyright = "The hetsnn-zoo authors, Apache-2.0"
copybutton_exclude = ".linenos, .gp"
