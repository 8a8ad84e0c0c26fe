"""Pictures of agents: small, of the checkpoint that the index names, and shown by cards as long as they are."""

import io
import json
import shutil
from pathlib import Path

import pytest
from image_files import tiny_sets
from PIL import Image

import zoo
from zoo.cli.main import main
from zoo.report import agent_pictures
from zoo.report.agent_pictures import draw_picture, picture_of, read_index
from zoo.report.card_index import check_cards, write_cards
from zoo.report.cards import make_card, make_files
from zoo.report.site import make_pages, write_site
from zoo.store.pins import manifest_hash

CARDS = Path(__file__).parent.parent / "model_cards"


def test_the_published_pictures_are_small_and_of_the_published_models():
    index = read_index(CARDS)
    files = sorted(CARDS.glob("*-agent.png"))
    assert [file.name.removesuffix("-agent.png") for file in files] == sorted(index)
    for file in files:
        assert file.stat().st_size < 150_000
        with Image.open(file) as picture:
            assert picture.format == "PNG" and 600 < picture.width < 1400
    assert sum(file.stat().st_size for file in files) < 35_000 * len(files)
    assert set(index) <= set(zoo.list_models())


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder of cards of its own, as if it came with the package, with one published model."""
    folder = tmp_path / "cards"
    folder.mkdir()
    monkeypatch.setattr(agent_pictures, "store", lambda: folder)
    monkeypatch.setattr("zoo.report.card_index.store", lambda: folder)
    monkeypatch.setattr("zoo.report.card_index.list_models", lambda *_: ["hetsnn-mem5-1024"])
    return folder


def test_a_picture_is_drawn_shown_and_dropped_with_its_checkpoint(store, tmp_path, monkeypatch, capsys):
    model = zoo.load("hetsnn-mem5-1024")
    assert picture_of(model) == {} and "-agent.png" not in make_card(model)
    assert main(["cards", str(store), "--pictures"]) == 0
    assert "hetsnn-mem5-1024-agent.png" in capsys.readouterr().out
    (file,) = store.glob("*.png")
    assert json.loads((store / "pictures.json").read_text()) == {model.name: manifest_hash(model.path)}
    assert f"]({file.name})" in make_card(model)
    assert make_files(model)[file.name] == file.read_bytes()
    assert check_cards(store) == []
    with monkeypatch.context() as patch:
        patch.setattr("zoo.report.card_index.draw_picture", lambda *_: pytest.fail("drawn again"))
        assert main(["cards", str(store), "--pictures"]) == 0
    assert "-agent.png" not in capsys.readouterr().out
    # It stands on the site, and in what is published.
    write_site(tmp_path / "site", make_pages("hetsnn-mem5-1024"))
    assert (tmp_path / "site/models" / file.name).read_bytes() == file.read_bytes()
    assert file.name in zoo.publish("hetsnn-mem5-1024", "a/b", dry_run=True).files
    # Of another checkpoint it is told, and gone when cards are written.
    (store / "pictures.json").write_text(json.dumps({model.name: "sha256:" + "0" * 64}))
    assert any(file.name in problem for problem in check_cards(store))
    write_cards(store)
    assert not file.exists() and read_index(store) == {} and check_cards(store) == []


def test_a_copy_of_the_cards_has_the_pictures(store, tmp_path):
    draw_picture(zoo.load("hetsnn-mem5-1024"), store)
    other = tmp_path / "other"
    other.mkdir()
    write_cards(other)
    assert (other / "hetsnn-mem5-1024-agent.png").is_file() and check_cards(other) == []
    with pytest.raises(ValueError, match="not the folder of the zoo's own cards"):
        from zoo.report.card_index import draw_pictures

        draw_pictures(other, "*", print)


def test_a_pattern_that_no_model_matches_is_refused(store, monkeypatch, capsys):
    monkeypatch.setattr("zoo.report.card_index.list_models", zoo.list_models)
    assert main(["cards", str(store), "--pictures", "hetsnn-mem5-1024,hetsnn-mem10-1024"]) == 2
    assert "no published model matches 'hetsnn-mem5-1024,hetsnn-mem10-1024'" in capsys.readouterr().err


def test_images_are_shown_with_what_they_are_taken_for(store, monkeypatch, tmp_path):
    tiny_sets(monkeypatch, tmp_path / "data")
    path = draw_picture(zoo.load("hetsnn-fmnist-4096", seed=0), store)
    with Image.open(io.BytesIO(path.read_bytes())) as picture:
        assert picture.width > 5 * picture.height
    shutil.rmtree(store)
