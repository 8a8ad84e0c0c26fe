"""A network of the zoo in spikingjelly 2.0.0, from a file by ``zoo export-nir NAME --for spikingjelly``.

It takes one value of everything for all neurons of a node, so that heterogeneous neurons are a node each. It reads no
leaky integrator: the file ends at the sums that feed it and the readout is integrated here. Its own step is 0.1 ms.

``step = load("model.nir")``, then ``spikes, readout, state = step(observation, state)`` once every 5 ms, with an
observation [batch, inputs] and no state at first.
"""

import torch
from spikingjelly.activation_based.nir_exchange import import_from_nir

DT, K_READOUT = 0.005, 0.005 / 0.020


def load(path):
    network = import_from_nir(path, dt=DT)
    hidden = {name: module for name, module in network.named_children() if name.startswith("hidden")}
    names = sorted(hidden, key=lambda name: int(name.partition("_")[2] or 0))
    fired = {}
    for name in names:
        hidden[name].register_forward_hook(lambda module, i, output, name=name: fired.update({name: output[0]}))

    def step(observation, state=None):
        of_network, readout = state or (None, torch.zeros(len(observation), 1))
        current, of_network = network(observation, of_network)
        readout = readout + K_READOUT * (current - readout)
        return torch.cat([fired[name] for name in names], dim=-1), readout, (of_network, readout)

    return step
