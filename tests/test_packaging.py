import os
import re
import resource
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return path


def packages():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_source_package_is_listed():
    listed = set(packages()["packages"])
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "zoo").rglob("__init__.py")}
    for top in ("models", "training", "checkpoints", "model_cards"):
        found |= {".".join(("zoo", *p.parent.relative_to(ROOT).parts)) for p in (ROOT / top).rglob("__init__.py")}
    assert listed == found


def test_wheel_has_all_sources_and_checkpoints_and_nothing_at_the_top_level_but_zoo(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names} == {
        "zoo",
        next(n for n in names if ".dist-info" in n).split("/")[0],
    }
    where = {"zoo": "zoo"} | {k: v for k, v in packages()["package-dir"].items()}
    for package in packages()["packages"]:
        folder = ROOT / where.get(package, package.replace(".", "/").replace("zoo/training/", "training/"))
        for path in folder.glob("*.py"):
            assert f"{package.replace('.', '/')}/{path.name}" in names
    for path in (ROOT / "checkpoints").rglob("*"):
        inside = path.relative_to(ROOT / "checkpoints").as_posix()
        if path.is_file() and "/state/" not in f"/{inside.split('/', 1)[-1]}" and "__pycache__" not in inside:
            assert f"zoo/checkpoints/{inside}" in names, inside


def test_wheel_stays_small(wheel):
    assert wheel.stat().st_size < 30e6


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment with the wheel in it, in an empty folder; the dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("stranger")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], check=True, capture_output=True)
    site = next((folder / "venv/lib").glob("python*/site-packages"))
    outer = [p for p in sys.path if p.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(outer))
    return folder


def run_there(folder, command):
    """Runs a command in the folder, with what is installed there first on the path; returns its processor time.

    The home is new: what these tests have compiled before is not there.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("JAX_")}
    home = {"HOME": f"{folder}/home", "XDG_CACHE_HOME": f"{folder}/home/.cache"}
    there = kept | home | {"PATH": f"{folder}/venv/bin:{os.environ['PATH']}", "JAX_PLATFORMS": "cpu"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_installed_wheel_is_the_zoo_and_puts_nothing_else_beside_it(installed):
    site = next((installed / "venv/lib").glob("python*/site-packages"))
    assert not {"models", "training", "checkpoints", "tests"} & {p.name for p in site.iterdir()}
    script = "import sys, zoo; assert zoo.__file__.startswith(sys.prefix), zoo.__file__"
    script += "; assert 'models' not in sys.modules"
    run_there(installed, ["python", "-c", script])


def test_a_strangers_path(installed):
    """The quick start as it stands on its page, typed where nothing but the wheel is: in three minutes of a core."""
    page = (ROOT / "docs/start.md").read_text(encoding="utf-8")
    (shell,) = re.findall(r"^<!-- quick start -->\n```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    said, shell_seconds = run_there(installed, ["bash", "-euo", "pipefail", "-c", shell])
    assert "hetsnn-mem25-1024: mean return 1.0000" in said
    assert (installed / "raster.svg").stat().st_size > 10_000
    assert "checkpoint: runs/hetsnn-mem5-256/checkpoint" in said
    (installed / "typed.py").write_text(code)
    said, code_seconds = run_there(installed, ["python", "typed.py"])
    assert said.startswith("1.0\n")
    assert shell_seconds + code_seconds < 180


def test_python_that_runs_in_a_clone_finds_the_whole_package():
    script = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]  # As if not installed.\n"
        "import zoo, zoo.models, zoo.training\n"
        "print(zoo.model_info('hetsnn-mem25-1024').name)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "hetsnn-mem25-1024\n", done.stderr
