"""What `zoo table missing` says is still to be trained."""

import dataclasses

import zoo
from zoo.cli import main
from zoo.report.missing import missing_table, wanted


def test_every_model_of_fig_3_and_table_1_is_wanted_once():
    names = [str(name) for name in wanted()]
    assert len(names) == len(set(names)) == 4 * 2 * 6 + 4 * 14
    assert names[0].endswith("-16384") and "hetsnn-wal-16384-tau-vth" in names
    for name in names:
        zoo.training.default_recipe(name)


def test_a_model_is_missing_until_it_has_all_seeds_and_generations():
    info = dataclasses.replace(zoo.model_info("hetsnn-hp-16384"), seeds=5, generations=1000)
    whole, few, cut = (missing_table([row]) for row in (
        info, dataclasses.replace(info, seeds=4), dataclasses.replace(info, generations=999)
    ))  # fmt: skip
    assert "`hetsnn-hp-16384` " not in whole and "1 of 104 models are complete" in whole
    assert "| `hetsnn-hp-16384` | 4 | 1,000 of 1,000 |" in few
    assert "| `hetsnn-hp-16384` | 5 | 999 of 1,000 |" in cut
    assert "| `hetsnn-ant-1024` | 0 | 0 of 1,000 |" in whole


def test_the_command_prints_it(capsys):
    assert main(["table", "missing"]) == 0
    assert "models are complete" in capsys.readouterr().out
