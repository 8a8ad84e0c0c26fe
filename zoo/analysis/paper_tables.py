"""Table 2 of Shen et al. (2023) as printed, and what its gamma rows must mean.

A gamma distribution of shape k has the coefficient of variation ``1/sqrt(k)``. With the printed shapes
(1.46 to 3.18) that would be 0.56 to 0.83, while the log-normal rows of the same data say 0.26 to 0.33.
With the two gamma rows exchanged both families agree in every column: the paper's "shape" is the scale,
its "scale" the shape.
"""

import dataclasses

from zoo.analysis.fits import Family


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """One column of Table 2, with the labels as printed.

    Attributes:
        name: of the data.
        gamma_shape, gamma_scale: no unit, ms.
        lognormal_shape, lognormal_scale: no unit, ms.
    """

    name: str
    gamma_shape: float
    gamma_scale: float
    lognormal_shape: float
    lognormal_scale: float

    def parameters(self, family: Family, *, corrected: bool = True) -> tuple[float, float]:
        """Shape and scale of a family; `corrected` exchanges the gamma rows."""
        if family == "lognormal":
            return self.lognormal_shape, self.lognormal_scale
        printed = (self.gamma_shape, self.gamma_scale)
        return printed[::-1] if corrected else printed


def _column(name, gamma_shape, gamma_scale, lognormal_shape, lognormal_scale):
    return PaperColumn(
        name=name,
        gamma_shape=gamma_shape,
        gamma_scale=gamma_scale,
        lognormal_shape=lognormal_shape,
        lognormal_scale=lognormal_scale,
    )


TABLE_2 = {
    "hc": _column("hc", 1.46, 14.6, 0.26, 20.6),
    "ant": _column("ant", 1.85, 11.7, 0.28, 20.7),
    "hp": _column("hp", 2.20, 10.0, 0.30, 20.9),
    "wal": _column("wal", 1.85, 11.8, 0.28, 20.8),
    "mouse": _column("mouse", 1.64, 13.4, 0.27, 21.1),
    "human": _column("human", 3.18, 9.11, 0.33, 27.3),
}
"""Columns by task of a model name, or by key of `zoo.analysis.biology.BIOLOGY`."""
