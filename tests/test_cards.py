import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from huggingface_hub import ModelCard

import zoo
from zoo.cli.main import _make_parser, main
from zoo.core.formatting import machines
from zoo.drawing.plots import learning_curve, time_constants
from zoo.registry.methods import method_of
from zoo.registry.names import parse
from zoo.report.card_index import check_cards, write_cards
from zoo.report.cards import make_card
from zoo.training import default_recipe, override, train

CARDS = Path(__file__).parent.parent / "model_cards"


def test_cards_and_tables_in_the_repository_agree_with_the_checkpoints():
    assert check_cards(CARDS, pages=CARDS.parent) == []


@pytest.mark.parametrize("name", zoo.list_models())
def test_front_matter_carries_the_measured_numbers(name):
    data = ModelCard((CARDS / f"{name}.md").read_text()).data
    (result,) = data.eval_results
    evaluation = zoo.load(name).evaluation
    assert result.metric_value == evaluation["mean"]
    assert result.metric_args["interval_95"] == evaluation["interval_95"]
    assert (data.model_name, data.license) == (name, "apache-2.0")


@pytest.mark.parametrize("name", zoo.list_models())
def test_the_command_to_train_it_again_has_its_recipe(name):
    (command,) = re.findall(r"^Train it again: `zoo (.*?)`", (CARDS / f"{name}.md").read_text(), re.MULTILINE)
    arguments = vars(_make_parser().parse_args(shlex.split(command)))
    model = zoo.load(name)
    config, own = model.config, model.recipe
    if own.open_ended:  # As far as it came: the beginning of the whole training.
        own = override(own, generations=min(own.generations, config["training"]["generations"]))
    changes = {field: arguments[field] for field in own.flat() if field in arguments}
    assert arguments["name"] == name
    assert override(default_recipe(name), **changes) == own


@pytest.mark.parametrize("name", zoo.list_models())
def test_a_card_says_how_to_go_on_just_where_there_is_a_state(name):
    commands = re.findall(r"`zoo (train \S+ --continue.*?)`", (CARDS / f"{name}.md").read_text())
    model = zoo.load(name)
    assert len(commands) == (model.path / "state").is_dir()
    for command in commands:
        done = model.config["training"]["generations"]
        words = shlex.split(command.replace("generations N", f"generations {done + 1}"))
        arguments = _make_parser().parse_args(words)
        assert (arguments.name, arguments.continue_published) == (name, True)
        assert getattr(arguments, "generations", model.config["recipe"]["generations"]) > done


@pytest.fixture
def two(monkeypatch):
    """As if nothing else were published."""
    names = ["hetsnn-mem25-1024", "homsnn-mem25-1024"]
    monkeypatch.setattr("zoo.report.card_index.list_models", lambda: names)


@pytest.mark.usefixtures("two")
def test_an_edited_superfluous_or_missing_card_is_reported(tmp_path):
    folder = tmp_path / "cards"
    folder.mkdir()
    write_cards(folder)
    assert check_cards(folder) == []
    card = folder / "hetsnn-mem25-1024.md"
    card.write_text(card.read_text().replace("**1.000**", "**1.234**"))
    (folder / "homsnn-mem25-1024.md").unlink()
    (folder / "hetsnn-mem26-1024.md").write_text("")
    problems = "\n".join(check_cards(folder))
    for name in ("hetsnn-mem25-1024", "homsnn-mem25-1024", "hetsnn-mem26-1024"):
        assert name in problems


@pytest.mark.usefixtures("two")
def test_a_changed_missing_or_superfluous_plot_is_reported(tmp_path):
    folder = tmp_path / "cards"
    folder.mkdir()
    write_cards(folder)
    changed, gone, extra = (folder / f"{name}.svg" for name in (
        "hetsnn-mem25-1024-tau", "homsnn-mem25-1024-curve", "hetsnn-mem26-1024-curve"))  # fmt: skip
    changed.write_text(changed.read_text().replace("<rect", "<line", 1))
    gone.unlink()
    extra.write_text("")
    problems = "\n".join(check_cards(folder))
    for file in (changed, gone, extra):
        assert file.name in problems


@pytest.mark.parametrize("name", zoo.list_models())
def test_linked_plots_lie_beside_the_card_and_are_small_plain_svg(name):
    linked = re.findall(r"\]\(([^)]*\.svg)\)", (CARDS / f"{name}.md").read_text())
    has_tau = "x_tau" in zoo.load(name).network_config.trained
    assert linked == [f"{name}-curve.svg"] + [f"{name}-tau.svg"] * has_tau
    for file in linked:
        data = (CARDS / file).read_bytes()
        assert len(data) < 20_000
        root = ElementTree.fromstring(data)
        assert root.find("{http://www.w3.org/2000/svg}title").text.startswith(name)
        assert not {"script", "image", "foreignObject", "use"} & {e.tag.split("}")[1] for e in root.iter()}


@pytest.mark.parametrize("name", zoo.list_models())
def test_front_matter_says_what_the_paper_says(name):
    (result,) = ModelCard((CARDS / f"{name}.md").read_text()).data.eval_results
    info = zoo.model_info(name)
    assert result.metric_args.get("paper") == info.paper
    assert result.metric_args["population_mean"] == info.population_mean
    assert result.metric_args.get("std") == (info.std if info.seeds > 1 else None)
    assert result.dataset_type == info.task


def test_front_matter_has_what_the_hub_asks_for(checkpoint):
    data = ModelCard(make_card(zoo.load(str(checkpoint)))).data
    assert (data.library_name, data.license) == ("hetsnn-zoo", "apache-2.0")
    assert data.pipeline_tag == "reinforcement-learning"
    assert {"hetsnn", "mem5", "jax"} <= set(data.tags)


def test_the_last_tick_is_not_cut_off():
    text = "generation,seed,mean\n" + "".join(f"{g},0,{g}\n" for g in (1, 50_000, 100_000))
    ticks = re.findall(
        r'<text x="([^"]*)" y="[^"]*" text-anchor="middle">([\d,]+)<', learning_curve("hetsnn-mem5-32", text)
    )
    # Half of a label's width in DejaVu Sans, the widest of the usual fonts.
    ends = [float(x) + (7.7 * len(label) - 3.8 * label.count(",")) / 2 for x, label in ticks]
    assert len(ends) > 3 and max(ends) < 560


def points(svg):
    (polyline,) = re.findall(r'<polyline points="([^"]*)"', svg)
    return np.array([[float(v) for v in point.split(",")] for point in polyline.split()])


def test_learning_curve_shows_the_mean_over_seeds_where_it_belongs():
    rows = [(0, 0, 0.0), (0, 1, 0.0), (5, 0, 1.0), (5, 1, 2.0), (10, 0, 3.0), (10, 1, 3.0)]
    text = "generation,seed,mean\n" + "".join(f"{g},{s},{m}\n" for g, s, m in rows)
    curve = points(learning_curve("hetsnn-mem5-32", text))
    across, up = curve[:, 0], -curve[:, 1]
    # Means 0, 1.5 and 3 at generations 0, 5 and 10: on one straight line, evenly spaced.
    np.testing.assert_allclose(np.diff(across), np.diff(across)[0], atol=0.11)
    np.testing.assert_allclose(np.diff(up), np.diff(up)[0], atol=0.11)
    assert up[-1] > up[0]


@pytest.mark.parametrize("text", ["0,0,nan\n0,1,1.0\n", "0,0,2.5\n", "0,0,-1e9\n1,0,1e9\n"])
def test_learning_curves_at_the_edge(text):
    assert np.isfinite(points(learning_curve("hetsnn-mem5-32", "generation,seed,mean\n" + text))).all()


def test_histogram_counts_every_neuron_once():
    tau = np.array([[6.0, 10.0, 10.1, 20.0], [20.0, 40.0, 400.0, 4000.0]])
    svg = time_constants("x", tau, (20.0,))
    heights = [float(h) for h in re.findall(r'<rect[^>]*height="([^"]*)"', svg)]
    unit = min(h for h in heights if h)
    assert sum(round(h / unit) for h in heights) == tau.size
    assert len(re.findall("stroke-dasharray", svg)) == 1
    assert "of 8 neurons" in svg


def test_histogram_of_equal_values():
    assert time_constants("x", np.full((1, 4), 20.0), (20.0,)).count("<rect") >= 1


def test_card_of_an_unpublished_checkpoint(checkpoint):
    text = make_card(zoo.load(str(checkpoint)))
    assert "zoo train hetsnn-mem5-32" in text
    assert "8 leaky integrate-and-fire" in text


def test_card_of_one_training_seed_claims_no_spread_over_seeds(tmp_path):
    train("hetsnn-mem5-32-vth", out=tmp_path, seeds=1, generations=1, population=4, quiet=True)
    text = make_card(zoo.load(str(tmp_path / "hetsnn-mem5-32-vth" / "checkpoint")))
    assert "; one network." in text and "episodes of one training seed | **" in text
    assert "±" not in text.split("## Results")[1].split("## Training")[0]
    assert "name: mean return of the centre over episodes of one training seed" in text and "std:" not in text
    assert "return of training seed" not in text and "-tau.svg" not in text


def test_only_a_repositorys_own_cards_reach_its_pages(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("zoo.report.card_index.list_models", lambda: [])
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text("<!-- table -->\nmine\n<!-- /table -->\n")
    (tmp_path / "model_cards").mkdir()
    assert main(["cards", str(tmp_path / "model_cards")]) == 0
    assert "mine" in page.read_text()
    assert main(["cards", str(tmp_path / "model_cards"), "--pages", str(tmp_path)]) == 0
    assert "mine" not in page.read_text()


def test_short_episodes_are_told():
    model = parse("hetsnn-hc-48")
    first, _ = method_of(model).departures(default_recipe(model), model)
    assert "the first 3,200 generations have episodes of 250 steps" in first


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        ("1 CPU cores", "1 CPU core"),
        ("2 CPU cores, 1 CPU core", "1 and 2 CPU cores"),
        ("1 x NVIDIA H200, 1 CPU core, 2 CPU cores", "1 x NVIDIA H200, 1 and 2 CPU cores"),
        ("1 CPU core, 1 CPU core without a kernel", "1 CPU core, 1 CPU core without a kernel"),
        ("2 CPU cores, 8 CPU cores, 4 CPU cores", "2, 4 and 8 CPU cores"),
    ],
)
def test_hardware_in_words(hardware, words):
    assert machines(hardware) == words


def test_cards_are_checked_where_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["cards", "--check"]) == 2
    assert "there is no folder model_cards here" in capsys.readouterr().err


def test_a_learning_curve_names_what_played(tmp_path):
    text = "generation,seed,mean\n1,0,2.0\n9,0,3.0\n"
    evolved, by_gradients = (learning_curve(name, text) for name in ("hetsnn-hp-4096", "hetsnn-hp-4096-bp"))
    assert ">Mean return of the population<" in evolved and ">generation<" in evolved
    assert ">Mean return of the update's episodes<" in by_gradients and ">update<" in by_gradients
    assert ">Mean accuracy (%) of the update's images" in learning_curve("hetsnn-mnist-4096-bp", text)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("hetsnn-hp-16384", "mean return of the centre over training seeds"),
        ("hetsnn-hp-16384-tau", "mean return of the centre over episodes of one training seed"),
        ("hetsnn-hp-16384-bp", "mean return of the greedy policy over training seeds"),
        ("hetsnn-mnist-4096", "test accuracy of the centre in %, over training seeds"),
        ("hetsnn-mnist-32768-bp", "test accuracy of the trained network in %, over training seeds"),
    ],
)
def test_the_hub_is_told_what_was_measured(name, metric):
    assert f"name: {metric}" in " ".join(make_card(zoo.load(name)).split("---")[1].split())


def test_neurons_that_only_their_start_tells_apart_are_not_called_alike(tmp_path, tiny):
    spread = train("homsnn-mem5-32", out=tmp_path, quiet=True, tau_ms=(10.0, 100.0), **tiny).folders[0]
    text = make_card(zoo.load(spread / "checkpoint"))
    assert "differ in time constants alone, 10 to 100 ms, which were not trained" in text and "all alike" not in text
