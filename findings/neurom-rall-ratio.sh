#!/usr/bin/env bash
# neurom 4.0.6 (morphio 3.5.0, scipy 1.17.1, pandas 3.1.1, matplotlib 3.11.2, numpy 2.4.6, Python 3.11): its
# diameter_power_relation, by its docstring 1 where a bifurcation follows Rall's law, is 4 or more where one does. By
# the law the diameters of the two children to the power of 3/2 add up to that of the parent; their sum over the
# parent's is the ratio of which the docstring speaks. neurom divides the other way, (parent / child)^1.5, for each
# child, and adds that. It is 1 only where both children are much thicker than the parent, and it falls where the ratio
# rises: dendrites that get thin too fast read as ones that get too thick, and the other way round. The values are of
# a plausible size, and nothing is said. It comes as the feature diameter_power_relations, too.
# Guessed: 1 for a bifurcation that follows the law, more for thicker children, less for thinner ones.
# (No issue of BlueBrain/NeuroM on it was found; pull requests 790, 802 and 806 brought it.)
# Helps: (d1**1.5 + d2**1.5) / d**1.5 from section.points, as by law below.
#
# Output seen (the ratio is computed from the radii that the file is written with):
#   equal children that follow the law: Rall's ratio 1.00, neurom 4.00
#   unequal children that follow the law: Rall's ratio 1.00, neurom 5.18
#   children half as thick as the parent: Rall's ratio 0.71, neurom 5.66
#   children as thick as the parent: Rall's ratio 2.00, neurom 2.00
#   children 1.59 times as thick as the parent: Rall's ratio 4.00, neurom 1.00
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neurom==4.0.6 morphio==3.5.0 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2 \
    numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import neurom

# A dendrite of one section that ends in two others; row 1 is the soma. Columns: id, type, x, y, z, radius, parent.
SWC = """\
1 1 0 0 0 5 -1
2 3 0 10 0 {parent} 1
3 3 0 20 0 {parent} 2
4 3 0 30 0 {parent} 3
5 3 10 40 0 {first} 4
6 3 20 50 0 {first} 5
7 3 -10 40 0 {second} 4
8 3 -20 50 0 {second} 7
"""
for title, parent, first, second in (
    ("equal children that follow the law", 2 ** (2 / 3), 1.0, 1.0),
    ("unequal children that follow the law", (1 + 0.5**1.5) ** (2 / 3), 1.0, 0.5),
    ("children half as thick as the parent", 1.0, 0.5, 0.5),
    ("children as thick as the parent", 1.0, 1.0, 1.0),
    ("children 1.59 times as thick as the parent", 1.0, 2 ** (2 / 3), 2 ** (2 / 3)),
):
    with open("cell.swc", "w") as file:
        file.write(SWC.format(parent=parent, first=first, second=second))
    (relation,) = neurom.get("diameter_power_relations", neurom.load_morphology("cell.swc"))
    law = (first**1.5 + second**1.5) / parent**1.5
    print(f"{title}: Rall's ratio {law:.2f}, neurom {relation:.2f}")
PYTHON
cat "$folder/output"
diff <(grep -A5 '^# Output seen' "$script" | tail -5 | cut -c5-) "$folder/output"
