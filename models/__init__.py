"""Neuron equations and Flax NNX modules. Knows nothing of tasks, training or files."""

from zoo.models.neuron import (
    DT_MS,
    PROPERTIES,
    TABLE_4,
    Neuron,
    lif_step,
    physical,
    tau_ms_from_x,
    x_tau_from_ms,
)
from zoo.models.spiking_mlp import (
    WEIGHTS,
    Frozen,
    Network,
    NetworkConfig,
    NetworkOutput,
    NetworkState,
    SpikingMLP,
    Trained,
    build,
    build_population,
    initial_state,
    network_step,
    population_step,
)
from zoo.models.surrogate import SURROGATES, Surrogate
from zoo.models.unroll import lif_scan, segment_length, unroll

__all__ = [
    "DT_MS",
    "PROPERTIES",
    "SURROGATES",
    "TABLE_4",
    "WEIGHTS",
    "Frozen",
    "Network",
    "NetworkConfig",
    "NetworkOutput",
    "NetworkState",
    "Neuron",
    "SpikingMLP",
    "Surrogate",
    "Trained",
    "build",
    "build_population",
    "initial_state",
    "lif_scan",
    "lif_step",
    "network_step",
    "physical",
    "population_step",
    "segment_length",
    "tau_ms_from_x",
    "unroll",
    "x_tau_from_ms",
]
