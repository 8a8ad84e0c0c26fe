"""Fig. 6: how often the neurons of image networks fire while they are trained, neurons against weights."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.core.csv_files import read_table, write_table
from zoo.core.errors import ZooError
from zoo.drawing.style import BLUE, VERMILION, save
from zoo.store.loading import load
from zoo.training.methods.activity import ALL_NEURONS

_KINDS = {"het": ("trained neurons", BLUE, "o"), "hom": ("trained weights", VERMILION, "s")}
_TRAINING, _TEST = "training minibatch", "test images"


@dataclasses.dataclass(frozen=True, slots=True)
class Firing:
    """What the files of a published image model say of its firing.

    Attributes:
        name: of the model.
        curve: rows of training.csv.
        activity: rows of activity.csv.
    """

    name: str
    curve: list[dict[str, str]]
    activity: list[dict[str, str]]

    @classmethod
    def read(cls, name: str) -> "Firing":
        """Of a published model.

        Raises:
            UnknownModelError: if there is no such model.
            ZooError: if its training recorded no activity.
        """
        path = load(name).path
        if not (path / "activity.csv").is_file():
            raise ZooError(f"{path} has no activity.csv, which trainings record; run: zoo train {name} --fresh")
        return cls(name, *(read_table(path / file) for file in ("training.csv", "activity.csv")))

    @property
    def seed(self) -> str:
        """The training seed whose neurons are shown one by one: the first."""
        return min((row["seed"] for row in self.activity), key=int)

    def shown(self) -> list[dict[str, str]]:
        """Rows of the neurons that are shown."""
        return [row for row in self.activity if row["seed"] == self.seed and int(row["neuron"]) != ALL_NEURONS]

    def heat(self) -> dict[int, Float[np.ndarray, "classes neurons"]]:
        """Spikes per neuron and step by generation; neurons in the order of their last mean rate, highest first."""
        found: dict[int, dict[tuple[int, int], float]] = {}
        for row in self.shown():
            found.setdefault(int(row["generation"]), {})[int(row["class"]), int(row["neuron"])] = float(row["rate"])
        last = found[max(found)]
        classes, neurons = (sorted({key[i] for key in last}) for i in (0, 1))
        arrays = {
            g: np.array([[rates[c, n] for n in neurons] for c in classes]) for g, rates in sorted(found.items())
        }
        order = np.argsort(-arrays[max(found)].mean(0), kind="stable")
        return {generation: array[:, order] for generation, array in arrays.items()}

    def means(self) -> list[dict]:
        """Mean rate of all hidden neurons by generation, over seeds: on minibatches, and on test images."""
        tested = (row for row in self.activity if int(row["neuron"]) == ALL_NEURONS)
        return [
            *self._by_generation(_TRAINING, ((row, row["spike_rate"]) for row in self.curve)),
            *self._by_generation(_TEST, ((row, row["rate"]) for row in tested)),
        ]

    def _by_generation(self, images: str, values: Iterable[tuple[dict, str]]) -> list[dict]:
        """Mean and range over seeds, of each seed's mean."""
        found: dict[int, dict[str, list[float]]] = {}
        for row, value in values:
            found.setdefault(int(row["generation"]), {}).setdefault(row["seed"], []).append(float(value))
        rows = []
        for generation, seeds in sorted(found.items()):
            means = np.array([np.mean(own) for own in seeds.values()])
            numbers = {"mean": means.mean(), "low": means.min(), "high": means.max()}
            rows.append(
                {"model": self.name, "images": images, "generation": generation, "seeds": len(means)} | numbers
            )
        return rows


def image_firing(out: Path, *, task: str = "mnist", budget: int = 4096) -> list[Path]:
    """Fig. 6: rates of some neurons by class at milestones, and of all against the generation.

    Args:
        out: folder of the SVG and CSV files.
        task: ``mnist`` or ``fmnist``.
        budget: of the two models, in trained parameters.

    Returns:
        The files written.

    Raises:
        UnknownModelError: if one of the models is not published.
        ZooError: if the training of one recorded no activity.
    """
    models = {kind: Firing.read(f"{kind}snn-{task}-{budget}") for kind in _KINDS}
    heats = {kind: model.heat() for kind, model in models.items()}
    means = {kind: model.means() for kind, model in models.items()}
    highest = max(array.max() for heat in heats.values() for array in heat.values()) or 1.0
    columns = max(map(len, heats.values()))

    def paint(figure: Figure) -> None:
        grid = figure.add_gridspec(len(_KINDS) + 1, columns, height_ratios=[1, 1, 1.3])
        panels = []
        for i, (kind, heat) in enumerate(heats.items()):
            for j, (generation, rates) in enumerate(heat.items()):
                panels.append(figure.add_subplot(grid[i, j]))
                image = _heat_map(panels[-1], generation, rates, highest)
                if j == 0:
                    panels[-1].set_ylabel(f"{_KINDS[kind][0]}\nclass")
        figure.colorbar(image, ax=panels, label="spikes per neuron and step", aspect=30, pad=0.015)
        axes = figure.add_subplot(grid[-1, :])
        for kind, rows in means.items():
            _mean_rate(axes, rows, kind)
        axes.set(xlabel="generation", ylabel="spikes per neuron and step", title="all hidden neurons")
        axes.set_ylim(bottom=0)
        title = "lines: training minibatches; points: test images; bands: range of seeds"
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, title=title)

    stem = out / f"image_firing-{task}-{budget}"
    shown = [{"model": model.name} | row for model in models.values() for row in model.shown()]
    return [
        *save(paint, (10.0, 6.6), stem.with_suffix(".svg")),
        write_table(stem.with_suffix(".csv"), shown),
        write_table(stem.with_name(f"{stem.name}-means.csv"), [row for rows in means.values() for row in rows]),
    ]


def _heat_map(axes: Axes, generation: int, rates: Float[np.ndarray, "classes neurons"], highest: float):
    """Classes upwards, neurons to the right; the colour goes from 0 to `highest`."""
    image = axes.imshow(rates, "viridis", aspect="auto", interpolation="none", vmin=0, vmax=highest, origin="lower")
    axes.set_title(f"generation {generation:,}")
    axes.set_xlabel(f"{rates.shape[1]} neurons, by last rate", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks(range(0, rates.shape[0], 3))
    return image


def _mean_rate(axes: Axes, rows: list[dict], kind: str) -> None:
    label, colour, marker = _KINDS[kind]
    lines, points = ([row for row in rows if row["images"] == images] for images in (_TRAINING, _TEST))
    generation, mean, low, high = (
        np.array([row[key] for row in lines]) for key in ("generation", "mean", "low", "high")
    )
    axes.plot(generation, mean, color=colour, linewidth=1.5, marker=marker, markersize=5, markevery=[], label=label)
    axes.fill_between(generation, low, high, color=colour, alpha=0.18, linewidth=0)
    generation, mean = (np.array([row[key] for row in points]) for key in ("generation", "mean"))
    axes.plot(generation, mean, marker, color=colour, markersize=5, clip_on=False)
