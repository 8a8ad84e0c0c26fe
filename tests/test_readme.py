"""README's Python blocks run as they stand there, one after the other, as a reader would type them."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_readmes_blocks_run(hub, checkpoint, tmp_path, monkeypatch):
    pytest.importorskip("gymnasium")
    hub.add("org/name", checkpoint, branch="revision")
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == 4
    names = {}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"README.md, Python block {number}", "exec"), names)
    assert names["reward"] == 1.0
