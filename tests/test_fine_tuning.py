"""The code of docs/fine-tuning.md runs as it stands there, on smaller numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
from image_files import tiny_sets

TEXT = (Path(__file__).parent.parent / "docs" / "fine-tuning.md").read_text(encoding="utf-8")
IMAGES, HOPPER = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.filterwarnings("ignore:(Accessing|Brax System|JAXopt)")  # Brax's own.


def run(code: str, line: str, smaller: str) -> dict:
    """The names that a block leaves, with one line in another's place."""
    assert code.count(line) == 1
    names: dict = {}
    exec(compile(code.replace(line, smaller), "docs/fine-tuning.md", "exec"), names)
    return names


def test_a_network_of_mnist_learns_other_images(monkeypatch, tmp_path):
    tiny_sets(monkeypatch, tmp_path / "data")
    names = run(IMAGES, "updates = 300", "updates = 40")
    assert names["after"] > max(names["before"], 50)
    # What was fixed is fixed, and all four properties moved.
    old, new = names["model"].parts(), names["trained"]
    assert set(new) == {"x_tau", "v_th", "v_rest", "r"}
    assert all(np.any(new[name][...] != old[name]) for name in new)


def test_a_student_hears_what_the_teacher_would_do():
    names = run(
        HOPPER, "episodes, steps, window, rounds = 64, 1000, 50, 8", "episodes, steps, window, rounds = 2, 6, 3, 2"
    )
    returns = {who: float(value) for who, value in names["returns"].items()}
    assert set(returns) == {"teacher", "student", "student, after it"}
    assert np.isfinite(list(returns.values())).all()
    seen, wanted, alive = names["played"]
    assert (seen.shape, wanted.shape, alive.shape) == ((6, 2, 11), (6, 2, 3), (6, 2))
    assert np.abs(wanted).max() <= 1
    old, new = names["student"].parts(), names["trained"]
    assert all(np.any(new[name][...] != old[name]) for name in new)
