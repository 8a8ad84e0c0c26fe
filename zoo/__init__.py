"""Pretrained spiking networks with heterogeneous neurons.

>>> import zoo
>>> model = zoo.load("hetsnn-mem25-1024")
>>> zoo.evaluate(model).mean
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

# In a clone these lie beside this folder, which Python takes for the whole package where it runs in the clone.
if not (Path(__file__).parent / "models").is_dir():
    __path__.append(str(Path(__file__).parent.parent))

from zoo import moved
from zoo.core.errors import (
    DamagedCheckpointError,
    DataNotFoundError,
    HubError,
    MissingPackageError,
    UnknownModelError,
    UnsupportedCheckpointError,
    ZooError,
)
from zoo.core.lazy import public_names

if TYPE_CHECKING:
    from zoo.evaluation import Evaluation, Policy, evaluate, policy, verify
    from zoo.registry.families import Family
    from zoo.registry.methods import Method, register
    from zoo.report.cards import card
    from zoo.report.publishing import publish
    from zoo.store.loading import ModelInfo, list_models, load, model_info, pull
    from zoo.store.zoo_model import ZooModel
    from zoo.training import train

moved.install()

# Imported when used: `zoo --help` starts without JAX, and who loads a model without simulators and training.
_, _find = public_names(
    __name__,
    {
        "evaluation": ("Evaluation", "Policy", "evaluate", "policy", "verify"),
        "registry.families": ("Family",),
        "registry.methods": ("Method", "register"),
        "report.cards": ("card",),
        "report.publishing": ("publish",),
        "store.zoo_model": ("ZooModel",),
        "store.loading": ("ModelInfo", "list_models", "load", "model_info", "pull"),
        "training": ("train",),
    },
)
_PARTS = ("analysis", "evaluation", "models", "tasks", "training")

__all__ = [
    "DamagedCheckpointError",
    "DataNotFoundError",
    "Evaluation",
    "Family",
    "HubError",
    "Method",
    "MissingPackageError",
    "ModelInfo",
    "Policy",
    "UnknownModelError",
    "UnsupportedCheckpointError",
    "ZooError",
    "ZooModel",
    "card",
    "evaluate",
    "list_models",
    "load",
    "model_info",
    "policy",
    "publish",
    "pull",
    "register",
    "train",
    "verify",
]


def __getattr__(name: str):
    if name == "__version__":
        from zoo.core.version import version

        return version()
    return importlib.import_module(f"zoo.{name}") if name in _PARTS else _find(name)
