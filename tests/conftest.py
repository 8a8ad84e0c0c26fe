"""Shared, small: eight virtual CPU devices, one compilation cache, one tiny trained model."""

import os
import tempfile
from pathlib import Path

_MEANT_FOR_TESTS = ("ZOO_DATA_DIR", "ZOO_READERS", "ZOO_TEST_JAX_CACHE")
for _name in list(os.environ):  # What the user has set for the zoo, or for a terminal, is not what is tested here.
    if _name.startswith(("ZOO_", "HETSNN_ZOO_")) and _name not in _MEANT_FOR_TESTS:
        del os.environ[_name]
for _name in ("FORCE_COLOR", "COLUMNS"):
    os.environ.pop(_name, None)
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # On a machine with a GPU, JAX_PLATFORMS=cuda,cpu runs its tests.

_OWN = Path(tempfile.gettempdir()) / f"hetsnn-zoo-tests-{os.getuid()}"  # Another user's cannot be written to.
_CACHE = os.environ.get("ZOO_TEST_JAX_CACHE", str(_OWN / "jax"))
os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE  # Processes that tests start compile nothing anew either.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"

import jax  # noqa: E402
import jaxtyping  # noqa: E402
import pytest  # noqa: E402

_CHECKED = ["zoo.models", "zoo.tasks.observations", "zoo.training.methods.pgpe", "zoo.analysis.jacobians"]
jaxtyping.install_import_hook(_CHECKED, "beartype.beartype")  # Shapes as they are annotated, or it fails.

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # Nothing listens there: no test asks the real Hub,
os.environ["HF_HUB_CACHE"] = str(_OWN / "hub")  # or finds its cache.
jax.config.update("jax_num_cpu_devices", 8)


@pytest.fixture(scope="session")
def tiny():
    """Recipe fields of a training that takes a moment."""
    return {"seeds": 2, "population": 8, "generations": 4}


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, tiny):
    """Run folder of a finished small training of hetsnn-mem5-32."""
    from zoo.training import train

    out = tmp_path_factory.mktemp("runs")
    return train("hetsnn-mem5-32", out=out, quiet=True, **tiny).folders[0]


@pytest.fixture(autouse=True, scope="module")
def room_for_programs():
    """One process may run all tests."""
    from zoo.core.programs import make_room_for_programs

    make_room_for_programs()


@pytest.fixture
def checkpoint(tiny_run, tmp_path):
    """A checkpoint folder that the test may damage."""
    import shutil

    return Path(shutil.copytree(tiny_run / "checkpoint", tmp_path / "hetsnn-mem5-32"))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub on this machine's loopback, with an empty cache and nobody's token."""
    from hub_server import HubServer

    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "ZOO_HUB_ORG", "ZOO_CHECKPOINTS"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def trivial_physics(monkeypatch):
    """Brax's environment for its own unit tests in others' place: trainings without minutes of compilation."""
    from zoo.tasks import brax
    from zoo.tasks.compiled import find_kernel

    for name in ("hp", "hc"):
        monkeypatch.setitem(brax.ENVIRONMENTS, name, "fast")
        monkeypatch.delitem(brax._SIZES, name)
    kept = (brax.make_environment, brax._observation_size, find_kernel)
    for made in kept:
        made.cache_clear()
    yield
    for made in kept:
        made.cache_clear()
