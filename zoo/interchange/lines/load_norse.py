"""A network of the zoo in norse 1.1.0, from a file by ``zoo export-nir NAME --for norse``.

norse leaves NIR's leaky integrators out without a word, so that the file ends at the sums that feed them and the
readout is norse's own integrator. Its default step is 1 ms.

``step = load("model.nir")``, then ``spikes, readout, state = step(observation, state)`` once every 5 ms, with an
observation [batch, inputs] and no state at first.
"""

import nir
import norse.torch
import torch

DT, TAU_READOUT = 0.005, 0.020


def load(path):
    network = norse.torch.from_nir(nir.read(path), dt=DT)
    constants = norse.torch.LIBoxParameters(tau_mem_inv=torch.tensor(1 / TAU_READOUT))
    integrator = norse.torch.LIBoxCell(constants, dt=DT)
    fired = {}
    network.hidden.register_forward_hook(lambda module, inputs, output: fired.update(spikes=output[0]))

    def step(observation, state=None):
        of_network, of_readout = state or (None, None)
        current, of_network = network(observation, of_network)
        readout, of_readout = integrator(current, of_readout)
        return fired["spikes"], readout, (of_network, of_readout)

    return step
