"""What trained neurons look like, and what that proves: fits, controls, ablations, interventions, figures.

Names are imported when used, so that the command line starts without SciPy's statistics or matplotlib.
"""

import importlib

_HOME = {
    "BIOLOGY": "biology",
    "Contributions": "shapley",
    "Fit": "fits",
    "Interventions": "interventions",
    "NullControl": "null",
    "PairedTest": "null",
    "Recording": "firing",
    "Robustness": "robustness",
    "TimeConstants": "time_constants",
    "contributions": "shapley",
    "fi_curves": "firing",
    "fit": "fits",
    "from_nir": "interchange",
    "intervene": "interventions",
    "load_biology": "biology",
    "null_control": "null",
    "record": "firing",
    "robustness": "robustness",
    "shapley_values": "shapley",
    "time_constants": "time_constants",
    "to_nir": "interchange",
    "train_subsets": "subsets",
    "write_report": "report",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    """The public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module 'zoo.analysis' has no attribute '{name}'")
    return getattr(importlib.import_module(f"zoo.analysis.{_HOME[name]}"), name)
