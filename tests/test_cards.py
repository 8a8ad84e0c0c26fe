from pathlib import Path

import pytest
from huggingface_hub import ModelCard

import zoo
from zoo.cards import check_cards, make_card, write_cards

CARDS = Path(__file__).parent.parent / "model_cards"


def test_cards_in_the_repository_agree_with_the_checkpoints():
    assert check_cards(CARDS) == []


@pytest.mark.parametrize("name", zoo.list_models())
def test_front_matter_carries_the_measured_numbers(name):
    data = ModelCard((CARDS / f"{name}.md").read_text()).data
    (result,) = data.eval_results
    evaluation = zoo.load(name).evaluation
    assert result.metric_value == evaluation["mean"]
    assert result.metric_args["interval_95"] == evaluation["interval_95"]
    assert (data.model_name, data.license) == (name, "apache-2.0")


def test_an_edited_superfluous_or_missing_card_is_reported(checkpoint, tmp_path, monkeypatch):
    folder = tmp_path / "cards"
    folder.mkdir()
    write_cards(folder)
    assert check_cards(folder) == []
    card = folder / "hetsnn-mem25-1024.md"
    card.write_text(card.read_text().replace("**1.000**", "**1.234**"))
    (folder / "homsnn-mem25-1024.md").unlink()
    (folder / "hetsnn-mem26-1024.md").write_text("")
    problems = "\n".join(check_cards(folder))
    for name in ("hetsnn-mem25-1024", "homsnn-mem25-1024", "hetsnn-mem26-1024"):
        assert name in problems


def test_card_of_an_unpublished_checkpoint(checkpoint):
    text = make_card(zoo.load(str(checkpoint)))
    assert "zoo train hetsnn-mem5-32" in text
    assert "8 leaky integrate-and-fire" in text
