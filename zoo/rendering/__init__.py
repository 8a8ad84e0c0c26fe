"""Episodes as pictures: the bodies and the spikes of the hidden layer beside them."""

from zoo.rendering.files import KINDS, render
from zoo.rendering.replay import Replay, play
from zoo.rendering.scene import Geom, Scene

__all__ = ["KINDS", "Geom", "Replay", "Scene", "play", "render"]
