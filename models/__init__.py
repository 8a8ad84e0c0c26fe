"""Neuron equations and Flax NNX modules. Knows nothing of tasks, training or files."""

from typing import TYPE_CHECKING

from zoo.core.lazy import names_of

if TYPE_CHECKING:
    from zoo.models.config import NetworkConfig, split_hidden
    from zoo.models.constants import DT_MS, PROPERTIES, SURROGATES, TAU_MS, V_TH, WEIGHTS
    from zoo.models.module import Frozen, SpikingMLP, Trained
    from zoo.models.neuron import Neuron, lif_step
    from zoo.models.properties import TABLE_4, physical, tau_ms_from_x, unphysical, x_tau_from_ms
    from zoo.models.spiking_mlp import (
        Network,
        NetworkOutput,
        NetworkState,
        Packed,
        build,
        build_population,
        initial_state,
        network_step,
        pack,
        packed_state,
        population_step,
    )
    from zoo.models.surrogate import Surrogate
    from zoo.models.unrolled import lif_scan, segment_length, unroll

__all__ = [
    "DT_MS",
    "PROPERTIES",
    "SURROGATES",
    "TABLE_4",
    "TAU_MS",
    "V_TH",
    "WEIGHTS",
    "Frozen",
    "Network",
    "NetworkConfig",
    "NetworkOutput",
    "NetworkState",
    "Neuron",
    "Packed",
    "SpikingMLP",
    "Surrogate",
    "Trained",
    "build",
    "build_population",
    "initial_state",
    "lif_scan",
    "lif_step",
    "network_step",
    "pack",
    "packed_state",
    "physical",
    "population_step",
    "segment_length",
    "split_hidden",
    "tau_ms_from_x",
    "unphysical",
    "unroll",
    "x_tau_from_ms",
]

# Flax, which takes a third of a second to import, comes last; the plain ones do not even need JAX.
_PLAIN = ("constants", "fixed_weights", "properties", "config")
_MODULES = (*_PLAIN, "surrogate", "neuron", "unrolled", "spiking_mlp", "module")
__getattr__ = names_of(__name__, __all__, _MODULES)
