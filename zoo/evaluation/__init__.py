"""Using and measuring models: policies, episodes, images, bsuite; intervals over training seeds.

Names are imported when used, so that a command line starts without simulators.
"""

from zoo.core.lazy import public_names

__all__, __getattr__ = public_names(
    __name__,
    {
        "episodes": ("Evaluation", "agrees", "evaluate_parts"),
        "images": ("ImageEvaluation", "evaluate_images"),
        "measuring": ("Verification", "evaluate", "verify"),
        "policies": ("Policy", "policy"),
        "statistics": ("OverSeeds", "interval_95"),
    },
)
