"""What an installation does to the machine that it is on: nothing that was not asked for."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from zoo.core.arrays import read_arrays, write_arrays
from zoo.core.errors import ZooError
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
    monkeypatch.setattr(devices.jax, "default_backend", lambda: "cpu")
    monkeypatch.setattr(devices.os.path, "exists", lambda path: True)
    found = [Distribution("jax_cuda12_plugin", version), Distribution("numpy", "2.0")]
    monkeypatch.setattr(devices.importlib.metadata, "distributions", lambda: found)
    with pytest.raises(ZooError, match=f"jax-cuda12-plugin {version} and a GPU are here.*{message}"):
        devices.check_plugin()
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    devices.check_plugin()
    monkeypatch.delenv("JAX_PLATFORMS")
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
