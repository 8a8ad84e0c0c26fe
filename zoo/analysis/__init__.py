"""What trained neurons look like, and what that proves: fits, controls, ablations, interventions.

Names are imported when used, so that the command line starts without SciPy's statistics.
"""

from zoo.core.lazy import public_names

__all__, __getattr__ = public_names(
    __name__,
    {
        "biology": ("BIOLOGY", "load_biology"),
        "firing": ("Recording", "fi_curves", "record"),
        "fits": ("Fit", "fit"),
        "interventions": ("Interventions", "intervene"),
        "null": ("NullControl", "PairedTest", "null_control"),
        "disturbances": ("Robustness", "robustness"),
        "shapley": ("Contributions", "contributions", "shapley_values"),
        "subsets": ("train_subsets",),
        "fitted_tau": ("TimeConstants", "time_constants"),
        ".report.model_page": ("write_report",),
    },
)
