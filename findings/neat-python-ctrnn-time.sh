#!/usr/bin/env bash
# neat-python 2.0.0 (Python 3.11): its continuous-time networks run at half of their speed, and what they return is a
# step old. CTRNN.advance keeps two arrays of values, reads one and writes the other; but what it adds dt / tau times
# the change to is what the other holds, the state of two steps ago. So each step of dt takes the state on by dt / 2:
# a neuron of tau 1 s has one of 2 s, an oscillator twice its period, and a smaller step changes nothing of that. In
# the end it returns the array that it has read from. Nothing is said, and evolution makes up for it, so that it shows
# only where tau, or a time, has a meaning: in another simulator, in a robot, or against the equation.
# Guessed: after t seconds, with a small step, the solution of the equation; the docs give it, and forward Euler with
# y(t + dt) = y(t) + dt * dy/dt. (The lines are the same from 0.91 on up to 2.0.0, the newest on the index. Git has
# them corrected since March 2026, for 2.1, whose log speaks of "state corruption" and not of time; no issue found.)
# Helps: time constants half as long as meant, and a small step, whose length is then the delay of what is returned.
#
# Output seen (one neuron of tau 1 s, without an activation function, whose input is 1 from time 0 on; then two neurons
# of tau 1 s that oscillate; Euler is the method as the docs have it):
#   after 1, 2 and 3 s: equation 0.632 0.865 0.950, Euler 0.632 0.865 0.950, CTRNN 0.394 0.632 0.777
#   a step of 0.1 ms instead of 1 ms: CTRNN 0.393 0.632 0.777
#   from 1, with an input of 0, after 1 s: equation 0.368, CTRNN 0.606
#   the first steps, of 0.1 s: Euler 0.10 0.19 0.27 0.34, CTRNN 0.00 0.10 0.10 0.19
#   period of the oscillator: Euler 6.5 s, CTRNN 12.9 s
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neat-python==2.0.0
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import math

from neat.activations import identity_activation, tanh_activation
from neat.aggregations import sum_aggregation
from neat.ctrnn import CTRNN, CTRNNNodeEval

INPUT = -1


class Euler:
    """y(t + dt) = y(t) + dt / tau * (-y(t) + f(sum of the inputs)), for all nodes at once, with tau 1."""

    def __init__(self, nodes, activation):
        self.nodes, self.activation = nodes, activation
        self.values = dict.fromkeys(nodes, 0.0)

    def set_node_value(self, node, value):
        self.values[node] = value

    def advance(self, inputs, time, step):
        for _ in range(round(time / step)):
            known = {INPUT: inputs[0], **self.values}
            for node, links in self.nodes.items():
                drive = self.activation(sum(known[source] * weight for source, weight in links))
                self.values[node] += step * (drive - known[node])
        return [self.values[0]]


def ctrnn(nodes, activation):
    evaluations = {
        node: CTRNNNodeEval(1.0, activation, sum_aggregation, 0.0, 1.0, links) for node, links in nodes.items()
    }
    return CTRNN([INPUT], [0], evaluations)


def neuron(make):
    return make({0: [(INPUT, 1.0)]}, identity_activation)


def outputs(network, value, times, time, step, digits):
    return " ".join(f"{network.advance([value], time, step)[0]:.{digits}f}" for _ in range(times))


def period(network, seconds=100.0, step=0.01):
    network.set_node_value(0, 0.5)
    rises, before = [], 0.5
    for number in range(round(seconds / step)):
        value = network.advance([0.0], step, step)[0]
        if before < 0 <= value:
            rises.append(number * step)
        before = value
    return (rises[-1] - rises[1]) / (len(rises) - 2)


equation = " ".join(f"{1 - math.exp(-time):.3f}" for time in (1, 2, 3))
euler, theirs = (outputs(neuron(make), 1.0, 3, 1.0, 0.001, 3) for make in (Euler, ctrnn))
print(f"after 1, 2 and 3 s: equation {equation}, Euler {euler}, CTRNN {theirs}")
print("a step of 0.1 ms instead of 1 ms: CTRNN", outputs(neuron(ctrnn), 1.0, 3, 1.0, 0.0001, 3))
network = neuron(ctrnn)
network.set_node_value(0, 1.0)
print(
    f"from 1, with an input of 0, after 1 s: equation {math.exp(-1):.3f},"
    f" CTRNN {outputs(network, 0.0, 1, 1.0, 0.001, 3)}"
)
euler, theirs = (outputs(neuron(make), 1.0, 4, 0.1, 0.1, 2) for make in (Euler, ctrnn))
print(f"the first steps, of 0.1 s: Euler {euler}, CTRNN {theirs}")
oscillator = {0: [(0, 0.6), (1, -0.6)], 1: [(0, 0.6), (1, 0.6)]}
euler, theirs = (period(make(oscillator, tanh_activation)) for make in (Euler, ctrnn))
print(f"period of the oscillator: Euler {euler:.1f} s, CTRNN {theirs:.1f} s")
PYTHON
cat "$folder/output"
diff <(grep -A6 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
