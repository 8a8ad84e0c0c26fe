"""What a look at today's releases says of an earlier one."""

import importlib.util
from pathlib import Path

spec = importlib.util.spec_from_file_location("releases", Path(__file__).parent.parent / "benchmarks" / "releases.py")
releases = importlib.util.module_from_spec(spec)
spec.loader.exec_module(releases)


def test_what_moved_is_said_line_by_line(monkeypatch):
    newest = {"jax": "0.12.0", "rich": "15"}
    answers = {("jax<0.12", "rich"): {"jax": "0.11.2", "rich": "15"}, **{(k,): {k: v} for k, v in newest.items()}}
    monkeypatch.setattr(releases, "resolve", lambda python, names, *_: answers[tuple(names)])
    now = releases.look("python", ["jax<0.12", "rich"])
    assert now == {"resolved": {"jax": "0.11.2", "rich": "15"}, "newer": {"jax": "0.12.0"}}
    before = {"resolved": {"jax": "0.11.1", "rich": "15", "six": "1"}, "newer": {}}
    assert releases.differences(before, now) == [
        "resolved: jax 0.11.1 -> 0.11.2",
        "resolved: six 1 -> none",
        "newer: jax none -> 0.12.0",
    ]
    assert releases.differences(now, now) == []


def test_what_cannot_be_resolved_is_said(monkeypatch):
    monkeypatch.setattr(releases, "resolve", lambda *_: "ERROR: no set of versions")
    now = releases.look("python", ["jax"])
    assert releases.differences({}, now) == ["cannot be resolved: ERROR: no set of versions"]
