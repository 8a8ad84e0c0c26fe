"""One training seed of a task whose two episodes are all there are: no interval anywhere."""

import json

import pytest

import zoo
from zoo.core.csv_files import write_table
from zoo.core.json_files import write_json
from zoo.report.cards import make_card
from zoo.report.listing import as_csv, print_table
from zoo.report.site import _row
from zoo.store.manifest import write_manifest
from zoo.training import train


@pytest.fixture(scope="module")
def alone(tmp_path_factory, tiny):
    out = tmp_path_factory.mktemp("alone")
    return train("hetsnn-mem5-32", out=out, quiet=True, **(tiny | {"seeds": 1})).folders[0] / "checkpoint"


def test_a_checkpoint_card_list_and_site_without_an_interval(alone, capsys):
    assert json.loads((alone / "evaluation.json").read_text())["interval_95"] is None
    info = zoo.model_info(str(alone))
    assert info.interval_95 is None
    text = make_card(zoo.load(str(alone)))
    assert "interval" not in text.split("## Training")[0]
    header, line = as_csv([info]).splitlines()
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    assert cells["interval_95_low"] == cells["interval_95_high"] == "" and cells["seeds"] == "1"
    print_table([info])
    assert "±" not in capsys.readouterr().out.splitlines()[1]
    assert " to " not in _row(info, 1.0)


def test_several_seeds_have_an_interval(checkpoint):
    path = checkpoint / "evaluation.json"
    write_json(path, json.loads(path.read_text()) | {"interval_95": None})
    write_manifest(checkpoint)
    with pytest.raises(zoo.DamagedCheckpointError, match="of one seed it may be null"):
        zoo.load(str(checkpoint))


def test_what_is_no_number_is_an_empty_cell(tmp_path):
    rows = [{"low": float("nan"), "high": None, "mean": 1.5}]
    assert write_table(tmp_path / "t.csv", rows).read_text() == "low,high,mean\n,,1.5\n"
