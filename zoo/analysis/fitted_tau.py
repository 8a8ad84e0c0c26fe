"""Table 2 and Fig. 5: fitted time constants of trained networks, their null control and real neurons."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.analysis.biology import BIOLOGY, load_biology
from zoo.analysis.fits import FAMILIES, Fit, fit
from zoo.analysis.null import NullControl, null_control, null_neurons, tau_ms_of, why_no_null
from zoo.analysis.paper_tables import TABLE_2
from zoo.core.progress import track
from zoo.registry.names import ModelName, parse
from zoo.registry.paper import TABLE_1_BUDGET
from zoo.store.zoo_model import ZooModel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One sample of time constants and its fits.

    Attributes:
        name: of the model or population.
        origin: ``trained``, ``null`` or ``biology``.
        title: for captions.
        tau_ms: [n] or [K, hidden], in ms.
        fits: by family.
        paper: key into the paper's Table 2, or None.
    """

    name: str
    origin: str
    title: str
    tau_ms: np.ndarray
    fits: Mapping[Any, Fit]
    paper: str | None = None

    def rows(self) -> Iterator[dict]:
        """Lines of the table, one for each family."""
        for family, result in self.fits.items():
            shape, scale = TABLE_2[self.paper].parameters(family) if self.paper else (None, None)
            yield {
                "name": self.name,
                "origin": self.origin,
                "family": family,
                "seeds": len(self.tau_ms) if self.tau_ms.ndim == 2 else None,
                "n": result.n,
                "shape": result.shape,
                "shape_low": result.shape_interval[0],
                "shape_high": result.shape_interval[1],
                "scale_ms": result.scale,
                "scale_low_ms": result.scale_interval[0],
                "scale_high_ms": result.scale_interval[1],
                "ks": result.ks,
                "ks_p": result.ks_p,
                "aic": result.aic,
                "paper_shape": shape,
                "paper_scale_ms": scale,
            }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeConstants:
    """Everything that `zoo analyse tau` says.

    Attributes:
        series: trained networks and their null controls, model by model, then biology.
        nulls: the controls, of models with several seeds that a search trained.
    """

    series: tuple[Series, ...]
    nulls: tuple[NullControl, ...]

    def rows(self) -> list[dict]:
        """Our Table 2, the paper's beside it (with its two gamma rows exchanged, see `paper_tables`)."""
        return [row for one in self.series for row in one.rows()]


def null_row(null: NullControl) -> dict:
    """One line of the null controls' table."""
    return {
        "name": null.name,
        "seeds": null.spread.n,
        "generations": null.generations,
        "trained_spread": null.spread.first,
        "null_spread": null.spread.second,
        "difference": null.spread.difference,
        "difference_low": null.spread.interval[0],
        "difference_high": null.spread.interval[1],
        "wilcoxon_p": null.spread.p,
        "trained_median_ms": null.median_ms.first,
        "null_median_ms": null.median_ms.second,
        "median_wilcoxon_p": null.median_ms.p,
        "null_share_of_spread": null.explained,
        "trained_negative_resistance": null.trained_unphysical[0],
        "null_negative_resistance": null.null_unphysical[0],
        "trained_threshold_at_rest": null.trained_unphysical[1],
        "null_threshold_at_rest": null.null_unphysical[1],
    }


def _series(name, origin, title, tau_ms, paper=None) -> Series:
    fits = {family: fit(tau_ms, family) for family in FAMILIES}
    return Series(name=name, origin=origin, title=title, tau_ms=tau_ms, fits=fits, paper=paper)


def paper_column(model: ZooModel) -> str | None:
    """Key of the column of Table 2 that is about such a model, or None.

    The table is about the networks of Table 1 that train all four properties by evolution.
    """
    name = parse(model.name)
    papers = ModelName(kind="het", task=name.task, budget=TABLE_1_BUDGET)
    return name.task if name == papers and name.task in TABLE_2 and not model.config.get("imported") else None


def biology_series() -> tuple[Series, ...]:
    """The biological columns, fitted to the real data.

    Raises:
        DataNotFoundError: if the specimen table is not to be had.
    """
    samples = load_biology()
    return tuple(_series(key, "biology", BIOLOGY[key].title, values, key) for key, values in samples.items())


def time_constants(
    models: Sequence[ZooModel], *, biology: bool = True, nulls: bool = True, quiet: bool = False
) -> TimeConstants:
    """Fits the time constants of models, each with its null control where it can have one, and of real neurons.

    Args:
        models: that train time constants.
        biology: whether to fit the Allen data, too.
        nulls: whether to search on noise; without it, there are the trained networks alone.
        quiet: no progress bars.

    Raises:
        ValueError: if a model does not train time constants.
        DataNotFoundError: if `biology` is asked for and not to be had.
    """
    trained = [tau_ms_of(model) for model in models]
    real = biology_series() if biology else ()  # First: the data may not be there, and searches take minutes.
    series, controls = [], []
    for model, tau_ms in zip(track(models, "fits, model", quiet=quiet), trained, strict=True):
        series.append(_series(model.name, "trained", model.name, tau_ms, paper_column(model)))
        if not nulls or why_no_null(model):
            continue
        if len(model.seeds) > 1:
            controls.append(null_control(model, quiet=quiet))
            null_tau_ms = controls[-1].null_tau_ms
        else:  # No pairs to compare; yet what the search makes of noise can be seen.
            null_tau_ms = null_neurons(model, quiet=quiet)["tau_ms"]
        series.append(_series(model.name, "null", f"{model.name}, null control", null_tau_ms))
    return TimeConstants(series=(*series, *real), nulls=tuple(controls))
