"""The formats in which an episode can be looked at."""

from pathlib import Path

from zoo.rendering.page import make_page
from zoo.rendering.pictures import animation, still
from zoo.rendering.replay import play
from zoo.store.zoo_model import ZooModel

KINDS = ("html", "gif", "png")


def render(
    model: ZooModel, path: Path, seed: int | None = None, *, episode_seed: int = 0, steps: int | None = None
) -> Path:
    """Writes an episode as a page (.html), an animation (.gif) or a still picture (.png).

    Args:
        model: a loaded model.
        path: of the file; its ending decides.
        seed: training seed; by default the first.
        episode_seed: of the initial state.
        steps: stop after so many; by default at the end of the episode.

    Raises:
        ValueError: if the ending is another one, or as `play` says.
    """
    kind = path.suffix.lstrip(".")
    if kind not in KINDS:
        raise ValueError(f"{path} must end in .{', .'.join(KINDS[:-1])} or .{KINDS[-1]}")
    replay = play(model, seed, episode_seed=episode_seed, steps=steps)
    if kind == "html":
        content = make_page(replay).encode()
    else:
        content = animation(replay) if kind == "gif" else still(replay)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
