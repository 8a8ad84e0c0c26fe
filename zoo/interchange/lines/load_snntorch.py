"""A network of the zoo in snnTorch 1.0.0, from a file by ``zoo export-nir NAME --for snntorch``.

A file holds one threshold for all neurons; those of neurons whose threshold is not above rest are set here. snnTorch
reads no leaky integrator, so that the file ends at the sums that feed it and the readout is integrated here.

``step = load("model.nir")``, then ``spikes, readout, state = step(observation, state)`` once every 5 ms, with an
observation [batch, inputs] and no state at first.
"""

import nir
import torch
from snntorch.import_nir import import_from_nir

K_READOUT = 0.005 / 0.020


def load(path):
    graph = nir.read(path)
    network = import_from_nir(graph)
    thresholds = graph.metadata.get("hidden_v_threshold")
    if thresholds is not None:
        network.hidden.threshold = torch.from_numpy(thresholds)
    network.hidden.reset_delay = True  # Resets as the next step begins: the only way that is right at any threshold.
    fired = {}
    network.hidden.register_forward_hook(lambda module, inputs, output: fired.update(spikes=output))

    def step(observation, state=None):
        if state is None:
            network.hidden.reset_mem()
            state = torch.zeros(len(observation), 1)
        current, _ = network(observation)
        readout = state + K_READOUT * (current - state)
        return fired["spikes"], readout, readout

    return step
