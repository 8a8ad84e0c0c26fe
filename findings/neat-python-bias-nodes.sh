#!/usr/bin/env bash
# neat-python 2.0.0 (Python 3.11): in RecurrentNetwork and in CTRNN a node without an enabled incoming connection is 0,
# whatever its bias. create() makes nodes of the ends of connections alone, so that such a node is never computed. Its
# bias is evolved and counts in distances all the same. FeedForwardNetwork does have such nodes: since 1.1 they are
# "bias neurons" that output activation(bias), as the log of changes has it. Mutations that delete or disable a
# connection make them all the time. An output among them is 0 for ever, which a sigmoid, 0.5 at bias 0, never is.
# Nothing is said: one genome without cycles is one function as a feed-forward network and another as a recurrent one.
# Guessed: activation(bias), and for a genome without cycles and a constant input, after some steps, the same output.
# (Issue 255 of CodeReclaimers/neat-python has zeros of FeedForwardNetwork alone; for the other two none was found.)
# Helps: one more input that is always 1, and conn_delete_prob = 0 and enabled_mutate_rate = 0.
#
# Output seen (tau 1; RecurrentNetwork after 50 steps and CTRNN after 50 s with a constant input; then 100 genomes after
# 30 generations without selection, from two inputs fully connected with one output, no cycles):
#   output with no connection, bias 0.3, sigmoid: feed-forward 0.82, recurrent 0.00, continuous-time 0.00
#   hidden node, bias 0.8, its incoming connection disabled: feed-forward 0.80, recurrent 0.00, continuous-time 0.00
#   the same, enabled, input 0: feed-forward 0.80, recurrent 0.80, continuous-time 0.80
#   after 30 generations: 17 of 100 have another output as a recurrent network
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neat-python==2.0.0
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import random

import neat

SETTINGS = """
[NEAT]
pop_size = 100
fitness_criterion = max
fitness_threshold = 2
reset_on_extinction = False
no_fitness_termination = False
[DefaultSpeciesSet]
compatibility_threshold = 3
[DefaultStagnation]
species_fitness_func = max
max_stagnation = 100
species_elitism = 1
[DefaultReproduction]
elitism = 0
survival_threshold = 1
min_species_size = 1
[DefaultGenome]
num_inputs = 2
num_outputs = 1
num_hidden = 0
feed_forward = True
initial_connection = full_direct
compatibility_disjoint_coefficient = 1
compatibility_weight_coefficient = 0.5
conn_add_prob = 0.3
conn_delete_prob = 0.1
node_add_prob = 0.2
node_delete_prob = 0.05
single_structural_mutation = False
structural_mutation_surer = default
activation_default = sigmoid
activation_options = sigmoid
activation_mutate_rate = 0
aggregation_default = sum
aggregation_options = sum
aggregation_mutate_rate = 0
enabled_default = True
enabled_mutate_rate = 0.01
enabled_rate_to_true_add = 0
enabled_rate_to_false_add = 0
"""
FLOAT = "init_mean = {0}|init_stdev = {1}|init_type = gaussian|max_value = 30|min_value = -30|mutate_power = 0.5"
for name, mean, deviation, rate in (("bias", 0, 1, 0.5), ("weight", 0, 1, 0.8), ("response", 1, 0, 0)):
    lines = f"{FLOAT.format(mean, deviation)}|mutate_rate = {rate}|replace_rate = 0".split("|")
    SETTINGS += "".join(f"{name}_{line}\n" for line in lines)
with open("settings.ini", "w") as file:
    file.write(SETTINGS)
CONFIG = neat.Config(
    neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet, neat.DefaultStagnation, "settings.ini"
)


def feed_forward(genome, inputs):
    return neat.nn.FeedForwardNetwork.create(genome, CONFIG).activate(inputs)[0]


def recurrent(genome, inputs):
    network = neat.nn.RecurrentNetwork.create(genome, CONFIG)
    return [network.activate(inputs)[0] for _ in range(50)][-1]


def continuous_time(genome, inputs):
    return neat.ctrnn.CTRNN.create(genome, CONFIG).advance(inputs, 50.0, 0.1)[0]


def show(title, genome):
    found = [
        f"{one.__name__.replace('_', '-')} {one(genome, (0.0, 0.0)):.2f}"
        for one in (feed_forward, recurrent, continuous_time)
    ]
    print(f"{title}: {', '.join(found)}")


def genome_of(biases, connections, activation):
    genome = neat.DefaultGenome(0)
    for key, bias in biases.items():
        node = genome.nodes[key] = genome.create_node(CONFIG.genome_config, key)
        node.bias, node.activation = bias, activation
    for number, (ends, enabled) in enumerate(connections.items()):
        gene = genome.connections[ends] = genome.create_connection(CONFIG.genome_config, *ends, number)
        gene.weight, gene.enabled = 1.0, enabled
    return genome


show("output with no connection, bias 0.3, sigmoid", genome_of({0: 0.3}, {}, "sigmoid"))
for title, enabled in (
    ("hidden node, bias 0.8, its incoming connection disabled", False),
    ("the same, enabled, input 0", True),
):
    show(title, genome_of({0: 0.0, 1: 0.8}, {(-1, 1): enabled, (1, 0): True}, "identity"))

random.seed(0)


def evaluate(genomes, config):
    for _, genome in genomes:
        genome.fitness = random.random()


population = neat.Population(CONFIG)
population.run(evaluate, 30)
genomes, inputs = population.population.values(), (0.5, -0.5)
others = sum(abs(feed_forward(genome, inputs) - recurrent(genome, inputs)) > 1e-3 for genome in genomes)
print(f"after 30 generations: {others} of {len(genomes)} have another output as a recurrent network")
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -4 | cut -c5-) "$folder/output"
