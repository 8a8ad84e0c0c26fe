"""A network of the zoo by nirtorch 2.6 and PyTorch: a map from NIR's nodes to modules, for the lossless file.

``step = load("model.nir")``, then ``spikes, readout, state = step(observation, state)`` once every 5 ms, with an
observation [batch, inputs] and no state at first.
"""

import nir
import nirtorch
import torch

DT = 0.005  # The graph knows no time step; ours is 5 ms.


class Leaky(torch.nn.Module):
    """NIR's LIF, and its LI, which has no threshold: Euler's method, fires at the threshold, resets to v_reset."""

    def __init__(self, node):
        super().__init__()
        self.k = torch.from_numpy(DT / node.tau).float()
        self.r, self.v_leak = torch.from_numpy(node.r).float(), torch.from_numpy(node.v_leak).float()
        self.fires = isinstance(node, nir.LIF)
        if self.fires:
            self.v_threshold = torch.from_numpy(node.v_threshold).float()
            self.v_reset = torch.from_numpy(node.v_reset).float()

    def forward(self, current, state=None):
        v = self.v_leak if state is None else state
        v = v + self.k * (self.r * current - v + self.v_leak)
        if not self.fires:
            return v, v
        spikes = v >= self.v_threshold
        return spikes.float(), torch.where(spikes, self.v_reset, v)


def affine(node):
    """The normaliser, where the graph has one; nirtorch's own map loses the bias."""
    module = torch.nn.Linear(*node.weight.shape[::-1])
    module.weight.data, module.bias.data = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
    return module


def load(path):
    network = nirtorch.nir_to_torch(nir.read(path), {nir.LIF: Leaky, nir.LI: Leaky, nir.Affine: affine})
    fired = {}
    network.hidden.register_forward_hook(lambda module, inputs, output: fired.update(spikes=output[0]))

    def step(observation, state=None):
        readout, state = network(observation, state)
        return fired["spikes"], readout, state

    return step
