"""Pretrained spiking networks with heterogeneous neurons.

>>> import zoo
>>> model = zoo.load("hetsnn-mem25-1024")
>>> zoo.evaluate(model).mean
"""

import importlib
from pathlib import Path

# In a clone these lie beside this folder, which Python takes for the whole package where it runs in the clone.
if not (Path(__file__).parent / "models").is_dir():
    __path__.append(str(Path(__file__).parent.parent))

from zoo import moved
from zoo.core.errors import (
    DamagedCheckpointError,
    DataNotFoundError,
    HubError,
    UnknownModelError,
    UnsupportedCheckpointError,
    ZooError,
)
from zoo.core.lazy import public_names
from zoo.core.version import version
from zoo.registry.families import Family
from zoo.registry.methods import Method, register
from zoo.store.loading import ModelInfo, ZooModel, list_models, load, model_info, pull

moved.install()

_lazy, _find = public_names(
    __name__,
    {
        "evaluation": ("Evaluation", "Policy", "evaluate", "policy", "verify"),
        "report.cards": ("card",),
        "report.publishing": ("publish",),
        "training": ("train",),
    },
)
_PARTS = ("analysis", "evaluation", "models", "tasks", "training")

__all__ = [
    "DamagedCheckpointError",
    "DataNotFoundError",
    "Family",
    "HubError",
    "Method",
    "ModelInfo",
    "UnknownModelError",
    "UnsupportedCheckpointError",
    "ZooError",
    "ZooModel",
    "list_models",
    "load",
    "model_info",
    "pull",
    "register",
    *_lazy,
]


def __getattr__(name: str):
    """Imports what needs simulators or training only when it is asked for."""
    if name == "__version__":
        return version()
    return importlib.import_module(f"zoo.{name}") if name in _PARTS else _find(name)
