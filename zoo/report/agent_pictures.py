"""One picture of each trained agent, beside its card: an episode, classified images, or spikes while it remembers.

What a renderer makes differs from machine to machine, and takes a while; so pictures are not made anew with each
card. An index has the hash of the checkpoint that a picture shows, and a card has it as long as that is the model's.
"""

import functools
import importlib.resources
import io
from pathlib import Path

from zoo.core.json_files import read_json, write_json
from zoo.registry.families import family_of
from zoo.registry.names import parse
from zoo.store.pins import manifest_hash
from zoo.store.zoo_model import ZooModel
from zoo.tasks.base import CLASSIFICATION

INDEX = "pictures.json"
"""Of the folder of cards: hashes of manifests by model name."""
_ENDING = "-agent.png"
_COLOURS = 96
_IMAGES = 12


def store() -> Path:
    """The folder of the cards that come with the package."""
    return Path(str(importlib.resources.files("zoo.model_cards")))


def read_index(folder: Path) -> dict[str, str]:
    """Which checkpoint each picture in a folder shows."""
    path = folder / INDEX
    return read_json(path) if path.is_file() else {}


def picture_of(model: ZooModel) -> dict[str, bytes]:
    """The picture by its file's name; empty where the package has none of this checkpoint."""
    path = store() / f"{model.name}{_ENDING}"
    if read_index(store()).get(model.name) != manifest_hash(model.path) or not path.is_file():
        return {}
    return {path.name: path.read_bytes()}


def shown(model: ZooModel) -> list[str]:
    """Lines of a card that show the picture, where there is one."""
    name = parse(model.name)
    what = _DRAWN[_kind(model)][1].format(task=family_of(name.task).label(name.task), seed=model.seeds[0])
    return [line for file in picture_of(model) for line in ("", f"![{what}]({file})")]


def draw_picture(model: ZooModel, folder: Path) -> Path:
    """Makes the picture of a model and books it.

    Args:
        model: a loaded model.
        folder: of the cards.
    """
    from PIL import Image

    drawn = Image.open(io.BytesIO(_DRAWN[_kind(model)][0](model))).convert("RGB")
    path = folder / f"{model.name}{_ENDING}"
    few = drawn.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, format="PNG", optimize=True)
    write_json(folder / INDEX, dict(sorted((read_index(folder) | {model.name: manifest_hash(model.path)}).items())))
    return path


def drop_others(folder: Path, kept: set[str]) -> None:
    """Removes pictures, and what the index has of them, of models that are not those with these files."""
    index = {name: digest for name, digest in read_index(folder).items() if f"{name}{_ENDING}" in kept}
    if index != read_index(folder):
        write_json(folder / INDEX, index)
    for path in other_files(folder, kept):
        path.unlink()


def other_files(folder: Path, kept: set[str]) -> list[Path]:
    """Pictures in a folder whose files are not among these."""
    return sorted(path for path in folder.glob(f"*{_ENDING}") if path.name not in kept)


def _kind(model: ZooModel) -> str:
    if model.task().kind == CLASSIFICATION:
        return "images"
    return "episode" if family_of(parse(model.name).task).scene else "raster"


def _episode(model: ZooModel) -> bytes:
    from zoo.rendering.pictures import still
    from zoo.rendering.replay import play

    return still(play(model))


def _raster(model: ZooModel) -> bytes:
    from zoo.analysis.firing import record
    from zoo.drawing.firing import raster

    recording = record(model)
    draw, size = raster(recording, model.neurons(recording.seed)["tau_ms"])
    return _png(draw, size)


def _images(model: ZooModel) -> bytes:
    from zoo.tasks.image_data import SIDE, load_images

    name = parse(model.name).task
    pixels, labels = load_images(name, "test")
    pixels, labels = pixels[:_IMAGES], labels[:_IMAGES]
    classes = model.classify(pixels)
    return _png(functools.partial(_strip, model, pixels.reshape(-1, SIDE, SIDE), labels, classes), (9.0, 1.5))


def _strip(model, images, labels, classes, figure) -> None:
    """Images side by side, with the class that the network gives each, and the right one where that is another."""
    from zoo.drawing.style import VERMILION
    from zoo.tasks.image_data import SETS

    names = SETS[parse(model.name).task].classes
    for axes, image, label, given in zip(figure.subplots(1, len(images)), images, labels, classes, strict=True):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        right = given == label
        text = names[given] if right else f"{names[given]}\n(is {names[label]})"
        axes.set_xlabel(text, fontsize=8, color="black" if right else VERMILION)
    figure.suptitle(f"{model.name}, training seed {model.seeds[0]}: the first test images", fontsize=10)


def _png(draw, size: tuple[float, float]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    draw(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


_DRAWN = {
    "episode": (
        _episode,
        "{task}, an episode of training seed {seed}: poses, spikes of neurons by time constant, rewards summed",
    ),
    "raster": (
        _raster,
        "Spikes of training seed {seed} from the bit to the answer, by time constant; their rate",
    ),
    "images": (_images, "{task}'s first test images, and what training seed {seed} takes them for"),
}
"""Who draws a picture, and what it shows in words, by its kind."""
