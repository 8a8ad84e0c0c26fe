"""One step of backpropagation through time (forward, backward, Adam) against other libraries, on the CPU.

    pip install -e '.[bptt]' && python benchmarks/bptt.py

All train the weights of the same network on the same numbers: 64 inputs, hidden leaky integrate-and-fire
neurons (tau = 20 ms at dt = 5 ms, threshold 0.5, reset to zero in the gradient, arctan surrogate), 10
readouts averaged over 100 steps, batch 64, cross-entropy. snnTorch's loop and SpikingJelly's multi-step mode
get the input layer of all steps as one product, as here; spyx scans over whole steps, which is its way.
The zoo's readout is a leaky membrane, the others' a plain mean, which is less work. Libraries take turns, so
that a slow spell of the machine meets all alike; medians after compilation, of the time that passes and of
the cores' time, which other programs on the machine change less. The zoo splits a batch over the cores, as
its training does; the other libraries use them as they do by default. Beside them, what no library can do
without in its forward and backward pass: the five matrix products of all steps.

The second part measures the memory of the gradient through 1000 steps with and without rematerialisation.
"""

import argparse
import os
import statistics
import time

INPUTS, OUTPUTS, BATCH, STEPS = 64, 10, 64, 100
BETA, THRESHOLD = 0.75, 0.5
RATE = 1e-3
PRODUCTS = "matrix products alone"


def make_data():
    import numpy as np

    rng = np.random.default_rng(0)
    x = 2 * rng.standard_normal((STEPS, BATCH, INPUTS)).astype(np.float32)
    return x, rng.integers(0, OUTPUTS, BATCH)


def zoo_step(hidden, trained=("w_in", "w_out")):
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from jax.sharding import Mesh, PartitionSpec

    from zoo.models import NetworkConfig, Surrogate, build, initial_state, unroll

    config = NetworkConfig(inputs=INPUTS, hidden=hidden, outputs=OUTPUTS, trained=trained)
    parts = {name: jnp.asarray(value) for name, value in config.initial(0).items()}
    x, labels = map(jnp.asarray, make_data())
    adam = optax.adam(RATE)
    frozen = {name: value for name, value in parts.items() if name not in trained}

    def loss(values, x, labels):
        network = build(frozen | values)
        # In segments, which here is for the cache's sake: a segment's potentials fit in it.
        readouts, _ = unroll(network, initial_state(network, labels.shape), x, Surrogate("arctan", 2.0), "sqrt")
        return optax.softmax_cross_entropy_with_integer_labels(readouts.mean(0), labels).mean()

    def update(values, state, x, labels):
        gradient = jax.lax.pmean(jax.grad(loss)(values, x, labels), "episodes")
        change, state = adam.update(gradient, state)
        return optax.apply_updates(values, change), state

    same = PartitionSpec()
    specs = (same, same, PartitionSpec(None, "episodes"), PartitionSpec("episodes"))
    mesh = Mesh(np.array(jax.devices()), ("episodes",))
    update = jax.jit(jax.shard_map(update, mesh=mesh, in_specs=specs, out_specs=same, check_vma=False))
    kept = [{name: parts[name] for name in trained}]
    kept.append(adam.init(kept[0]))

    def step():
        kept[:] = jax.block_until_ready(update(*kept, x, labels))

    return step


def products_step(hidden):
    """The matrix products alone: currents and readouts, and their weights' gradients."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    x, spikes = torch.rand(STEPS * BATCH, INPUTS), torch.rand(STEPS * BATCH, hidden)
    w_in, w_out, errors = torch.rand(INPUTS, hidden), torch.rand(hidden, OUTPUTS), torch.rand(STEPS * BATCH, OUTPUTS)

    def step():
        _ = x @ w_in, spikes @ w_out, spikes.T @ errors, errors @ w_out.T, x.T @ spikes

    return step


def spyx_step(hidden):
    import jax
    import jax.numpy as jnp
    import optax
    import spyx.axn
    import spyx.nn
    from flax import nnx

    rngs = nnx.Rngs(0)
    model = spyx.nn.Sequential(
        nnx.Linear(INPUTS, hidden, use_bias=False, rngs=rngs),
        spyx.nn.LIF((hidden,), beta=BETA, threshold=THRESHOLD, activation=spyx.axn.arctan(2), rngs=rngs),
        nnx.Linear(hidden, OUTPUTS, use_bias=False, rngs=rngs),
    )
    x, labels = map(jnp.asarray, make_data())
    graph, values = nnx.split(model)
    adam = optax.adam(RATE)

    def loss(values):
        outputs, _ = spyx.nn.run(nnx.merge(graph, values), x)
        return optax.softmax_cross_entropy_with_integer_labels(outputs.mean(0), labels).mean()

    @jax.jit
    def update(values, state):
        change, state = adam.update(jax.grad(loss)(values), state)
        return optax.apply_updates(values, change), state

    kept = [values, adam.init(values)]

    def step():
        kept[:] = jax.block_until_ready(update(*kept))

    return step


def torch_step(hidden, forward):
    """Step of a PyTorch library; `forward` makes spikes [T, B, H] of currents [T, B, H]."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    x, labels = map(torch.from_numpy, make_data())
    first, second = torch.nn.Linear(INPUTS, hidden, bias=False), torch.nn.Linear(hidden, OUTPUTS, bias=False)
    adam = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=RATE)

    def step():
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(second(forward(first(x))).mean(0), labels)
        loss.backward()
        adam.step()

    return step


def snntorch_step(hidden):
    import snntorch
    import torch

    neuron = snntorch.Leaky(
        beta=BETA, threshold=THRESHOLD, reset_mechanism="zero", spike_grad=snntorch.surrogate.atan(alpha=2.0)
    )

    def forward(currents):
        potential, spikes = neuron.init_leaky(), []
        for current in currents:
            spike, potential = neuron((1 - BETA) * current, potential)
            spikes.append(spike)
        return torch.stack(spikes)

    return torch_step(hidden, forward)


def spikingjelly_step(hidden):
    from spikingjelly.activation_based import functional, neuron, surrogate

    layer = neuron.LIFNode(
        tau=1 / (1 - BETA), v_threshold=THRESHOLD, v_reset=0.0, surrogate_function=surrogate.ATan(2.0), step_mode="m"
    )

    def forward(currents):
        functional.reset_net(layer)
        return layer(currents)

    return torch_step(hidden, forward)


def time_steps(hidden, repeats):
    """Median seconds a step of each library: passed, and of all cores together."""
    steps = {
        "zoo (weights)": zoo_step(hidden),
        "zoo (neuron properties)": zoo_step(hidden, ("x_tau", "v_th", "v_rest", "r")),
        "snnTorch": snntorch_step(hidden),
        "SpikingJelly": spikingjelly_step(hidden),
        "spyx": spyx_step(hidden),
        PRODUCTS: products_step(hidden),
    }
    for step in steps.values():
        step()
    seconds = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            start, worked = time.perf_counter(), time.process_time()
            step()
            seconds[name].append((time.perf_counter() - start, time.process_time() - worked))
    return {name: tuple(map(statistics.median, zip(*values, strict=True))) for name, values in seconds.items()}


def gradient_bytes(steps, remat, hidden=256, batch=16):
    """Temporary memory of the compiled gradient through `steps` steps."""
    import jax
    import jax.numpy as jnp

    from zoo.models import PROPERTIES, NetworkConfig, Surrogate, build, initial_state, unroll

    config = NetworkConfig(inputs=4, hidden=hidden, outputs=2, trained=PROPERTIES)
    parts = {name: jnp.asarray(value) for name, value in config.initial(0).items()}
    x = jax.ShapeDtypeStruct((steps, batch, 4), jnp.float32)

    def loss(parts, x):
        network = build(parts)
        return jnp.square(unroll(network, initial_state(network, (batch,)), x, Surrogate(), remat)[0]).sum()

    return jax.jit(jax.grad(loss)).lower(parts, x).compile().memory_analysis().temp_size_in_bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 4096])
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    import jax

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    for hidden in arguments.hidden:
        seconds = time_steps(hidden, arguments.repeats)
        ours = seconds["zoo (weights)"]
        fastest = [min(s[i] for n, s in seconds.items() if n != PRODUCTS and not n.startswith("zoo")) for i in (0, 1)]
        print(f"{hidden} hidden neurons, batch {BATCH}, {STEPS} steps, {len(os.sched_getaffinity(0))} cores")
        for name, (passed, worked) in seconds.items():
            print(f"  {name:24s} {1e3 * passed:8.1f} ms, {passed / ours[0]:5.2f} times the zoo's (weights); "
                  f"cores' time {1e3 * worked:8.1f} ms, {worked / ours[1]:5.2f} times")  # fmt: skip
        print(f"  fastest of the others / zoo: {fastest[0] / ours[0]:.2f}; cores' time {fastest[1] / ours[1]:.2f}")
    plain, root = (gradient_bytes(1000, remat) for remat in ("none", "sqrt"))
    bound = 2 * 1000**0.5 / 1000 * plain  # Chen et al. (2016): 2 sqrt(T) steps' worth of what a plain pass keeps.
    print(f"memory through 1000 steps: {plain / 1e6:.1f} MB plain, {root / 1e6:.1f} MB in segments, "
          f"{root / bound:.2f} times 2 sqrt(T) steps of the plain pass")  # fmt: skip


if __name__ == "__main__":
    main()
