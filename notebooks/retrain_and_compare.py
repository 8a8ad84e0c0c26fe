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
# # Retrain and compare
#
# Two kinds of networks learn the same task from scratch, by the same evolution strategy and with the same number of
# trained parameters: neurons on random weights (`hetsnn`), and weights between neurons that are all alike (`homsnn`).
# Settings are small, so that it takes a minute; `GENERATIONS` and `SEEDS` make it serious.

# %%
# On Colab, or wherever the zoo is not installed yet: its name, the path of a wheel, or git+https://….
import importlib.util
import subprocess
import sys

SOURCE = "hetsnn-zoo"
if importlib.util.find_spec("zoo") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", SOURCE], check=True)

# %%
import csv
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import zoo

TASK, PARAMETERS, GENERATIONS, SEEDS = "mem5", 256, 40, 3
RUNS = Path(tempfile.mkdtemp())  # Any folder; a run that is stopped goes on when it is called again.

# %% [markdown]
# ## Train
#
# Both in one compiled program. Everything else is the zoo's recipe for this task.

# %%
names = [f"{kind}-{TASK}-{PARAMETERS}" for kind in ("hetsnn", "homsnn")]
outcome = zoo.train(names, out=RUNS, seeds=SEEDS, generations=GENERATIONS, population=64, quiet=True)
print("finished" if outcome.finished else "stopped", "after", outcome.generations, "generations")

# %% [markdown]
# ## Learning curves
#
# `training.csv` has a row for each generation and seed: the population's mean return, its best member, sigma.


# %%
def curves(folder):
    """Population means [seeds, generations] of a run."""
    with (folder / "training.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    seeds = sorted({row["seed"] for row in rows}, key=int)
    return np.array([[float(row["mean"]) for row in rows if row["seed"] == seed] for seed in seeds])


figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name, folder, colour in zip(names, outcome.folders, ("tab:blue", "tab:orange"), strict=True):
    means = curves(folder)
    generations = np.arange(1, means.shape[1] + 1)
    axis.plot(generations, means.T, color=colour, alpha=0.3)
    axis.plot(generations, means.mean(0), color=colour, label=name)
axis.set(xlabel="generation", ylabel="mean return of the population")
axis.legend()
plt.show()

# %% [markdown]
# ## Compare
#
# What counts is the trained centre on fresh episodes, and the interval is over training seeds: with three it is wide.
# The published models of this task have four times as many parameters and 600 generations.

# %%
for folder in outcome.folders:
    print(zoo.evaluate(zoo.load(folder / "checkpoint")))
for kind in ("hetsnn", "homsnn"):
    info = zoo.model_info(f"{kind}-{TASK}-1024")
    print(f"published {info.name}: {info.mean:.3f} over {info.seeds} seeds, {info.generations} generations")
