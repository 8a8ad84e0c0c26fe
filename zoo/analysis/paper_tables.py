"""Table 2 of Shen et al. (2023) as printed, and what its gamma rows must mean.

A gamma distribution of shape k has the coefficient of variation ``1/sqrt(k)``. With the printed shapes
(1.46 to 3.18) that would be 0.56 to 0.83, while the log-normal rows of the same data say 0.26 to 0.33.
With the two gamma rows exchanged both families agree in every column: the paper's "shape" is the scale,
its "scale" the shape.
"""

from typing import NamedTuple

from zoo.analysis.fits import Family


class PaperColumn(NamedTuple):
    """One column of Table 2, with the labels as printed.

    Attributes:
        gamma_shape, gamma_scale: no unit, ms.
        lognormal_shape, lognormal_scale: no unit, ms.
    """

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


TABLE_2 = {
    "hc": PaperColumn(1.46, 14.6, 0.26, 20.6),
    "ant": PaperColumn(1.85, 11.7, 0.28, 20.7),
    "hp": PaperColumn(2.20, 10.0, 0.30, 20.9),
    "wal": PaperColumn(1.85, 11.8, 0.28, 20.8),
    "mouse": PaperColumn(1.64, 13.4, 0.27, 21.1),
    "human": PaperColumn(3.18, 9.11, 0.33, 27.3),
}
"""Columns by task of a model name, or by key of `zoo.analysis.biology.BIOLOGY`."""
