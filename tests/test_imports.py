"""What starts fast imports little: what each use of the zoo must not import."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import zoo

SIMULATORS = {"brax", "gymnax", "evosax", "torch", "matplotlib", "scipy", "pandas"}
ARRAYS = SIMULATORS | {"jax", "numpy"}
FILES = SIMULATORS | {"flax", "orbax", "optax"}


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import zoo", ARRAYS),
        ("import zoo.registry.names as n; n.LARGEST_NUMBER", ARRAYS),
        ("from zoo.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass", ARRAYS),
        ("from zoo.cli import main; main(['list', 'hetsnn-mem*'])", FILES),
    ],
    ids=["import", "names", "help", "list"],
)
def test_starts_without(code, heavy):
    check = f"import sys; print(*sorted({heavy} & {{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_names_of_packages_that_import_when_used_are_found():
    code = "import zoo; print(zoo.models.neuron.lif_step is zoo.models.lif_step, zoo.models.PROPERTIES, zoo.Family)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True ('x_tau', 'v_th', 'v_rest', 'r') <class ")
    with pytest.raises(AttributeError, match=r"zoo\.models.* has no attribute 'nothing'"):
        zoo.models.nothing  # noqa: B018


@pytest.mark.parametrize("package", ["zoo", "zoo.models", "zoo.evaluation", "zoo.training", "zoo.analysis"])
def test_no_public_name_is_also_a_modules(package):
    """Python would put the module in the name's place as soon as it is imported."""
    found = importlib.import_module(package)
    modules = {module.name for module in pkgutil.iter_modules(found.__path__)}
    assert not modules & set(found.__all__)
