# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Load a model and look
#
# A published network is loaded, measured, and looked at while it remembers one bit for 25 steps of 5 ms: its neurons,
# its spikes, its readouts. Takes about half a minute on a laptop.

# %%
# On Colab, or wherever the zoo is not installed yet: its name, the path of a wheel, or git+https://….
import importlib.util
import subprocess
import sys

SOURCE = "hetsnn-zoo"
if importlib.util.find_spec("zoo") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", SOURCE], check=True)

# %%
import matplotlib.pyplot as plt
import numpy as np

import zoo

# %% [markdown]
# ## What it claims, and whether it holds
#
# `zoo.load` checks every byte before it uses any. A model holds one network for each training seed; `evaluate` plays
# fresh episodes with all of them.

# %%
model = zoo.load("hetsnn-mem25-1024")
print(zoo.evaluate(model))
print("published:", zoo.model_info("hetsnn-mem25-1024").mean)

# %% [markdown]
# ## Its neurons
#
# The weights are random and were left alone. What was trained is four numbers of every hidden neuron; all began at
# 20 ms, 0.5 V, 0 V and one resistance.

# %%
neurons = model.neurons(seed=0)
for name, values in neurons.items():
    low, middle, high = np.percentile(values, (5, 50, 95))
    print(f"{name:10} 5 %: {low:8.3f}   median: {middle:8.3f}   95 %: {high:8.3f}")

# %% [markdown]
# ## One episode, step by step
#
# The bit is shown in the first two observations. At the end the higher one of two readouts is the answer.

# %%
episodes = [zoo.analysis.record(model, seed=0, episode=context) for context in (0, 1)]
order = np.argsort(neurons["tau_ms"])

figure, axes = plt.subplots(2, 2, figsize=(10, 6), sharex=True, height_ratios=(3, 1), layout="constrained")
for column, episode in zip(axes.T, episodes, strict=True):
    steps, rows = np.nonzero(episode.spikes[:, order])
    column[0].scatter(episode.times_ms[steps], rows, s=1)
    column[0].set(ylabel="neuron, by time constant", title=f"reward {episode.rewards.sum():+.0f}")
    column[1].plot(episode.times_ms, episode.readout)
    column[1].set(xlabel="ms", ylabel="readouts (V)")
plt.show()

# %% [markdown]
# ## Who answers?
#
# The two episodes differ in the sign of one input at the beginning. These neurons' spike counts differ most: they
# carry the bit. Where do they lie among all time constants?

# %%
difference = np.abs(episodes[0].spikes.sum(0) - episodes[1].spikes.sum(0))
carriers = np.argsort(difference)[::-1][:10]
ranks = np.argsort(order)[carriers] / len(order)
for neuron, rank in zip(carriers, ranks, strict=True):
    tau_ms = neurons["tau_ms"][neuron]
    print(f"neuron {neuron:3}: {difference[neuron]:.0f} spikes apart, {tau_ms:.1f} ms, rank {rank:.0%}")
