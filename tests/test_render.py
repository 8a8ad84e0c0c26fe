"""Episodes as pictures: geometry in closed form, bodies as Brax has them, files as their readers see them."""

import base64
import io
import json
import re

import jax
import numpy as np
import pytest
from browser import CHROMIUM, DRIVER, Browser
from PIL import Image

import zoo
from zoo.cli import main
from zoo.rendering import KINDS, Geom, play
from zoo.rendering.page import make_page
from zoo.rendering.pictures import animation, density, outline, pace, projection, rotate, still
from zoo.rendering.scene import make_scene
from zoo.tasks import make_task

STEPS = 8
STILL = (1.0, 0.0, 0.0, 0.0)
SIDE = projection(0, 0)
pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.


@pytest.fixture(scope="module")
def hopper():
    return play(zoo.load("hetsnn-hp-4096"), 1, steps=STEPS)


@pytest.fixture(scope="module")
def cartpole():
    return play(zoo.load("hetsnn-cartpole100-1024"), steps=30)


def test_a_quarter_turn_about_y_takes_z_to_x():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(rotate((half, 0, half, 0), np.array([0.0, 0.0, 2.0])), (2, 0, 0), atol=1e-12)


def test_views_are_rotations_and_begin_from_the_side():
    np.testing.assert_allclose(SIDE, [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)
    view = projection(30, 40)
    np.testing.assert_allclose(view @ view.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view) == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "size", "width", "height"),
    [("Sphere", (0.3, 0, 0), 0.6, 0.6), ("Capsule", (0.1, 0.5, 0), 0.2, 1.2), ("Box", (0.2, 0.7, 0.4), 0.4, 0.8)],
)
def test_outlines_have_the_shapes_extent(kind, size, width, height):
    geom = Geom(kind=kind, body=0, position=(0, 0, 1), rotation=STILL, size=size, rgb=(0, 0, 0))
    corners, depth = outline(geom, np.array([5.0, 3.0, 0.0]), np.array(STILL), SIDE)
    np.testing.assert_allclose(np.ptp(corners, axis=0), (width, height), rtol=1e-9)
    np.testing.assert_allclose((corners.max(0) + corners.min(0)) / 2, (5, 1), rtol=1e-9)
    assert depth == pytest.approx(-3)


def test_bodies_are_where_brax_has_them(hopper):
    environment = make_task("hp").environment
    key = jax.random.fold_in(jax.random.key(0), 0)
    x = jax.jit(environment.reset)(key).pipeline_state.x
    np.testing.assert_allclose(hopper.scene.positions[0], x.pos, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(hopper.scene.rotations[0], x.rot, rtol=1e-5, atol=1e-6)
    assert hopper.scene.dt_s == pytest.approx(float(environment.dt))
    assert len(hopper.scene.positions) == len(hopper.rewards) == len(hopper.spikes) == STEPS
    assert np.ptp(hopper.scene.positions, axis=0).max() > 1e-3


def test_a_fallen_pole_lies_to_the_right():
    scene = make_scene(make_task("cartpole500"), (np.array([0.5]), np.array([np.pi / 2])))
    pole = scene.geoms[2]
    corners, _ = outline(pole, scene.positions[0, 1], scene.rotations[0, 1], SIDE)
    assert corners[:, 0].max() == pytest.approx(0.5 + 1.0 + pole.size[0])
    assert np.ptp(corners[:, 1]) == pytest.approx(2 * pole.size[0])


def test_shown_neurons_go_from_short_to_long_time_constants(cartpole):
    model = zoo.load("hetsnn-cartpole100-1024")
    from zoo.analysis.firing import record

    whole = record(model, model.seeds[0], steps=30)
    order = np.argsort(model.neurons(model.seeds[0])["tau_ms"], kind="stable")
    np.testing.assert_array_equal(cartpole.spikes, whole.spikes[:, order])
    assert cartpole.neurons == "256 hidden neurons, by time constant"


def test_density_is_the_share_of_steps_with_a_spike():
    spikes = np.array([[1, 0], [1, 0], [0, 0], [1, 1], [0, 1]], float)
    np.testing.assert_allclose(density(spikes, 2), [[1, 1 / 3], [0, 2 / 3]])
    np.testing.assert_array_equal(density(spikes, 99), spikes.T)


@pytest.mark.parametrize(
    ("frames", "dt_s", "expected"), [(100, 0.05, (1, 0.05)), (351, 0.008, (7, 0.056)), (1000, 0.05, (5, 0.1))]
)
def test_animations_keep_time_until_they_would_be_too_long(frames, dt_s, expected):
    assert pace(frames, dt_s) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["hopper", "cartpole"])
def test_pictures_show_bodies_and_time(name, request):
    replay = request.getfixturevalue(name)
    picture = Image.open(io.BytesIO(still(replay)))
    assert picture.format == "PNG" and picture.width > 1000
    film = Image.open(io.BytesIO(animation(replay)))
    stride, seconds = pace(len(replay.rewards), replay.scene.dt_s)
    assert film.n_frames == len(range(0, len(replay.rewards), stride))
    film.seek(0)
    assert film.info["duration"] == round(1000 * seconds, -1)  # GIF counts in hundredths of a second.
    first = np.asarray(film.convert("RGB"), int)
    film.seek(film.n_frames - 1)
    changed = np.abs(np.asarray(film.convert("RGB"), int) - first).sum(-1) > 60
    assert changed[:, : changed.shape[1] // 2].any() and changed[:, changed.shape[1] // 2 :].any()


def test_page_holds_the_episode_and_asks_for_nothing(hopper):
    page = make_page(hopper)
    episode = json.loads(re.search(r'id="episode">(.*?)</script>', page, re.DOTALL)[1])
    bits = np.unpackbits(np.frombuffer(base64.b64decode(episode["spikes"]), np.uint8))[: hopper.spikes.size]
    np.testing.assert_array_equal(bits.reshape(hopper.spikes.shape), hopper.spikes)
    positions = [frame["pos"] for frame in episode["system"]["states"]["x"]]
    np.testing.assert_allclose(positions, hopper.scene.positions, atol=1e-4)
    assert sum(episode["rewards"]) == pytest.approx(hopper.rewards.sum(), abs=1e-2)
    imports = json.loads(re.search(r'type="importmap">(.*?)</script>', page, re.DOTALL)[1])["imports"]
    assert all(address.startswith("data:text/javascript;base64,") for address in imports.values())
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
    assert "default-src 'none'" in page


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its driver")
@pytest.mark.parametrize("name", ["hopper", "cartpole"])
def test_a_browser_plays_the_page_without_network(name, request, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(make_page(request.getfixturevalue(name)))
    with Browser(tmp_path / "profile", "--enable-unsafe-swiftshader", "--use-angle=swiftshader") as browser:
        browser.requested()
        browser.look(width=900, height=500)
        browser.open(path)
        moved = "const start = performance.now(); (function look() { const time = viewer.animator.time;"
        moved += "if (time > 0 || performance.now() - start > 2e4) done(time); else requestAnimationFrame(look); })()"
        assert browser.wait_for(moved) > 0
        bodies = browser.run("return viewer.scene.children.filter(c => c.name).map(c => c.name)")
        assert bodies == ["world", *request.getfixturevalue(name).scene.bodies]
        drawn = "return [...document.querySelectorAll('canvas.plot')].map(c => c.getContext('2d')"
        drawn += ".getImageData(0, 0, c.width, c.height).data.some(v => v))"
        assert browser.run(drawn) == [True, True]
        asked = {url for url in browser.requested() if not url.startswith(("data:", "chrome", "blob:"))}
        assert asked <= {path.as_uri()}
        assert [entry for entry in browser.log("browser") if entry["level"] == "SEVERE"] == []


def test_the_command_writes_what_the_ending_says(tmp_path, capsys):
    target = tmp_path / "new" / "run.png"
    assert main(["render", "hetsnn-cartpole100-1024", "-o", str(target), "--steps", "5", "--episode-seed", "3"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "output", "options", "message"),
    [
        ("hetsnn-cartpole100-1024", "run.mp4", [], f"must end in .{', .'.join(KINDS[:-1])} or .{KINDS[-1]}"),
        ("hetsnn-mem5-1024", "run.png", [], "mem5 has no bodies to draw; .*cartpole{limit}, ant, hc, hp, wal"),
        ("hetsnn-cartpole100-1024", "run.png", ["--steps", "0"], r"steps \(=0\) must be at least 1"),
        ("hetsnn-cartpole100-1024", "run.png", ["--seed", "77"], "seed 77 is not among"),
    ],
)
def test_what_cannot_be_rendered_is_explained(name, output, options, message, tmp_path, capsys):
    assert main(["render", name, "-o", str(tmp_path / output), *options]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
