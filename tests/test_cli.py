import argparse
import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer
from waiting import SECONDS, running, wait_until

from zoo.cli.main import _make_parser, _usable_cores, _use_all_cores, main
from zoo.core.json_files import read_json
from zoo.registry.recipe import all_settings
from zoo.report import publishing
from zoo.store.loading import load
from zoo.store.manifest import write_manifest
from zoo.training import default_recipe


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


def test_list_filters_sorts_and_says_where_a_model_is(published, capsys):
    rows = run_json(capsys, "list", "--kind", "hom", "--task", "mem")
    assert rows and all(row["kind"] == "hom" and row["task"].startswith("mem") for row in rows)
    rows = run_json(capsys, "list", "--where", "folder")
    assert [(row["name"], row["where"]) for row in rows] == [("hetsnn-mem5-32", "folder")]
    for key, field, sign in (("reward", "mean", -1), ("size", "size_bytes", 1), ("parameters", "parameters", 1)):
        values = [sign * row[field] for row in run_json(capsys, "list", "--sort", key)]
        assert values == sorted(values)
        assert len(set(values)) > 1
        turned = [sign * row[field] for row in run_json(capsys, "list", "--sort", key, "--reverse")]
        assert turned == values[::-1]


def test_list_as_csv(published, capsys):
    assert main(["list", "hetsnn-mem25-1024", "--csv"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    (info,) = run_json(capsys, "list", "hetsnn-mem25-1024")
    assert row["paper"] == info["paper"] == "about 0.9"
    assert float(row["interval_95_low"]) == info["interval_95"][0]
    assert int(row["parameters"]) == info["parameters"]


def test_the_table_has_one_line_per_model_in_any_terminal(published, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for columns in (80, 100, 160):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["list"]) == 0
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]
        assert max(map(len, lines)) <= columns
        assert len(lines) == 1 + len(run_json(capsys, "list"))
        assert "where" in lines[0]


def test_a_reader_that_has_had_enough_is_no_error():
    code = "import sys; from zoo.cli import main; sys.exit(main(['list']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def verbs():
    (action,) = (a for a in _make_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


@pytest.mark.parametrize("verb", [None, *verbs()])
def test_help_fits_a_terminal_and_explains_every_argument(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main([*([verb] if verb else []), "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    if verb is not None:
        for action in verbs()[verb]._actions:
            assert action.help or action.choices, f"{verb}: {action.dest} is not explained"


def complete(words):
    """What bash offers after these words, the last one unfinished."""
    script = subprocess.run([sys.executable, "-m", "zoo.cli", "completion", "bash"], capture_output=True, text=True,
                            check=True).stdout  # fmt: skip
    asks = (
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; "
        "$(complete -p zoo | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "--norc", "-c", f"{script}\n{asks}"], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_verbs_options_and_model_names():
    assert complete(["zoo", "pu"]) == ["pull", "publish"]
    assert "--dry-run" in complete(["zoo", "publish", "--"])
    assert complete(["zoo", "card", "homsnn-mem25"]) == ["homsnn-mem25-1024", "homsnn-mem25-1024-bp"]
    assert complete(["zoo", "list", "--kind", "ho"]) == ["hom"]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_completion_of_other_shells_knows_the_models(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "hetsnn-mem25-1024" in capsys.readouterr().out


def test_publish_dry_run(published, capsys):
    done = run_json(capsys, "publish", "hetsnn-mem5-32", "--repo", "someone/else", "--dry-run")
    assert (done["repository"], done["commit_url"]) == ("someone/else", None)
    assert main(["publish", "hetsnn-mem5-32", "--dry-run"]) == 0
    assert "would publish hetsnn-mem5-32 to hetsnn-zoo/hetsnn-mem5-32 (main)" in capsys.readouterr().out


def test_publish_evaluates_on_request(published, monkeypatch, capsys):
    checked = []
    check = publishing._check_claim
    monkeypatch.setattr(publishing, "_check_claim", lambda path: (checked.append(path), check(path)))
    assert main(["publish", "hetsnn-mem5-32", "--dry-run"]) == 0
    assert checked == []
    assert main(["publish", "hetsnn-mem5-32", "--dry-run", "--evaluate"]) == 0
    assert checked == [str(published)]


def test_pull_and_load(checkpoint, capsys, tmp_path, monkeypatch):
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        commit = hub.add("hetsnn-zoo/hetsnn-mem5-32", checkpoint)
        (row,) = run_json(capsys, "pull", "hetsnn-mem5-32")
        assert row["source"] == f"hf://hetsnn-zoo/hetsnn-mem5-32@{commit}"
        assert main(["pull", "hetsnn-mem5-32", "hf://nobody/nothing"]) == 2
        out, error = capsys.readouterr()
        assert "verified" in out and "there is no" in error
        (row,) = run_json(capsys, "list", "--where", "cache")
        assert row["name"] == "hetsnn-mem5-32"
        assert main(["card", "hetsnn-mem5-32"]) == 0
        assert "# hetsnn-mem5-32" in capsys.readouterr().out


def test_pull_of_a_revision_with_its_state_into_another_cache(hub, checkpoint, tmp_path, capsys):
    name, other = "hetsnn-mem5-32", tmp_path / "other"
    hub.add(f"hetsnn-zoo/{name}", checkpoint)
    (checkpoint / "state").mkdir()
    (checkpoint / "state" / "0004").write_bytes(b"state")
    write_manifest(checkpoint)
    commit = hub.add(f"hetsnn-zoo/{name}", checkpoint, branch="dev")
    for options in ([], ["--with-state"]):
        (row,) = run_json(
            capsys, "pull", name, "--revision", "dev", "--cache-dir", str(other), "--timeout", "60", *options
        )
        assert row["source"] == f"hf://hetsnn-zoo/{name}@{commit}" and Path(row["path"]).is_relative_to(other)
        assert (Path(row["path"]) / "state" / "0004").is_file() == bool(options)
    assert main(["pull", name, "--timeout", "0"]) == 2
    assert "must be a positive number of seconds" in capsys.readouterr().err


def test_eval(published, capsys):
    both = run_json(capsys, "eval", "hetsnn-mem5-32", "--episodes", "4", "--seed", "1")
    assert [len(row["returns"]) for row in both["seeds"]] == [4, 4]
    one = run_json(capsys, "eval", "hetsnn-mem5-32", "--training-seed", "1", "--episodes", "4", "--seed", "1")
    assert one["seeds"] == both["seeds"][1:]
    assert one["command"] == both["command"] + " --training-seed 1"
    assert main(["eval", "hetsnn-mem5-32"]) == 0
    assert "mean return" in capsys.readouterr().out


def test_verify_goes_on_after_a_model_that_cannot_be_read(published, capsys, monkeypatch):
    def unreadable_once(name, **options):
        monkeypatch.setattr("zoo.evaluation.measuring.load", load)
        raise PermissionError(13, "Permission denied", "params/array")

    shutil.copytree(published, published.parent / "hetsnn-mem5-32-again")
    names = [str(published), str(published.parent / "hetsnn-mem5-32-again")]
    monkeypatch.setattr("zoo.store.loading.list_models", lambda pattern: names)
    monkeypatch.setattr("zoo.evaluation.measuring.load", unreadable_once)
    assert main(["verify", "*-32"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("FAILS") and "Permission denied: 'params/array'" in first
    assert second.startswith("holds")


def test_verify_exit_status(published, capsys):
    assert run_json(capsys, "verify", "*-32")[0]["holds"]
    assert run_json(capsys, "verify", str(published))[0]["name"] == "hetsnn-mem5-32"
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
    told = set(re.findall(r"--[a-z][\w-]*", text))
    for name, (kind, _) in all_settings().items():
        option = name.replace("_", "-")
        assert f"--{option}" in told
        assert (f"--no-{option}" in told) == (kind is bool)


@pytest.mark.parametrize("option", ["--population", "--centre-lr-drop"])
def test_wrong_type_on_the_command_line(capsys, option):
    with pytest.raises(SystemExit):
        main(["train", "hetsnn-mem5-32", option, "many"])
    assert "invalid int value: 'many'" in capsys.readouterr().err


def test_a_field_of_the_recipe_can_be_unset(tmp_path):
    assert default_recipe("hetsnn-mem5-32").centre_lr_final is not None
    command = ["train", "hetsnn-mem5-32", "--out", str(tmp_path), "--seeds", "1", "--population", "4"]
    assert main([*command, "--generations", "1", "--centre-lr-final", "none", "--quiet"]) == 0
    recipe = read_json(tmp_path / "hetsnn-mem5-32" / "run.json")["recipe"]
    own = recipe["settings"]
    assert (own["centre_lr_final"], own["sigma_final"], recipe["seeds"]) == (None, None, 1)


@pytest.mark.parametrize("given", ["", "--xla_cpu_enable_fast_math=false", "--xla_cpu_collective_timeout_seconds=7"])
def test_devices_wait_for_each_other_unless_told_otherwise(monkeypatch, given):
    monkeypatch.setenv("XLA_FLAGS", given)
    _use_all_cores()
    flags = os.environ["XLA_FLAGS"].split()
    assert flags[: len(given.split())] == given.split()
    patient = "--xla_cpu_collective_call_terminate_timeout_seconds=86400" in flags
    assert patient == ("collective" not in given)


@pytest.mark.parametrize("system", ["Linux", "macOS"])
def test_cores_are_counted_on_every_system(monkeypatch, system):
    if system == "macOS":
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert 1 <= _usable_cores() <= os.cpu_count()


def test_version_is_told_without_loading_the_libraries(capsys):
    code = "import sys; from zoo.cli import main; sys.argv = ['zoo']; main(sys.argv[1:] + ['--version'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"hetsnn-zoo \S+, jax 0\.\S+, .*Python 3\.\S+\n", done.stdout)
    assert not re.search(r"\| +(jax|flax|brax)$", done.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "meant", "usage"),
    [
        (["eval", "hetsnn-mem5-1024", "--episdoes", "3"], "--episdoes (did you mean --episodes?)", "usage: zoo eval"),
        (["train", "hetsnn-mem5-1024", "--populaton=8"], "--populaton=8 (did you mean --population?)", "zoo train"),
        (["analyse", "tau", "x", "--no-biologie"], "(did you mean --no-biology?)", "usage: zoo analyse tau"),
        (["card", "a", "b"], "unrecognized arguments: b", "usage: zoo card"),
    ],
)
def test_a_mistyped_option_is_told_from_the_verbs_own(arguments, meant, usage, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert meant in error and usage in error


def test_eval_takes_a_runs_folder(tiny_run, tmp_path, capsys):
    assert main(["eval", str(tiny_run), "--episodes", "2"]) == 0
    assert "hetsnn-mem5-32" in capsys.readouterr().out
    shutil.copy(tiny_run / "run.json", tmp_path / "run.json")
    assert main(["eval", str(tmp_path)]) == 2
    assert (
        f"no checkpoint yet; run its command again to go on, or measure it as it stands: zoo export {tmp_path}"
        in (capsys.readouterr().err)
    )


@pytest.mark.parametrize(("options", "level"), [([], "3"), (["--verbose"], None)])
def test_libraries_speak_when_asked_to(options, level, monkeypatch, capsys):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert main([*options, "list", "hetsnn-mem5-*"]) == 0
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == level


def test_ctrl_c_ends_a_training_with_status_130_and_its_state_saved(tmp_path):
    command = ["train", "hetsnn-mem5-32", "--out", str(tmp_path), "--seeds", "2", "--population", "8"]
    with running(
        [sys.executable, "-m", "zoo.cli", *command, "--generations", "100000"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        wait_until((tmp_path / "hetsnn-mem5-32" / "training.csv").is_file, process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "state saved; run the same command to go on" in output


@pytest.mark.parametrize(
    "verb", [["--help"], ["list"], ["list", "--json", "hetsnn-mem*"], ["train", "hetsnn-hp-4096", "--help"]]
)
def test_what_only_tells_waits_for_no_jax(verb):
    code = f"import sys; sys.modules['jax'] = None; from zoo.cli import main; main({verb!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "hetsnn-mem" in done.stdout or "--population" in done.stdout


def test_a_shorter_run_does_not_take_a_models_place_unasked(tiny_run, tmp_path, capsys):
    target = shutil.copytree(tiny_run / "checkpoint", tmp_path / "there" / tiny_run.name)
    config = json.loads((target / "config.json").read_text())
    config["training"]["generations"] = 600
    (target / "config.json").write_text(json.dumps(config))
    assert main(["export", str(tiny_run), "--to", str(tmp_path / "there")]) == 2
    assert "was trained for 600 generations" in capsys.readouterr().err
    assert main(["export", str(tiny_run), "--to", str(tmp_path / "there"), "--replace"]) == 0
    assert json.loads((target / "config.json").read_text())["training"]["generations"] == 4


def test_a_terminal_that_knows_ascii_alone_gets_a_card(published):
    command = [sys.executable, "-m", "zoo.cli", "card", "hetsnn-mem25-1024"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b" ? " in done.stdout and done.stdout.isascii()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plot", "tau", "hetsnn-mem5-32", "-o", "x.svg", "--training-seed", "0"], "draws all training seeds"),
        (["plot", "curve", "hetsnn-mem5-32", "-o", "x.svg", "--training-seed", "0"], "draws all training seeds"),
        (["plot", "fi", "hetsnn-mem5-32", "-o", "x.svg", "--episode", "1"], "--episode is for"),
        (["figure", "control", "--task", "fmnist"], "--task is for `zoo figure image-firing`"),
        (["figure", "widths", "--sweep-tau"], "--sweep-tau is for `zoo figure memory-length`"),
        (["figure", "widths", "--data", "x"], "--data is for `zoo figure cartpole-methods`"),
        (["figure", "memory-length", "--seeds", "5"], "--seeds is of the training that --sweep-tau asks for"),
        (["analyse", "tau", "hetsnn-mem5-32", "hetsnn-mem5-32"], "hetsnn-mem5-32 is given more than once"),
    ],
)
def test_options_that_would_say_nothing_are_refused(published, capsys, arguments, message):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_interventions_of_an_unknown_kind_ask_for_no_data(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr("zoo.analysis.biology.load_biology", None)
    assert main(["analyse", "interventions", "homsnn-cartpole500-1024", "--out", str(tmp_path)]) == 2
    assert "trains no neuron property" in capsys.readouterr().err
