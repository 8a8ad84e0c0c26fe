"""Which devices a training runs on: as asked for, as before, and not the CPU for a day because of a wrong plugin."""

import importlib.metadata
import os
import re
import warnings
from collections.abc import Sequence

import jax

from zoo.core.errors import ZooError

_CUDA_PLUGIN = re.compile(r"jax-cuda(1[0-9])-plugin")


def check_plugin() -> None:
    """Refuses to train on the CPU where a plugin for CUDA is installed that JAX cannot use.

    Who wants the CPU says so: ``JAX_PLATFORMS=cpu``.

    Raises:
        ZooError: naming the versions that do not match, or what to look at.
    """
    if (
        jax.default_backend() != "cpu"
        or os.environ.get("JAX_PLATFORMS")
        or getattr(jax.config, "jax_platforms", None)
    ):
        return
    plugins = {
        name: found.version
        for found in importlib.metadata.distributions()
        if (name := (found.metadata["Name"] or "").lower().replace("_", "-")) and _CUDA_PLUGIN.fullmatch(name)
    }
    if not plugins or not os.path.exists("/dev/nvidiactl"):
        return
    installed = ", ".join(f"{name} {version}" for name, version in plugins.items())
    jaxlib = importlib.metadata.version("jaxlib")
    cause = (
        f"they do not match jaxlib {jaxlib}"
        if any(version != jaxlib for version in plugins.values())
        else f"they match jaxlib {jaxlib}, so that driver or CUDA libraries may be at fault"
    )
    raise ZooError(
        f"{installed} and a GPU are here, but JAX computes on the CPU; {cause}. Install the zoo's extra anew: "
        "pip install --upgrade 'hetsnn-zoo[cuda13]'; or set JAX_PLATFORMS=cpu to train on the CPU"
    )


def check_split(before: Sequence[int], members: int) -> None:
    """Warns where a run goes on with its members' sums split over another number of devices.

    Sums of parts in another order differ in the last bit, which moves parameters by about 1e-7: the run ends at as
    good numbers as without the break, not at the same bits.

    Args:
        before: over how many devices members were split when the runs' states were saved; 0 where none says.
        members: over how many they are split now.
    """
    if others := sorted({count for count in before if count not in (0, members)}):
        warnings.warn(
            f"this training was split over {', '.join(map(str, others))} device(s), and goes on over {members}: sums "
            "in another order end in other last bits (about 1e-7). For the same bits, give it as many as before",
            stacklevel=2,
        )
