from types import MappingProxyType

import pytest

import zoo
from zoo.registry import aliases
from zoo.registry.names import parse


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


def test_aliases_lead_to_published_names_and_hide_none():
    published = set(zoo.list_models())
    for old, new in aliases.ALIASES.items():
        parse(new)
        assert new in published
        assert old not in published
