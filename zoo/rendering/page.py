"""An episode as one HTML file with Brax's viewer in it, which needs nothing from elsewhere.

Brax's own page loads its scripts from three servers. Here all modules are in the file, as ``data:``
addresses of an import map, and its Content-Security-Policy forbids everything else.
"""

import base64
import functools
import importlib.resources
import json
import re
from html import escape

import numpy as np

from zoo.rendering.replay import Replay
from zoo.rendering.scene import Scene

_POLICY = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; font-src data:"
_VIEWER = ("animator.js", "selector.js", "system.js", "viewer.js")
_GLOBALS = ("three.min.js", "lil-gui.umd.min.js")
_DECIMALS = 4  # A tenth of a millimetre.


def make_page(replay: Replay) -> str:
    """The page: bodies on the left, spikes and reward on the right, moving together."""
    libraries = "\n".join(_inline(_asset(name)) for name in _GLOBALS)
    import_map = json.dumps({"imports": _modules()})
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(replay.title)}</title>
<!-- Contains Brax's viewer (Apache-2.0, The Brax Authors) and, unmodified:
{_asset("LICENSES.txt")}-->
<style>{_asset("page.css")}</style>
<body>
<header><h1>{escape(replay.title)}</h1><p>{escape(replay.summary)}</p><p id="clock"></p></header>
<main>
<div id="stage"><div id="brax-viewer"></div></div>
<div id="plots">
<figure id="spikes"><canvas class="plot"></canvas>
<figcaption>spikes of {escape(replay.neurons)}; click for a moment</figcaption></figure>
<figure id="reward"><canvas class="plot"></canvas>
<figcaption>sum of rewards over {replay.times_s[-1]:.3g} s</figcaption></figure>
</div>
</main>
<script>
const warn = console.warn;
console.warn = () => {{}};  // three says that this form of it will end; the page brings its own.
{libraries}
console.warn = warn;
</script>
<script type="importmap">{import_map}</script>
<script type="application/json" id="episode">{_inline(json.dumps(_episode(replay)))}</script>
<script type="module">
{_asset("page.js")}</script>
</body>
</html>
"""


def _episode(replay: Replay) -> dict:
    """What page.js reads; spikes are bits in the order [T, N]."""
    bits = np.packbits(replay.spikes.astype(bool).ravel())
    return {
        "system": brax_system(replay.scene),
        "spikes": base64.b64encode(bits.tobytes()).decode(),
        "neurons": replay.spikes.shape[1],
        "rewards": np.round(replay.rewards.astype(float), _DECIMALS).tolist(),
        "dt": replay.scene.dt_s,
    }


def brax_system(scene: Scene) -> dict:
    """The part of `brax.io.json.dumps` that the viewer reads."""
    geoms: dict[str, list] = {}
    for geom in scene.geoms:
        body = "world" if geom.body < 0 else scene.bodies[geom.body]
        geoms.setdefault(body, []).append(
            {
                "name": geom.kind,
                "link_idx": geom.body,
                "pos": geom.position,
                "rot": geom.rotation,
                # The viewer draws a plane without size as a chequered floor without end.
                "size": (0, 0, 0) if geom.kind == "Plane" else geom.size,
                "rgba": (*geom.rgb, 1),
            }
        )
    frames = zip(scene.positions.round(_DECIMALS), scene.rotations.round(_DECIMALS), strict=True)
    states = [{"pos": position.tolist(), "rot": rotation.tolist()} for position, rotation in frames]
    return {"opt": {"timestep": scene.dt_s}, "geoms": geoms, "states": {"x": states}}


@functools.cache
def _modules() -> dict[str, str]:
    """Import map of the viewer's modules; three and lil-gui are globals of classic scripts behind a thin module."""
    viewer = importlib.resources.files("brax") / "visualizer" / "js"
    sources = {f"brax/{name}": (viewer / name).read_text(encoding="utf-8") for name in _VIEWER}
    sources = {name: text.replace("from './", "from 'brax/") for name, text in sources.items()}
    controls = _asset("OrbitControls.js")
    used = set(re.findall(r"\bTHREE\.(\w+)", "\n".join(sources.values())))
    used |= set(re.findall(r"\w+", re.findall(r"import \{(.*?)\} from 'three'", controls, re.DOTALL)[0]))
    modules = {
        "three": f"export const {{{', '.join(sorted(used))}}} = globalThis.THREE;",
        "three/addons/controls/OrbitControls.js": controls,
        "lilgui": "export const {GUI} = globalThis.lil;",
        "viewer": "export * from 'brax/viewer.js';",
        **sources,
    }
    return {name: "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()
            for name, text in modules.items()}  # fmt: skip


def _asset(name: str) -> str:
    return (importlib.resources.files("zoo.rendering") / "assets" / name).read_text(encoding="utf-8")


def _inline(text: str) -> str:
    """Text that does not end the script element around it."""
    return text.replace("</", "<\\/")
