"""What an installation does to the machine that it is on: nothing that was not asked for."""

import os
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

import zoo
from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import ZooError
from zoo.core.packages import requirements
from zoo.registry.recipe import default_recipe, override
from zoo.registry.settings import as_float32
from zoo.training.run import devices

ROOT = Path(__file__).parent.parent


def test_loading_robots_leaves_the_working_directory_and_the_home_as_they_were(tmp_path):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    code = "from zoo.tasks.brax import make_environment as m; [m(n, 'spring') for n in ('ant', 'hc', 'hp', 'wal')]"
    environment = os.environ | {"HOME": str(home), "JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=here, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "settotalmass" not in result.stderr + result.stdout
    assert list(here.iterdir()) == [] and [p.name for p in home.rglob("*")] == []


OPTIONAL = ("brax", "mujoco", "gymnax", "six", "llvmlite", "matplotlib", "markdown_it", "shtab")
_BLOCKED = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {OPTIONAL}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)
sys.meta_path.insert(0, Blocked())
import zoo
for name in ("hetsnn-hp-4096", "hetsnn-mem5-1024", "hetsnn-cartpole500-1024"):
    model = zoo.load(name)
    try:
        zoo.evaluate(model, episodes=2)
    except zoo.MissingPackageError as error:
        print(error)
print(zoo.load("hetsnn-mnist-4096").classify(__import__("numpy").zeros((1, 784), "uint8")).shape)
print(len(zoo.list_models()), zoo.model_info("hetsnn-hp-4096").parameters)
"""


def test_what_lacks_a_package_says_how_to_get_it_and_the_rest_works():
    result = subprocess.run([sys.executable, "-c", _BLOCKED], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    robots, memory, cartpole, classified, listed = result.stdout.splitlines()
    assert "the physics of robots needs brax, mujoco, mujoco-mjx" in robots and "pip install 'brax<0.15" in robots
    assert memory.startswith("memory length needs gymnax, six") and cartpole.startswith("CartPole needs gymnax")
    assert classified == "(1,)" and listed.split() == [str(len(zoo.list_models())), "4096"]


def test_the_documented_core_is_all_that_is_not_optional():
    text = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    core = re.search(r"pip install --no-deps hetsnn-zoo\npip install (.+?)\n```", text, re.DOTALL)[1]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in declared}
    optional = {"markdown-it-py" if name == "markdown_it" else name for name in OPTIONAL} | {"mujoco-mjx"}
    given = {re.split(r"[<>=]", part.strip("'\\"))[0] for part in core.split()} - {""}
    assert given | optional == names and not given & optional


def test_requirements_are_those_of_this_version():
    assert requirements("brax") == ["brax<0.15,>=0.14.2"] and requirements("no-such") == ["no-such"]


def content(*folders):
    """Every file below some folders, with its size and time."""
    files = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()}


_EVALUATE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv.pop(1))
import pytest
from image_files import tiny_sets
from zoo.cli import main
tiny_sets(pytest.MonkeyPatch(), Path(sys.argv.pop(1)))
sys.exit(main(["eval", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(
    "name", ["hetsnn-mem5-1024", "hetsnn-cartpole500-1024", "hetsnn-mnist-4096", "homsnn-hp-1024"]
)
def test_an_evaluation_leaves_the_machine_as_it_was(name, tmp_path):
    # The installation, the home, and the working directory, which refuses to be written to.
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir(mode=0o500)
    places = [ROOT / part for part in ("zoo", "models", "training", "checkpoints", "model_cards")]
    before, options = content(*places), ["--episodes", "30" if "mnist" in name else "2"]
    command = [sys.executable, "-c", _EVALUATE, str(ROOT / "tests"), str(tmp_path / "data")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")} | {
        "HOME": str(home),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [*command, name, "--training-seed", "0", *options], cwd=here, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert name in done.stdout and done.stderr == ""
    assert list(here.iterdir()) == []
    # gymnax imports Matplotlib, which keeps its list of fonts in the user's cache.
    assert [path for path in home.rglob("*") if path.is_file() and path.parent.name != "matplotlib"] == []
    assert content(*places) == before


def test_arrays_keep_orbaxs_mark_of_a_finished_checkpoint_without_a_path(tmp_path):
    tree = {"trained": {"r": np.arange(6, dtype=np.float32).reshape(2, 3)}}
    write_arrays(tmp_path / "params", tree)
    mark = (tmp_path / "params" / "commit_success.txt").read_text()
    assert "success" in mark and str(tmp_path) not in mark
    read_arrays(tmp_path / "params", tree)
    # As README says: plain Orbax.
    loaded = ocp.load((tmp_path / "params").resolve())
    np.testing.assert_array_equal(loaded["trained"]["r"], tree["trained"]["r"])


class Distribution:
    def __init__(self, name, version):
        self.metadata, self.version = {"Name": name}, version


@pytest.mark.parametrize(("version", "message"), [("0.1.0", "do not match jaxlib"), (None, "driver or CUDA")])
def test_a_gpu_that_jax_cannot_use_is_not_passed_over(monkeypatch, version, message):
    version = version or devices.importlib.metadata.version("jaxlib")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    config = SimpleNamespace(jax_platforms=None)  # As where nobody chose one, whatever these tests run on.
    monkeypatch.setattr(devices, "jax", SimpleNamespace(default_backend=lambda: "cpu", config=config))
    monkeypatch.setattr(devices.os.path, "exists", lambda path: True)
    found = [Distribution("jax_cuda12_plugin", version), Distribution("numpy", "2.0")]
    monkeypatch.setattr(devices.importlib.metadata, "distributions", lambda: found)
    with pytest.raises(ZooError, match=f"jax-cuda12-plugin {version} and a GPU are here.*{message}"):
        devices.check_plugin()
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    devices.check_plugin()
    monkeypatch.delenv("JAX_PLATFORMS")
    config.jax_platforms = "cpu"
    devices.check_plugin()
    config.jax_platforms = None
    monkeypatch.setattr(devices.os.path, "exists", lambda path: False)
    devices.check_plugin()


def test_going_on_with_another_number_of_devices_says_what_it_costs():
    with pytest.warns(UserWarning, match=r"was split over 2 device\(s\), and goes on over 1"):
        devices.check_split([2, 2, 0], 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        devices.check_split([1, 0], 1)


@pytest.mark.parametrize(
    "changes",
    [{"sigma": 1e39}, {"centre_lr": 1e-60}, {"v_th": 1e300}, {"tau_ms": (1e39,)}, {"tau_ms": (5.0 + 1e-9,)},
     {"expected_reward_weight": 1e40}],
)  # fmt: skip
def test_numbers_of_a_recipe_are_checked_as_float32(changes):
    with pytest.raises(ValueError, match="float32"):
        override(default_recipe("hetsnn-mem5-32"), **changes)


def test_float32_of_numbers_beyond():
    assert as_float32(1e39) == np.inf and as_float32(1e-60) == 0 and as_float32(0.1) == np.float32(0.1)
    assert jax.numpy.float32(0.5) == as_float32(0.5)
