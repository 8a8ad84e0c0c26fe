"""An episode as an animation or a still picture, drawn without a screen and without OpenGL.

Bodies are seen in parallel projection, in which a capsule is exactly the hull of two equal circles.
"""

import io
import math

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from zoo.drawing.style import BLUE, LIGHT, VERMILION
from zoo.rendering.replay import Replay
from zoo.rendering.scene import Geom, Scene

_CORNERS = 13
_STRIP = (8.6, 1.2)  # Of the poses in a still picture: width and a body's height, in inches.
_MAX_FRAMES = 200
_FRAME_S = 0.05
_COLUMNS = 500
_SIZE = (9.0, 4.0)


def rotate(quaternion: Float[np.ndarray, " 4"], vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """A vector turned by a unit quaternion (w, x, y, z)."""
    w, axis = quaternion[0], np.asarray(quaternion[1:])
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * np.asarray(vector))


def projection(azimuth_deg: float, elevation_deg: float) -> Float[np.ndarray, "3 3"]:
    """Rows: right, up and towards the viewer; at 0, 0 these are x, z and -y."""
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    towards = np.array([math.cos(e) * math.sin(a), -math.cos(e) * math.cos(a), math.sin(e)])
    right = np.array([math.cos(a), math.sin(a), 0.0])
    return np.stack([right, np.cross(towards, right), towards])


def outline(geom: Geom, position, rotation, view) -> tuple[Float[np.ndarray, "C 2"], float]:
    """Corners of a shape's outline on the picture, and how near it is.

    Args:
        geom: sphere, capsule or box.
        position: of its body.
        rotation: of its body.
        view: see `projection`.
    """
    local = [rotate(np.array(geom.rotation), np.array(end)) + geom.position for end in _ends(geom)]
    points = np.stack([view @ (position + rotate(rotation, point)) for point in local])
    depth = float(points[:, 2].mean())
    if geom.kind == "Box":
        from scipy.spatial import ConvexHull

        return points[ConvexHull(points[:, :2]).vertices, :2], depth
    first, last = points[0, :2], points[-1, :2]
    along = math.atan2(*(last - first)[::-1])
    half = along + math.pi / 2 + np.linspace(0, math.pi, _CORNERS)
    circle = geom.size[0] * np.stack([np.cos(half), np.sin(half)], axis=1)
    return np.concatenate([first + circle, last - circle]), depth


def _ends(geom: Geom):
    if geom.kind == "Box":
        return [np.array(geom.size) * (2 * np.array(corner) - 1) for corner in np.ndindex(2, 2, 2)]
    half = geom.size[1] if geom.kind == "Capsule" else 0.0
    return [(0.0, 0.0, -half), (0.0, 0.0, half)]


class Stage:
    """Draws frames of a scene into axes whose unit is the metre.

    Args:
        scene: to draw.
        axes: where; the aspect is set by the caller.
    """

    def __init__(self, scene: Scene, axes: Axes):
        self._scene, self._axes = scene, axes
        self._view = projection(scene.azimuth_deg, scene.elevation_deg)
        self._geoms = [geom for geom in scene.geoms if geom.kind != "Plane"]

    def add_bodies(self) -> PolyCollection:
        """An empty collection for `move`."""
        bodies = PolyCollection([], edgecolors=LIGHT.ink, linewidths=0.6, zorder=3)
        self._axes.add_collection(bodies)
        return bodies

    def move(self, bodies: PolyCollection, frame: int, shift: Float[np.ndarray, " 2"] | float = 0.0) -> None:
        """Puts the bodies where they are in a frame, moved on the picture by `shift`."""
        position, rotation = self._scene.positions[frame], self._scene.rotations[frame]
        drawn = [outline(geom, position[geom.body], rotation[geom.body], self._view) for geom in self._geoms]
        order = np.argsort([depth for _, depth in drawn], kind="stable")
        bodies.set_verts([drawn[i][0] + shift for i in order])
        bodies.set_facecolor([self._geoms[i].rgb for i in order])

    def centre(self, frame: int) -> Float[np.ndarray, " 2"]:
        """The first body's place on the picture, or the origin's where the camera stands still."""
        where = self._scene.positions[frame, 0] if self._scene.followed else np.zeros(3)
        return (self._view @ (where * (1.0, 1.0, 0.0)))[:2]

    def reach(self) -> tuple[float, float, float]:
        """Over all frames: largest sideways distance from `centre`, lowest and highest point."""
        frames = np.unique(np.linspace(0, len(self._scene.positions) - 1, 60).round().astype(int))
        points = []
        for frame in frames:
            position, rotation = self._scene.positions[frame], self._scene.rotations[frame]
            for geom in self._geoms:
                corners, _ = outline(geom, position[geom.body], rotation[geom.body], self._view)
                points.append(corners - self.centre(frame))
        across, up = np.concatenate(points).T
        return float(np.abs(across).max()), float(up.min()), float(up.max())

    def add_floor(self, left: float, right: float) -> None:
        """The floor: from the side a line with a mark each metre, from above lines in both directions."""
        if self._scene.elevation_deg == 0:
            self._axes.axhline(0.0, color=LIGHT.ink, linewidth=1.0, zorder=1)
            marks = np.arange(math.floor(left), math.ceil(right) + 1)
            self._axes.vlines(marks, -0.06, 0.0, color=LIGHT.ink, linewidth=0.8, zorder=1)
            return
        self._add_grid(left, right)

    def _add_grid(self, left, right):
        reach = math.ceil(max(abs(left), abs(right))) + 4
        ticks = np.arange(-reach, reach + 1)
        ends = np.array([-reach, reach])
        lines = [[(tick, end, 0.0) for end in ends] for tick in ticks]
        lines += [[(end, tick, 0.0) for end in ends] for tick in ticks]
        for line in lines:
            x, y = (np.array(line, float) @ self._view.T)[:, :2].T
            self._axes.plot(x, y, color="#c4cad0", linewidth=0.6, zorder=1)


def density(spikes: Float[np.ndarray, "T N"], columns: int) -> Float[np.ndarray, "N C"]:
    """Share of steps with a spike in at most `columns` equal stretches of time."""
    count = min(columns, len(spikes))
    edges = np.floor(np.arange(count) * len(spikes) / count).astype(int)
    sums = np.add.reduceat(spikes.astype(np.float64), edges, axis=0)
    return (sums / np.diff([*edges, len(spikes)])[:, None]).T


def _add_spikes(axes: Axes, replay: Replay) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("spikes", ["#ffffff", BLUE])
    end = replay.times_s[-1] + replay.scene.dt_s
    shares = density(replay.spikes, _COLUMNS)
    axes.imshow(
        shares,
        aspect="auto",
        origin="lower",
        extent=(0.0, end, 0.0, len(shares)),
        cmap=colours,
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
    )
    axes.set(xlim=(0.0, end), yticks=[], ylabel="neurons")
    axes.tick_params(labelbottom=False)
    axes.set_title(f"spikes of {replay.neurons}", fontsize=9, fontweight="normal", loc="left")


def _add_reward(axes: Axes, replay: Replay) -> None:
    times = np.append(replay.times_s, replay.times_s[-1] + replay.scene.dt_s)
    axes.plot(times, np.concatenate([[0.0], np.cumsum(replay.rewards)]), color=VERMILION, linewidth=1.4)
    axes.set(xlim=(0.0, times[-1]), xlabel="simulated time (s)", ylabel="rewards,\nsummed")
    axes.spines[["top", "right"]].set_visible(False)


def still(replay: Replay) -> bytes:
    """PNG: poses above the spikes, each at its moment; the sum of rewards below."""
    figure = Figure(figsize=(_SIZE[0], 5.2), layout="constrained", facecolor=LIGHT.page)
    upper, middle, lower = figure.subplots(3, 1, height_ratios=[2.2, 2.6, 0.9])
    stage = Stage(replay.scene, upper)
    side, low, high = stage.reach()
    count = int(np.clip((high - min(low, 0.0)) / _STRIP[1] * _STRIP[0] / (2.1 * side), 3, 12))
    width = max(2.1 * side, (high - min(low, 0.0)) / _STRIP[1] * _STRIP[0] / count)
    frames = ((np.arange(count) + 0.5) / count * len(replay.rewards)).astype(int)
    for slot, frame in enumerate(frames):
        place = np.array([(slot + 0.5) * width, 0.0])
        stage.move(stage.add_bodies(), frame, place - stage.centre(frame))
        label = f"{replay.times_s[frame]:.2f} s"
        upper.text(place[0], high + 0.05 * (high - low), label, ha="center", va="bottom", fontsize=8)
    if replay.scene.elevation_deg == 0:
        upper.axhline(0.0, color=LIGHT.ink, linewidth=1.0, zorder=1)
    upper.set_aspect("equal", adjustable="box")
    upper.set(xlim=(0, count * width), ylim=(min(low, 0.0) - 0.05, high + 0.25 * (high - low)))
    upper.axis("off")
    upper.set_title(f"{replay.title}: {replay.summary}", fontsize=10, fontweight="bold")
    _add_spikes(middle, replay)
    _add_reward(lower, replay)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()


def pace(frames: int, dt_s: float) -> tuple[int, float]:
    """Every how many frames an animation shows one, and for how long, in s.

    At least 0.05 s each, and at most 200 of them; a long episode is shown faster than it was.
    """
    stride = max(1, math.ceil(_FRAME_S / dt_s - 1e-9), math.ceil(frames / _MAX_FRAMES))
    return stride, min(stride * dt_s, 2 * _FRAME_S)


def animation(replay: Replay) -> bytes:
    """GIF: bodies on the left, spikes and the sum of rewards up to now on the right."""
    from PIL import Image

    stride, seconds = pace(len(replay.rewards), replay.scene.dt_s)
    speed = stride * replay.scene.dt_s / seconds
    figure = Figure(figsize=_SIZE, facecolor=LIGHT.page)
    canvas = FigureCanvasAgg(figure)
    left = figure.add_axes((0.01, 0.02, 0.44, 0.84))
    upper, lower = figure.add_axes((0.52, 0.32, 0.46, 0.54)), figure.add_axes((0.52, 0.125, 0.46, 0.16))
    figure.suptitle(
        f"{replay.title}: {replay.summary}" + (f", {speed:.2g} times as fast" if speed > 1.05 else ""),
        fontsize=10, fontweight="bold", y=0.98,
    )  # fmt: skip
    stage, covers, clock, show = _set_up(replay, left, (upper, lower))
    bodies, images = stage.add_bodies(), []
    for frame in range(0, len(replay.rewards), stride):
        now = replay.times_s[frame]
        stage.move(bodies, frame)
        show(frame)
        clock.set_text(f"{now:.2f} s")
        for cover in covers:
            cover.set_x(now)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        images.append(image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    buffer = io.BytesIO()
    images[0].save(
        buffer, format="GIF", save_all=True, append_images=images[1:], duration=10 * round(100 * seconds), loop=0
    )
    return buffer.getvalue()


def _set_up(replay: Replay, left: Axes, right: tuple[Axes, Axes]):
    """Everything that does not move; returns what does."""
    stage = Stage(replay.scene, left)
    side, low, high = stage.reach()
    centres = [stage.centre(frame) for frame in range(len(replay.rewards))]
    across = [centre[0] for centre in centres]
    half = max(1.15 * side, 1.0)
    stage.add_floor(min(across) - 2 * half, max(across) + 2 * half)
    left.set_aspect("equal", adjustable="box")
    left.axis("off")
    low = min(low, 0.0) - 0.15
    height = max(1.05 * (high - low), 2 * half * 0.84 * _SIZE[1] / (0.44 * _SIZE[0]))
    half, middle = height * 0.44 * _SIZE[0] / (2 * 0.84 * _SIZE[1]), (low + high) / 2
    clock = left.text(0.02, 0.97, "", transform=left.transAxes, va="top", fontsize=9)
    _add_spikes(right[0], replay)
    _add_reward(right[1], replay)
    covers = [axes.axvspan(0.0, 2 * axes.get_xlim()[1], color=LIGHT.page, alpha=0.8, zorder=4) for axes in right]

    def show(frame):
        x, y = centres[frame]
        left.set(xlim=(x - half, x + half), ylim=(y + middle - height / 2, y + middle + height / 2))

    return stage, covers, clock, show
