"""Gradients against evolution on the robots: against evaluations made by hand, and the published ones."""

import dataclasses
from pathlib import Path
from statistics import fmean

import pytest
from table_cells import cells

import zoo
from zoo.core.json_files import read_json, write_json
from zoo.evaluation.statistics import contrast
from zoo.report.card_index import index_rows
from zoo.report.method_tables import method_table


@pytest.fixture
def made(tmp_path):
    """A published model whose seeds had other returns."""

    def make(name, returns):
        base = zoo.model_info(name)
        evaluation = read_json(Path(base.path) / "evaluation.json")
        folder = tmp_path / name
        folder.mkdir()
        row = evaluation["seeds"][0]
        rows = [row | {"training_seed": seed, "mean": mean} for seed, mean in enumerate(returns)]
        write_json(folder / "evaluation.json", evaluation | {"seeds": rows})
        return dataclasses.replace(base, path=str(folder))

    return make


def test_a_pair_is_told_apart_by_its_seeds(made):
    evolution, gradients = [100.0, 110.0, 120.0], [200.0, 190.0, 240.0]
    rows = [
        made("hetsnn-hp-4096", evolution),
        made("hetsnn-hp-4096-bp", gradients),
        made("homsnn-hp-4096", evolution),
    ]
    (line,) = method_table(rows).splitlines()[2:]
    effect, low, high, p = contrast([gradients, evolution])
    assert cells(line)[:5] == ["Hopper", "neurons", "4,096", "110.0", "210.0"]
    assert cells(line)[5] == f"{effect:+.0f} ({low:+.0f} to {high:+.0f})" == "+100 (+43 to +157)"
    assert cells(line)[6] == cells(line)[7] == f"{p:.2g}"


def test_one_seed_is_no_sample(made):
    rows = [made("hetsnn-hp-4096", [1.0]), made("hetsnn-hp-4096-bp", [2.0, 3.0])]
    assert method_table(rows).splitlines()[2:] == []


def test_published_pairs():
    lines = list(map(cells, method_table(index_rows()).splitlines()[2:]))
    assert len(lines) >= 16 and {line[1] for line in lines} == {"neurons", "weights"}
    (line,) = [line for line in lines if line[:3] == ["HalfCheetah", "neurons", "16,384"]]
    for cell, name in zip(line[3:5], ("hetsnn-hc-16384", "hetsnn-hc-16384-bp"), strict=True):
        means = [seed["mean"] for seed in zoo.load(name).evaluation["seeds"]]
        assert cell == f"{fmean(means):.0f}"
