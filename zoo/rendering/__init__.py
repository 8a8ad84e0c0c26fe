"""Episodes as pictures: the bodies and the spikes of the hidden layer beside them."""

from zoo.rendering.replay import KINDS, Replay, play, render
from zoo.rendering.scene import Geom, Scene

__all__ = ["KINDS", "Geom", "Replay", "Scene", "play", "render"]
