import json

import numpy as np
import pytest

import zoo
from zoo.analysis.shapley import contributions, subsets
from zoo.cli.main import main
from zoo.models import PROPERTIES
from zoo.report import model_page

NAME = "hetsnn-mem5-32"
BY_GRADIENTS = "hetsnn-cartpole500-1024-bp"


@pytest.fixture
def published(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    return checkpoint


@pytest.mark.parametrize(
    ("analysis", "options", "tables"),
    [
        ("tau", ["--no-biology"], [f"tau-{NAME}", f"null-{NAME}"]),
        ("null", [], [f"null-{NAME}"]),
        ("interventions", ["--no-biology", "--repeats", "1"], [f"interventions-{NAME}"]),
    ],
)
def test_json_is_one_document_and_all_else_is_on_stderr(published, tmp_path, capsys, analysis, options, tables):
    given = ["analyse", analysis, NAME, "--out", str(tmp_path), "--quiet", *options]
    assert main([*given, "--json"]) == 0
    out, errors = capsys.readouterr()
    assert list(json.loads(out)) == tables
    assert all(f"{table}.csv" in errors and f"{table}-dark.svg" in errors for table in tables)
    assert main(given) == 0
    assert f"{tables[0]}.csv" in capsys.readouterr().out


def test_robustness_of_one_seed_is_json_with_null_for_its_interval(tmp_path, capsys, tiny):
    alone = zoo.train(NAME, out=tmp_path, quiet=True, **(tiny | {"seeds": 1})).folders[0] / "checkpoint"
    given = ["analyse", "robustness", str(alone), "--out", str(tmp_path), "--repeats", "1", "--quiet", "--json"]
    assert main(given) == 0
    rows = json.loads(capsys.readouterr().out)[f"robustness-{NAME}"]
    assert {(row["low"], row["high"]) for row in rows} == {(None, None)}
    header, first, *_ = (tmp_path / f"robustness-{NAME}.csv").read_text().splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=True))["low"] == ""


def test_what_has_no_null_control_is_told(tmp_path, capsys):
    assert main(["plot", "tau", BY_GRADIENTS, "--null", "-o", str(tmp_path / "p.svg")]) == 2
    assert "trained by gradients" in capsys.readouterr().err and not list(tmp_path.iterdir())
    assert main(["analyse", "tau", BY_GRADIENTS, "--no-biology", "--quiet", "--out", str(tmp_path)]) == 0
    assert f"no null control: {BY_GRADIENTS} was trained by gradients" in capsys.readouterr().err


def test_a_report_of_one_training_seed(checkpoint, tmp_path):
    model = zoo.load(str(checkpoint)).select(1)
    text = zoo.analysis.write_report(model, tmp_path / "r.html", biology=False, quiet=True).read_text()
    assert "; 1 training seed. Mean" in text and "one training seed, so there are no intervals" in text
    assert "tested over two or more" in text and "gamma columns" not in text and ">nan<" not in text


def test_a_report_asks_for_the_runs_of_all_subsets_before_anything_else(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(model_page, "time_constants", None)
    model, settings = zoo.load(str(checkpoint)), {"shapley_runs": tmp_path / "runs", "quiet": True}
    with pytest.raises(FileNotFoundError, match=f"lacks 15 of the 15 .* run: zoo analyse shapley {NAME} --runs"):
        zoo.analysis.write_report(model, tmp_path / "r.html", biology=False, **settings)


def test_a_report_asks_for_the_allen_data_before_anything_else(checkpoint, tmp_path, monkeypatch):
    def missing():
        raise zoo.DataNotFoundError("no table")

    for name in ("read_subsets", "time_constants"):
        monkeypatch.setattr(model_page, name, None)
    monkeypatch.setattr(model_page, "load_biology", missing)
    with pytest.raises(zoo.DataNotFoundError, match="no table"):
        zoo.analysis.write_report(zoo.load(str(checkpoint)), tmp_path / "r.html", shapley_runs=tmp_path, quiet=True)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["plot", "tau", NAME, "--null", "-o", "x.pdf"], "x.pdf must end in .svg or .png"),
        (["plot", "tau", NAME, "--null", "-o", "taken/x.svg"], "taken is no folder"),
        (["analyse", "tau", NAME, "--out", "taken"], "taken is no folder, so that nothing can be written into taken"),
        (["analyse", "shapley", NAME, "--out", "taken/deeper"], "taken is no folder"),
        (["report", NAME, "--no-biology", "-o", "taken/x.html"], "taken is no folder"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_the_work(
    published, tmp_path, monkeypatch, capsys, command, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    for work in ("zoo.analysis.null.drift", "zoo.analysis.subsets.train", "zoo.report.model_page.time_constants"):
        monkeypatch.setattr(work, lambda *_, **__: pytest.fail("worked"))
    assert main(command) == 2
    assert message in capsys.readouterr().err


def test_a_report_of_subsets_that_gained_nothing():
    worth = {s: 1.0 - 0.1 * len(s) * np.ones(2) for s in subsets(PROPERTIES)}
    section = model_page._shapley_section(contributions(NAME, 10, worth))
    assert section.drawing is None and len(section.rows) == 7
    assert "together they gained -0.4, of which there are no shares" in section.text
