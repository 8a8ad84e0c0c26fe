import json

import pytest

from zoo.cli import main


@pytest.fixture
def published(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    return checkpoint


def run_json(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list(published, capsys):
    rows = run_json(capsys, "list", "*-32")
    assert [row["name"] for row in rows] == ["hetsnn-mem5-32"]
    assert rows[0]["parameters"] == 32
    assert main(["list", "*-32"]) == 0
    assert "hetsnn-mem5-32" in capsys.readouterr().out
    assert main(["list", "nothing*"]) == 0
    assert "no published model matches" in capsys.readouterr().err


def test_eval(published, capsys):
    both = run_json(capsys, "eval", "hetsnn-mem5-32", "--episodes", "4", "--seed", "1")
    assert [len(row["returns"]) for row in both["seeds"]] == [4, 4]
    one = run_json(capsys, "eval", "hetsnn-mem5-32", "--training-seed", "1", "--episodes", "4", "--seed", "1")
    assert one["seeds"] == both["seeds"][1:]
    assert main(["eval", "hetsnn-mem5-32"]) == 0
    assert "mean return" in capsys.readouterr().out


def test_verify_exit_status(published, capsys):
    assert run_json(capsys, "verify", "*-32")[0]["holds"]
    (published / "training.csv").write_text("")
    assert main(["verify", "*-32"]) == 1
    assert "training.csv was altered" in capsys.readouterr().out
    assert main(["verify", "nothing*"]) == 2


def test_card(published, capsys):
    assert main(["card", "hetsnn-mem5-32"]) == 0
    assert "# hetsnn-mem5-32" in capsys.readouterr().out
    assert run_json(capsys, "card", "hetsnn-mem5-32")["seeds"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "hetsn-mem25-1024"], "did you mean"),
        (["card", "hetsnn-mem7-64"], "train it"),
        (["eval", "hetsnn-mem5-32", "--training-seed", "9"], "training seed 9"),
        (["eval", "hetsnn-mem5-32", "--episodes", "0"], "episodes"),
        (["export", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_get_one_line_and_status_2(published, capsys, arguments, message):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_every_recipe_field_is_an_option(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for option in ("--population", "--tau-ms", "--centre-lr-final", "--no-normalise-observations"):
        assert option in text


def test_wrong_type_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        main(["train", "hetsnn-mem5-32", "--population", "many"])
    assert "invalid int value: 'many'" in capsys.readouterr().err
