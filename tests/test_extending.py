"""The examples of docs/extending.md as a package of its own, installed outside of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import TOKEN, HubServer

PAGE = Path(__file__).parent.parent / "docs/extending.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder that stands for site-packages: the page's module, and metadata with the page's entry points."""
    site = tmp_path_factory.mktemp("site")
    blocks = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    (site / "my_zoo.py").write_text("\n".join(text for kind, text in blocks if kind == "python"))
    (toml,) = (text for kind, text in blocks if kind == "toml")
    groups = re.sub(r'\[project\.entry-points\."(.*)"\]', r"[\1]", toml).replace('"', "")
    metadata = site / "my_zoo-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-zoo\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(groups)
    return site


def run(site, folder, *arguments, **environment):
    """Runs the `zoo` command where the package is installed, and returns what it prints."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "zoo.cli", *arguments],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


TINY = ("--seeds", "1", "--generations", "2", "--population", "4", "--quiet")
EXAMPLES = {
    "hetsnn-mountaincar9-16": ((), "MountainCar-v0 with episodes of at most 9 steps", "PGPE"),
    "hetsnn-pointmass-16": ((), "holding a mass on a line", "PGPE"),
    "homsnn-reacher-24": (("--episode-limit", "3"), "Brax's `reacher`", "PGPE"),
    "hetsnn-mem5-32-cma": ((), "bsuite's memory length task with 5 steps", "CMA-ES, 4 members"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_trains_evaluates_and_is_published_and_loaded_back(installed, tmp_path, name):
    options, task, method = EXAMPLES[name]
    run(installed, tmp_path, "train", name, *TINY, *options)
    here = {"ZOO_CHECKPOINTS": str(tmp_path / "checkpoints")}
    shutil.copytree(tmp_path / "runs" / name / "checkpoint", tmp_path / "checkpoints" / name)
    assert name in run(installed, tmp_path, "list", **here)
    assert f"holds  {name}" in run(installed, tmp_path, "verify", name, "--compiled", **here)
    card = run(installed, tmp_path, "card", name, **here)
    assert task in card
    assert method in card
    assert f"zoo train {name}" in card
    with HubServer() as hub:
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "cache"), "no_proxy": "127.0.0.1"}
        run(installed, tmp_path, "publish", name, "--repo", f"me/{name}", **here | there | {"HF_TOKEN": TOKEN})
        assert name in run(installed, tmp_path, "eval", f"hf://me/{name}", **there)


@pytest.mark.parametrize(("name", "action"), [("hetsnn-mountaincar9-16", ["action"]), ("hetsnn-pointmass-16", [])])
def test_files_for_others_have_the_action_where_they_can(installed, tmp_path, name, action):
    onnx = pytest.importorskip("onnx")
    run(installed, tmp_path, "train", name, *TINY)
    run(installed, tmp_path, "export-weights", f"runs/{name}/checkpoint", "-o", "a.onnx")
    file = onnx.load(tmp_path / "a.onnx")
    assert [port.name for port in file.graph.output] == [*action, "spikes", "next_v", "next_readout"]
    (said,) = [json.loads(entry.value) for entry in file.metadata_props]
    assert said["action_map"] == ("argmax(readout)" if action else "pointmass's own, which this file does not hold")


def test_help_has_the_tasks_of_other_packages(installed, tmp_path):
    assert "mountaincar" in run(installed, tmp_path, "list", "--help")
