"""The table of image models: one line for each cell of Table 3, and what it says of models."""

import dataclasses
import json
import re

import pytest
from table_cells import cells

import zoo
from zoo.cli import main
from zoo.registry.names import parse
from zoo.registry.paper import TABLE_3
from zoo.report.card_index import with_tables
from zoo.report.image_tables import image_table


def unlinked(line):
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line)


@pytest.fixture
def info(tmp_path):
    """Makes a published image model of a name out of made-up numbers."""
    rows = [
        {"training_seed": k, "mean": 80.0, "std": 40.0, "spike_rate": rate, "synaptic_operations": 1e5 * rate}
        for k, rate in enumerate((0.1, 0.2))
    ]
    evaluation = {"command": "", "seed": 0, "episodes": 9, "mean": 80.0, "std": 1.5, "interval_95": [79.0, 81.0]}
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation | {"seeds": rows}))
    base = dataclasses.replace(
        zoo.model_info("hetsnn-mem25-1024"),
        mean=80.0,
        std=1.5,
        population_mean=79.0,
        seeds=2,
        generations=1500,
        path=str(tmp_path),
    )
    return lambda name: dataclasses.replace(base, name=name, task=parse(name).task, kind=parse(name).kind)


def test_cells_without_a_model_show_the_papers_value_alone():
    lines = [cells(line) for line in image_table([]).splitlines()]
    assert len(lines) == 2 + sum(map(len, TABLE_3.values())) == 18
    assert [line[:3] for line in lines[2:5]] == [
        ["MNIST", "4,096", "neurons"], ["MNIST", "4,096", "weights"], ["MNIST", "8,192", "neurons"]
    ]  # fmt: skip
    assert lines[-1] == ["Fashion-MNIST", "32,768", "weights", "PGPE", "-", "81.22 %", *["-"] * 5]
    assert all(len(line) == len(lines[0]) for line in lines)


def test_models_stand_beside_the_paper_and_gradients_below_pgpe(info):
    names = (
        "hetsnn-fmnist-4096-bp",
        "hetsnn-fmnist-4096",
        "homsnn-mnist-1024",
        "hetsnn-mnist-4096-tau",
        "hetsnn-ant-64",
    )
    lines = [cells(line) for line in image_table(map(info, names), link="x/").splitlines()]
    assert len(lines) == 18 + 2  # Two that are not in Table 3, one that is; neither the subset nor the other task.
    assert lines[2][:4] == ["MNIST", "1,024", "[weights](x/homsnn-mnist-1024.md)", "PGPE"] and lines[2][5] == "-"
    found = [line for line in lines if line[:2] == ["Fashion-MNIST", "4,096"]]
    accuracy, rest = "**80.00 %** ± 1.50", ["2", "1,500", "0.150", "15,000"]
    assert found[0][2:] == ["[neurons](x/hetsnn-fmnist-4096.md)", "PGPE", accuracy, "76.35 %", "79.00 %", *rest]
    assert found[1][2:] == ["[neurons](x/hetsnn-fmnist-4096-bp.md)", "gradients", accuracy, "-", "-", *rest]
    assert found[2][2:5] == ["weights", "PGPE", "-"]


def test_the_table_in_a_page_is_what_the_command_prints(capsys):
    assert main(["table", "images"]) == 0
    printed = capsys.readouterr().out.splitlines()
    made = with_tables("a\n<!-- images -->\nold\n<!-- /images -->\nb\n").splitlines()
    assert made[:2] == ["a", "<!-- images -->"] and made[-2:] == ["<!-- /images -->", "b"]
    assert len(printed) > 18
    assert [cells(unlinked(line)) for line in made[2:-2]] == [cells(unlinked(line)) for line in printed]
    assert main(["table", "images", "hetsnn-mnist-4096"]) == 2
    assert "needed there" in capsys.readouterr().err
