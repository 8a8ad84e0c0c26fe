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

from zoo.errors import (
    DamagedCheckpointError,
    DataNotFoundError,
    HubError,
    UnknownModelError,
    UnsupportedCheckpointError,
    ZooError,
)
from zoo.loading import ModelInfo, ZooModel, list_models, load, model_info, pull

__version__ = "0.1.0"

_LAZY = {
    "Evaluation": "zoo.evaluation",
    "card": "zoo.cards",
    "evaluate": "zoo.evaluation",
    "publish": "zoo.publishing",
    "train": "zoo.training",
    "verify": "zoo.evaluation",
}

_PARTS = ("analysis", "models", "tasks", "training")

__all__ = [
    "DamagedCheckpointError",
    "DataNotFoundError",
    "Evaluation",
    "HubError",
    "ModelInfo",
    "UnknownModelError",
    "UnsupportedCheckpointError",
    "ZooError",
    "ZooModel",
    "card",
    "evaluate",
    "list_models",
    "load",
    "model_info",
    "publish",
    "pull",
    "train",
    "verify",
]


def __getattr__(name: str):
    """Imports what needs simulators or training only when it is asked for."""
    if name in _PARTS:
        return importlib.import_module(f"zoo.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)
