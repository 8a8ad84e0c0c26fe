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
# # A neuron's life: time constants with their null
#
# Trained time constants are spread like those of cells: log-normal, around 20 ms. Does that say that training found
# something? Only if the same search spreads them otherwise when there is nothing to find. So each trained network is
# set beside its *null*: the same recipe, the same start, as many generations, and random numbers in place of rewards.

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
from zoo.analysis.null import drift
from zoo.models import tau_ms_from_x

SEEDS, STAGES = (0, 1, 2), (0, 10, 50, 150, 600)
model = zoo.load("hetsnn-mem25-1024")
config, recipe = model.network_config, model.recipe

# %% [markdown]
# ## A life with nothing to learn
#
# All neurons are born with 20 ms. Here are eight of one network under noise alone: a random walk of the logit of
# dt / tau, whose steps shrink as the recipe's rate falls.

# %%
lives = np.stack(
    [
        tau_ms_from_x(config.split(drift(config, recipe, SEEDS, generations, quiet=True))["x_tau"])
        for generations in STAGES
    ]
)  # [stages, seeds, neurons]

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(STAGES, lives[:, 0, :8])
axis.set(xlabel="generation", ylabel="time constant (ms)", yscale="log", title="eight neurons under pure noise")
plt.show()

# %% [markdown]
# ## Trained, and not
#
# The trained networks' distribution beside the null's, after the same 600 generations.

# %%
trained = np.stack([model.neurons(seed=seed)["tau_ms"] for seed in SEEDS])
null = lives[-1]

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
bins = np.geomspace(5, 200, 40)
for values, label in ((trained, "trained"), (null, "null")):
    axis.hist(values.ravel(), bins, histtype="step", density=True, label=label)
axis.set(xlabel="time constant (ms)", xscale="log", ylabel="density")
axis.legend()
plt.show()

for label, values in (("trained", trained), ("null", null)):
    fit = zoo.analysis.fit(values, "lognormal", bootstrap=200, ks_draws=20)
    print(f"{label:8} log-normal shape {fit.shape:.3f} ({fit.shape_interval[0]:.3f} to {fit.shape_interval[1]:.3f})")

# %% [markdown]
# ## A test that could fail
#
# Seeds are pairs: each trained network and its null begin with the same weights. What training did is the difference
# of the spreads, network by network. `zoo.analysis.null_control(model)` does this for all 50 seeds, with a paired
# test; the documentation's page on neurons has what came out for every model.

# %%
spread = [np.log(values).std(axis=1) for values in (trained, null)]
for seed, one, other in zip(SEEDS, *spread, strict=True):
    print(f"seed {seed}: trained {one:.3f}, null {other:.3f}, difference {one - other:+.3f}")

# %% [markdown]
# ## Idle, then?
#
# That the distribution is drift's does not say that the values are idle. Deal the same values out to other neurons,
# and play again: what is lost hung on which neuron had which.

# %%
results = zoo.analysis.intervene(model, repeats=1, episodes=2, quiet=True)
for outcome in results.outcomes:
    if outcome.target in ("all", "x_tau") and outcome.kind in ("trained", "reset", "shuffled"):
        what = "as trained" if outcome.kind == "trained" else f"{outcome.target} {outcome.kind}"
        print(f"{what:16} mean return {outcome.means.mean():.2f} of {len(outcome.means)} networks")
