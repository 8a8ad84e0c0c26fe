from types import MappingProxyType

import pytest

import zoo
from zoo.registry import aliases


@pytest.fixture
def renamed(monkeypatch):
    monkeypatch.setattr(aliases, "ALIASES", MappingProxyType({"hetsnn-mem24-1024": "hetsnn-mem25-1024"}))


def test_an_old_name_loads_todays_model_with_a_warning(renamed):
    with pytest.warns(FutureWarning, match="'hetsnn-mem24-1024' is now called 'hetsnn-mem25-1024'"):
        assert zoo.load("hetsnn-mem24-1024").name == "hetsnn-mem25-1024"
    with pytest.warns(FutureWarning, match="is now called"):
        assert zoo.model_info("hetsnn-mem24-1024").name == "hetsnn-mem25-1024"


def test_todays_names_are_not_touched(renamed):
    assert aliases.canonical("hetsnn-mem25-1024") == "hetsnn-mem25-1024"


def wrong(names):
    """Old names that lead nowhere, or hide a published model."""
    published = zoo.list_models()
    return [old for old, new in names.items() if new not in published or old in published]


def test_aliases_lead_to_published_names_and_hide_none():
    assert wrong(aliases.ALIASES) == []
    made = {"old": "hetsnn-mem25-1024", "lost": "hetsnn-mem24-1024", "hetsnn-mem5-1024": "hetsnn-mem25-1024"}
    assert wrong(made) == ["lost", "hetsnn-mem5-1024"]
