"""Modules that have moved: their old names go on working, with a warning, until version 2."""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings

_SAME_NAME = {
    "zoo.core": ("zoo", "errors json_files arrays formatting"),
    "zoo.registry": ("zoo", "names aliases paper"),
    "zoo.store": ("zoo", "manifest checkpoint catalogue hub hub_errors loading zoo_model"),
    "zoo.drawing": ("zoo", "plots"),
    "zoo.report": (
        "zoo",
        "cards training_cards image_cards card_index listing control_tables image_tables gradient_tables "
        "control_figures image_figures gradient_figures site publishing",
    ),
    "zoo.training.methods": (
        "zoo.training",
        "pgpe evolution image_evolution gradients reinforce image_gradients activity",
    ),
    "zoo.training.run": ("zoo.training", "engine loop plan runs state export hosts progress sweep"),
}
_OTHER_NAME = {
    "zoo.figures": "zoo.report.memory_figures",
    "zoo.image_evaluation": "zoo.evaluation.images",
    "zoo.bsuite_score": "zoo.evaluation.bsuite",
    "zoo.training_commands": "zoo.cli.training",
    "zoo.hub_commands": "zoo.cli.hub",
    "zoo.training.curves": "zoo.store.curves",
    "zoo.training.method": "zoo.training.methods.base",
    "zoo.training.recipe": "zoo.registry.recipe",
    "zoo.analysis.commands": "zoo.cli.analysis",
    "zoo.analysis.draw": "zoo.drawing.analyses",
    "zoo.analysis.draw_firing": "zoo.drawing.firing",
    "zoo.analysis.progress": "zoo.core.progress",
    "zoo.analysis.report": "zoo.report.model_page",
    "zoo.analysis.style": "zoo.drawing.style",
    "zoo.analysis.tables": "zoo.core.csv_files",
}
MOVED = _OTHER_NAME | {
    f"{before}.{module}": f"{package}.{module}"
    for package, (before, modules) in _SAME_NAME.items()
    for module in modules.split()
}
"""``{old name: name of today}``."""


class _MovedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module under its old name; asked last, when no other finder knows it."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        """Python takes what stands in `sys.modules` afterwards: the module of today, as it is."""
        old = module.__spec__.name
        warnings.warn(f"'{old}' is now '{MOVED[old]}'", DeprecationWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(MOVED[old])


def install() -> None:
    """Makes old names importable."""
    sys.meta_path.append(_MovedModules())
