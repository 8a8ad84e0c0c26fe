import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from zoo.analysis.disturbances import Point, Robustness
from zoo.analysis.firing import Recording
from zoo.cli import main
from zoo.cli.analysis import _stem, _with_counterpart
from zoo.core.csv_files import write_table
from zoo.drawing import analyses as draw
from zoo.drawing import firing
from zoo.drawing.style import COLOURS, DARK, LIGHT, inline_svg, render, save

NAME = "hetsnn-mem5-32"


@pytest.fixture
def published(checkpoint, monkeypatch):
    monkeypatch.setenv("ZOO_CHECKPOINTS", str(checkpoint.parent))
    return checkpoint


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", [LIGHT.page, DARK.page])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_can_be_told_from_both_pages(colour, page):
    assert contrast(colour, page) >= 3  # WCAG 2.1's limit for graphical objects.


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read(theme):
    assert contrast(theme.ink, theme.page) >= 7


def test_files_of_many_models_have_names_that_a_disk_takes():
    names = [f"hetsnn-{task}-{2**i}" for i in range(10, 16) for task in ("ant", "hc", "hp", "wal")]
    assert _stem("tau", ["hetsnn-ant-16384", "b"]) == "tau-hetsnn-ant-16384+b"
    assert re.fullmatch("tau-hetsnn-ant-1024\\+23-more-[0-9a-f]{8}", _stem("tau", names))
    assert _stem("tau", names) != _stem("tau", [*names[:-1], "another"])


def simple(figure):
    figure.subplots().plot([0, 1], [0, 1], label="x")


def test_inline_drawing_takes_the_pages_ink_and_shares_no_ids():
    one, two = (inline_svg(simple, (3, 2), prefix) for prefix in ("a", "b"))
    assert "currentColor" in one and "#123456" not in one and LIGHT.ink not in one
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (one, two)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', one)) <= ids[0]
    ElementTree.fromstring(one)


def test_same_numbers_give_the_same_bytes(tmp_path):
    first, second = (save(simple, (3, 2), tmp_path / name / "f.svg") for name in ("a", "b"))
    assert [p.name for p in first] == ["f.svg", "f-dark.svg"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    with pytest.raises(ValueError, match="must end in"):
        save(simple, (3, 2), tmp_path / "f.gif")


def test_table_cells(tmp_path):
    path = write_table(tmp_path / "new" / "t.csv", [{"a": 1, "b": 0.12345678, "c": None}])
    assert path.read_text() == "a,b,c\n1,0.123457,\n"
    with pytest.raises(ValueError, match="equal columns"):
        write_table(path, [{"a": 1}, {"b": 1}])


@pytest.mark.parametrize("what", ["raster", "trace", "fi", "current", "tau", "curve"])
def test_plots(published, tmp_path, what, capsys):
    network = [] if what in ("tau", "curve") else ["--training-seed", "1"]
    assert main(["plot", what, NAME, "-o", str(tmp_path / "p.svg"), *network]) == 0
    for name in ("p.svg", "p-dark.svg"):
        text = " ".join(ElementTree.parse(tmp_path / name).getroot().itertext())
        assert {"curve": "generation", "fi": "(nA)"}.get(what, "(ms") in text


def test_time_constants_are_drawn_beside_their_null_control(published, tmp_path):
    drawn = {}
    for options in ((), ("--null",)):
        assert main(["plot", "tau", NAME, "-o", str(tmp_path / "p.svg"), *options]) == 0
        drawn[options] = " ".join(ElementTree.parse(tmp_path / "p.svg").getroot().itertext())
    assert "null" in drawn["--null",] and "null" not in drawn[()]


def recording(neurons, steps, share):
    """Noise, in which nothing can be left out or packed."""
    draws = np.random.default_rng(0)
    spikes = (draws.random((steps, neurons)) < share).astype(np.float32)
    return Recording(
        name="large", seed=0, inputs=np.zeros((steps, 1)), spikes=spikes, v=draws.normal(size=(steps, neurons)),
        readout=draws.normal(size=(steps, 8)), rewards=np.ones(steps),
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_pictures_of_large_networks_are_small_and_name_how_many_neurons_they_show(share):
    episode, tau_ms, v_th = recording(8192, 1000, share), np.geomspace(6, 300, 8192), np.full(8192, 0.5)
    for made, size in (firing.raster(episode, tau_ms), firing.traces(episode, tau_ms, v_th)):
        assert len(render(made, size, LIGHT.ink, "svg")) < 500_000
    text = render(*firing.raster(episode, tau_ms), LIGHT.ink, "svg").decode()
    assert "128 of 8,192 neurons" in text and "300 ms" in text


def test_traces_are_of_neurons_that_fire():
    spikes = np.zeros((10, 20))
    spikes[::2, [3, 9, 10, 11, 15, 18]] = 1
    spikes[:, 5] = 1
    assert firing._firing(spikes, np.arange(20.0, 0.0, -1)).tolist() == [18, 15, 11, 10, 9, 3]
    assert firing._firing(spikes[:, :8], np.arange(8.0)).tolist() == [3, 5]  # Too few: also those that always fire.
    assert len(firing._firing(np.zeros((10, 4)), np.ones(4))) == 4


def test_null_control_is_for_time_constants_alone(published, tmp_path, capsys):
    assert main(["plot", "raster", NAME, "--null", "-o", str(tmp_path / "p.svg")]) == 2
    assert "--null is for `zoo plot tau`" in capsys.readouterr().err


@pytest.mark.parametrize("analysis", ["tau", "null", "interventions", "robustness"])
def test_analyses_write_numbers_and_figures(published, tmp_path, analysis, capsys):
    options = {"tau": ["--no-biology"], "interventions": ["--no-biology", "--repeats", "1"]}.get(analysis, [])
    assert main(["analyse", analysis, NAME, "--out", str(tmp_path), "--quiet", *options]) == 0
    header, *rows = (tmp_path / f"{analysis}-{NAME}.csv").read_text().splitlines()
    assert rows and all(row.count(",") == header.count(",") for row in rows)
    for suffix in ("", "-dark"):
        ElementTree.parse(tmp_path / f"{analysis}-{NAME}{suffix}.svg")


def test_report_is_one_page_that_needs_nothing_else(published, tmp_path, capsys):
    page = tmp_path / "out" / "report.html"
    assert main(["report", NAME, "-o", str(page), "--no-biology", "--quiet"]) == 0
    text = page.read_text()
    assert text.count("<svg") == text.count("</svg>") == 9
    assert not re.search(r'(?:src|href)="(?!#)', text) and "<script" not in text and "@import" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for part in ("Time constants", "drift", "Interventions", "Robustness", "f-I curves", "Wilcoxon"):
        assert part in text
    assert list(page.parent.iterdir()) == [page]


def test_heterogeneous_model_alone_gets_its_counterpart():
    assert _with_counterpart(["hetsnn-mem25-1024"]) == ["hetsnn-mem25-1024", "homsnn-mem25-1024"]
    assert _with_counterpart(["hetsnn-mem7-64"]) == ["hetsnn-mem7-64"]
    assert _with_counterpart(["homsnn-mem25-1024"]) == ["homsnn-mem25-1024"]


def test_mistakes_get_one_line(published, tmp_path, capsys):
    assert main(["plot", "raster", NAME, "-o", str(tmp_path / "p.gif")]) == 2
    assert "must end in .svg or .png" in capsys.readouterr().err
    assert main(["analyse", "shapley", f"{NAME}-tau", "--out", str(tmp_path)]) == 2
    assert "all of" in capsys.readouterr().err
    assert main(["analyse", "shapley", "hetsnn-mnist-64", "--out", str(tmp_path)]) == 2
    assert "classifies images" in capsys.readouterr().err
    for analysis, more in (("robustness", []), ("interventions", ["--no-biology"])):
        assert main(["analyse", analysis, NAME, "--out", str(tmp_path), "--repeats", "0", "--quiet", *more]) == 2
        assert "repeats (=0)" in capsys.readouterr().err


def test_robustness_of_more_models_than_there_are_colours():
    points = tuple(
        Point(name=f"model {i}", kind="weights", level=level, means=np.array([1.0, 2.0]))
        for i in range(6)
        for level in (0.0, 0.1)
    )
    made, size = draw.robustness(Robustness(points=points, units={"weights": "share"}))
    text = render(made, size, "#000000", "svg").decode()
    assert all(f"model {i}" in text for i in range(6))


def test_command_line_starts_without_the_analysis():
    code = (
        "import sys, zoo; from zoo.cli.main import _make_parser; _make_parser(); "
        "heavy = {'matplotlib', 'scipy.stats', 'evosax', 'zoo.drawing.style', 'zoo.analysis.fits'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
