"""A short part of the campaign of `tests/kills.py`."""

import random

from kills import Case, Moment, campaign


def test_a_training_killed_in_its_saves_and_exports_ends_with_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("kills.PHASES", ("save", "export"))
    killed, problems = campaign(Case("mem", 1, tmp_path / "mem"), 3, random.Random(0))
    assert problems == []
    assert sum(killed.values()) == 3 and killed["zoo export"] == 1


def test_a_difference_is_seen(tmp_path, monkeypatch):
    case, ends = Case("mem", 1, tmp_path / "mem"), iter([{"a": b"1"}, {"a": b"2"}, {"a": b"1"}])
    monkeypatch.setattr(Case, "run", lambda *_, export=False, moment=None, **__: _status(moment))
    monkeypatch.setattr(Case, "content", lambda *_: next(ends))
    _, problems = campaign(case, 1, random.Random(0))
    assert problems == ["mem, 1 device(s), killed0: a differs"]


def _status(moment: Moment | None):
    return (-9 if moment else 0), {"save": 3, "export": 3}, 1.0, 1.0
