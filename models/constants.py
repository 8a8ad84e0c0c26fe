"""Table 4 of Shen et al. (2023), and what the parts of a network are called."""

DT_MS = 5.0
TAU_MS = 20.0
V_TH = 0.5
V_REST = 0.0
R_OHM = 5e7

PROPERTIES = ("x_tau", "v_th", "v_rest", "r")
"""The four properties of a neuron in the order and the units in which they are trained."""
WEIGHTS = ("w_in", "w_out")
IN_WORDS = {"x_tau": "time constant", "v_th": "threshold", "v_rest": "resting potential", "r": "resistance"}
"""The four properties as a reader knows them."""
SURROGATES = ("arctan", "log-sign", "triangle")
"""How a spike may be differentiated."""
