import os
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
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--quiet", "-w", str(out)]
    subprocess.run(command, check=True, capture_output=True)
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
    assert wheel.stat().st_size < 20e6


def test_installed_wheel_works_elsewhere(wheel, tmp_path):
    # The dependencies are this environment's; the zoo itself is the wheel's alone.
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], check=True, capture_output=True)
    site = next((tmp_path / "venv/lib").glob("python*/site-packages"))
    assert not {"models", "training", "checkpoints", "tests"} & {p.name for p in site.iterdir()}
    outer = [p for p in sys.path if p.endswith("site-packages")]
    script = (
        "import sys; import zoo; assert zoo.__file__.startswith(sys.prefix), zoo.__file__\n"
        "from zoo.cli import main\n"
        "assert 'models' not in sys.modules\n"
        "sys.exit(main(['eval', 'hetsnn-mem25-1024', '--training-seed', '0', '--json']))"
    )
    path = os.pathsep.join([str(site), *outer])
    done = subprocess.run([python, "-c", script], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"mean": 1.0' in done.stdout


def test_python_that_runs_in_a_clone_finds_the_whole_package():
    script = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]  # As if not installed.\n"
        "import zoo, zoo.models, zoo.training\n"
        "print(zoo.model_info('hetsnn-mem25-1024').name)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "hetsnn-mem25-1024\n", done.stderr
