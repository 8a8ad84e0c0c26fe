"""What Shen et al. (2023) report, for comparison beside our own numbers.

Figures without printed numbers (Fig. 2, 3, 7) are represented only where the text states a value.
"""

from collections.abc import Mapping
from types import MappingProxyType

from zoo.models import PROPERTIES
from zoo.registry.families import DEFAULT_TRAINER, Family, ModelName

PAPER_URL = "https://arxiv.org/abs/2305.11484"

TABLE_1_BUDGET, PAPER_GENERATIONS, PAPER_SEEDS = 16384, 1000, 5
CARTPOLE_BUDGET, CARTPOLE_EPISODES = 1024, 3840
CARTPOLE_LIMITS = (100, 200, 500, 1000)
_ORDER = ("hc", "ant", "hp", "wal")
TABLE_1 = {
    properties: dict(zip(_ORDER, rewards, strict=True))
    for properties, rewards in {
        ("x_tau",): ("3967 ± 171", "1180 ± 200", "1796 ± 9", "2580 ± 351"),
        ("v_th",): ("101 ± 24", "431 ± 18", "399 ± 12", "750 ± 254"),
        ("v_rest",): ("3544 ± 236", "680 ± 19", "1502 ± 9", "2286 ± 549"),
        ("r",): ("3264 ± 528", "732 ± 60", "1654 ± 29", "2143 ± 551"),
        ("x_tau", "v_th"): ("3110 ± 749", "1046 ± 11", "1982 ± 154", "2866 ± 402"),
        ("x_tau", "v_rest"): ("3887 ± 637", "1160 ± 215", "2016 ± 94", "2184 ± 669"),
        ("x_tau", "r"): ("3460 ± 331", "953 ± 50", "2031 ± 13", "3140 ± 216"),
        ("v_th", "v_rest"): ("3335 ± 248", "765 ± 172", "448 ± 89", "2880 ± 174"),
        ("v_th", "r"): ("2679 ± 406", "838 ± 14", "1771 ± 12", "2674 ± 99"),
        ("v_rest", "r"): ("3587 ± 193", "457 ± 413", "1902 ± 9", "2286 ± 549"),
        ("x_tau", "v_th", "v_rest"): ("3924 ± 342", "967 ± 57", "1914 ± 21", "2431 ± 19"),
        ("x_tau", "v_th", "r"): ("3724 ± 472", "1119 ± 85", "1828 ± 15", "2880 ± 174"),
        ("x_tau", "v_rest", "r"): ("3982 ± 319", "1276 ± 18", "1943 ± 34", "2779 ± 73"),
        ("v_th", "v_rest", "r"): ("3214 ± 204", "978 ± 21", "1790 ± 26", "2529 ± 38"),
        PROPERTIES: ("4221 ± 413", "1221 ± 35", "2142 ± 27", "2699 ± 404"),
    }.items()
}
"""Table 1: the population's reward by trained properties, mean ± standard deviation over 5 seeds.

Read from the paper's text form, in which the check marks have lost their columns: the rows are taken to
be in the usual order of combinations, as their numbers of marks say (one row has one too many).
"""
TABLE_3 = {
    ("het", "mnist"): {4096: 80.96, 8192: 85.64, 16384: 88.89, 32768: 90.84},
    ("hom", "mnist"): {4096: 78.66, 8192: 88.69, 16384: 90.59, 32768: 91.29},
    ("het", "fmnist"): {4096: 76.35, 8192: 77.64, 16384: 79.31, 32768: 80.90},
    ("hom", "fmnist"): {4096: 48.33, 8192: 58.15, 16384: 80.41, 32768: 81.22},
}
"""Table 3: test accuracy in %, by trained parameters."""


class PaperFamily(Family):
    """A family that the paper reports on.

    Attributes:
        figure: where the paper has its curves, or None.
        search_settings, gradient_settings: numbers of recipes that the paper names (sections 4.6 and 6.2).
        gradient_episodes: that a training by gradients has in the paper, or None.
    """

    figure: str | None = None
    search_settings: Mapping[str, float] = MappingProxyType({})
    gradient_settings: Mapping[str, float] = MappingProxyType({})
    gradient_episodes: int | None = None

    def in_figure(self, model: ModelName) -> bool:
        """Whether the figure has a curve of it."""
        one_or_other = model.kind != "full" and model.properties == PROPERTIES
        return self.figure is not None and one_or_other and model.trainer == DEFAULT_TRAINER

    def paper_text(self, model: ModelName) -> str:
        """What a card says that the paper has: a number, or where a curve is."""
        curve = f"only as a curve ({self.figure})" if self.in_figure(model) else "not reported"
        return self.paper_reward(model) or curve

    def paper_settings(self, model: ModelName) -> dict[str, float]:
        """Numbers of a recipe that the paper names for a model."""
        if model.trainer == DEFAULT_TRAINER:
            return {**_SEARCH, **self.search_settings}
        return dict(self.gradient_settings)


_SEARCH = {"population": 256, "generations": PAPER_GENERATIONS, "centre_lr": 0.15, "sigma": 0.1, "sigma_lr": 0.1}


def _by_limit(*rows: tuple[float, ...]) -> dict[int, tuple[float, ...]]:
    return dict(zip(CARTPOLE_LIMITS, rows, strict=True))


TABLE_5 = {
    "WeightBP": _by_limit(
        (55.7, 84.3, 81.2, 90.2, 39.9),
        (64.7, 124.6, 127.3, 146.1, 94.6),
        (52.3, 161.5, 183.7, 201.1, 34.6),
        (52.9, 114.8, 190.7, 228.3, 40.6),
    ),
    "NeuronBP": _by_limit(
        (46.9, 55.4, 55.3, 62.2, 50.4),
        (55.42, 63.9, 62.3, 63.1, 57.6),
        (60.0, 73.4, 63.5, 74.4, 61.0),
        (50.4, 73.9, 76.4, 80.5, 62.9),
    ),
}
"""Table 5: return by the episodes' limit, at learning rates 1e-3, 1e-2, 3e-2, 0.1 and 0.3."""

TABLE_6 = {
    ("WeightBP", "arctan"): _by_limit(
        (87.1, 87.3, 81.2, 85.7),
        (120.4, 157.6, 127.3, 146.7),
        (201.3, 232.6, 183.7, 177.7),
        (197.6, 259.1, 190.7, 201.4),
    ),
    ("WeightBP", "log-sign"): _by_limit(
        (79.8, 84.7, 85.7, 81.3),
        (117.5, 124.6, 119.3, 102.6),
        (166.7, 159.3, 172.8, 161.3),
        (285.2, 217.5, 228.7, 217.6),
    ),
    ("NeuronBP", "arctan"): _by_limit(
        (54.2, 57.8, 55.3, 64.5),
        (56.4, 70.8, 62.3, 70.1),
        (65.9, 65.2, 63.5, 63.2),
        (70.8, 68.2, 76.4, 69.1),
    ),
    ("NeuronBP", "log-sign"): _by_limit(
        (41.3, 46.8, 57.8, 65.3),
        (45.0, 44.2, 73.0, 82.8),
        (51.3, 55.3, 74.4, 81.2),
        (51.2, 48.3, 75.8, 74.3),
    ),
}
"""Table 6: return by the episodes' limit, at alpha 0.5, 1, 2 and 4, for each surrogate function."""
