"""A network of the zoo in sinabs 3.1.3, from a file by ``zoo export-nir NAME --for sinabs``.

sinabs subtracts the threshold and fires several times a step unless it is told otherwise.

``step = load("model.nir")``, then ``spikes, readout, state = step(observation, state)`` once every 5 ms, with an
observation [batch, inputs] and no state at first; the state itself is kept in sinabs' layers.
"""

import nir
import sinabs
import sinabs.activation
import sinabs.nir


def load(path):
    network = sinabs.nir.from_nir(nir.read(path), num_timesteps=1)
    network.hidden.spike_fn = sinabs.activation.SingleSpike
    network.hidden.reset_fn = sinabs.activation.MembraneReset()
    fired = {}
    network.hidden.register_forward_hook(lambda module, inputs, output: fired.update(spikes=output))

    def step(observation, state=None):
        if state is None:
            sinabs.reset_states(network)
        readout, state = network(observation)
        return fired["spikes"], readout, state

    return step
