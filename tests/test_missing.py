"""What `zoo table missing` says is still to be trained."""

import dataclasses
import json
from pathlib import Path

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
    info = dataclasses.replace(zoo.model_info("hetsnn-hc-16384"), seeds=5, generations=3400)
    whole, few, cut = (missing_table([row]) for row in (
        info, dataclasses.replace(info, seeds=4), dataclasses.replace(info, generations=3399)
    ))  # fmt: skip
    assert "`hetsnn-hc-16384` " not in whole and "1 of 104 models are complete" in whole
    assert "| `hetsnn-hc-16384` | 4 | 1,000 of 1,000 |  |" in few
    assert "| `hetsnn-hc-16384` | 5 | 999 of 1,000 |  |" in cut
    assert "| `hetsnn-ant-1024` | 0 | 0 of 1,000 |  |" in whole


def test_a_model_of_another_recipe_than_todays_is_to_be_trained_anew(tmp_path):
    info = dataclasses.replace(zoo.model_info("hetsnn-hc-16384"), seeds=5, path=str(tmp_path))
    config = json.loads((Path(zoo.model_info(info.name).path) / "config.json").read_text())
    config["recipe"]["settings"] |= {"sigma": 0.125, "sigma_final": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    line = "| `hetsnn-hc-16384` | 5 | 1,000 of 1,000 | `--sigma 0.125 --sigma-final none` |"
    assert line in missing_table([info])


def test_the_command_prints_it(capsys):
    assert main(["table", "missing"]) == 0
    assert "models are complete" in capsys.readouterr().out
