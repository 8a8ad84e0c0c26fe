"""Python blocks of README and of pages that teach run as they stand, one after the other, as a reader types them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/index.md", "docs/start.md", "docs/use.md", "docs/analyse.md", "docs/retrain.md")


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, hub, checkpoint, tmp_path, monkeypatch):
    pytest.importorskip("gymnasium")
    hub.add("org/name", checkpoint, branch="revision")
    monkeypatch.chdir(tmp_path)
    names = {}
    found = blocks(page)
    assert found
    for number, block in enumerate(found):
        exec(compile(block, f"{page}, Python block {number}", "exec"), names)
    if page == "docs/use.md":
        assert names["reward"] == 1.0
