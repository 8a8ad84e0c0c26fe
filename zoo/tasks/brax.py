"""Ant, HalfCheetah, Hopper and Walker2d on Brax (section 6.3)."""

import contextlib
import dataclasses
import functools
import io
import logging
import warnings
from types import MappingProxyType

import numpy as np

from zoo.core.packages import needed_for
from zoo.registry.families import DEFAULT_TRAINER, ModelName
from zoo.registry.interface import Interface
from zoo.registry.paper import TABLE_1, TABLE_1_BUDGET, PaperFamily
from zoo.registry.settings import POSITIVE, at_least, check, one_of, setting
from zoo.tasks.base import ControlTask, Step
from zoo.tasks.inertia import with_near_frames

ENVIRONMENTS = {"ant": "ant", "hc": "halfcheetah", "hp": "hopper", "wal": "walker2d"}
BACKENDS = ("spring", "generalized", "positional", "mjx")
_PACKAGES = ("brax", "mujoco", "mujoco-mjx")
_SIZES = {"ant": (27, 8), "hc": (17, 6), "hp": (11, 3), "wal": (17, 6)}
"""Numbers of an observation and of an action, for who does not import Brax."""


def _tanh(x):
    import jax.numpy as jnp

    return jnp.tanh(x)


ACTIONS = {"clip": lambda x: x.clip(-1.0, 1.0), "tanh": _tanh}


@functools.cache
def make_environment(name: str, backend: str, near_frames: bool = False):
    """Brax's environment without wrappers; one object each, since compiled programs are kept by it.

    Args:
        name: ``ant``, ``hc``, ``hp`` or ``wal``.
        backend: Brax's physics.
        near_frames: describe the bodies' inertia in equivalent frames (`zoo.tasks.inertia`).
    """
    import jax

    from zoo.core.single import in_single_precision

    # Its constants must belong neither to the trace that asks first, nor to the precision of who does.
    with in_single_precision(), _quiet(), jax.ensure_compile_time_eval():
        if near_frames:
            return with_near_frames(make_environment(name, backend))
        with needed_for("the physics of robots", *_PACKAGES):
            from brax import envs

        return envs.get_environment(ENVIRONMENTS.get(name, name), backend=backend)


@functools.cache
def _observation_size(name: str, backend: str) -> int:
    """Brax's own property runs a whole reset, operation by operation, whenever it is asked."""
    import jax

    from zoo.core.single import in_single_precision

    with in_single_precision():
        return jax.eval_shape(make_environment(name, backend).reset, jax.random.key(0)).obs.shape[-1]


@contextlib.contextmanager
def _quiet():
    """Keeps back what Brax says of an optional package (warp) and of the age of its dependencies.

    MuJoCo, which reads the robots' files, would tell a file in the working directory of what they have and a future
    version will not, wherever that is.
    """
    with needed_for("the physics of robots", *_PACKAGES):
        import mujoco

    level, warned = logging.root.manager.disable, mujoco.get_mju_user_warning()
    logging.disable(logging.WARNING)
    mujoco.set_mju_user_warning(lambda text: None)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        mujoco.set_mju_user_warning(warned)


_PLAIN = (int, float, str, tuple)
"""Attributes of an environment that stand in a key as Python writes them."""


@dataclasses.dataclass(frozen=True, slots=True)
class BraxTask(ControlTask):
    """A Brax environment: run forward as fast as possible, for 1000 steps or until the fall.

    Attributes:
        name: ``ant``, ``hc``, ``hp`` or ``wal``; or another, with `environment_name`.
        backend: physics; rewards of different backends are not comparable.
        action_map: how a readout (in volts) becomes a torque in [-1, 1]: ``clip`` or ``tanh``.
        action_gain: factor on the readout before that, in 1/V.
        limit: most steps of an episode.
        near_frames: describe the bodies' inertia in equivalent frames (`zoo.tasks.inertia`).
        environment_name: what Brax calls the environment, where it is none of `ENVIRONMENTS`.
    """

    name: str
    backend: str = setting("spring", f"Brax's physics: {', '.join(BACKENDS)}.", one_of(*BACKENDS))
    action_map: str = setting("clip", "how a readout becomes a Brax action: clip or tanh.", one_of(*ACTIONS))
    action_gain: float = setting(1.0, "factor on the readout before that, in 1/V.", POSITIVE, unit="1/V")
    limit: int = setting(1000, "most steps of a Brax episode.", at_least(1), name="episode_limit")
    near_frames: bool = False
    environment_name: str | None = None

    @property
    def cpu_options(self) -> dict:  # type: ignore[override]
        """Those that physics is fastest with."""
        from zoo.tasks.lanes import CPU_OPTIONS

        return CPU_OPTIONS

    def __post_init__(self):
        if self.environment_name is None and self.name not in ENVIRONMENTS:
            raise ValueError(f"name (={self.name!r}) must be one of {', '.join(ENVIRONMENTS)}")
        check(self)

    @property
    def environment(self):
        """Brax's environment."""
        return make_environment(self.environment_name or self.name, self.backend, self.near_frames)

    @property
    def kernel_task(self) -> "BraxTask":
        """The same task as `zoo.kernels` compiles it: a planar robot is planar in every number."""
        return dataclasses.replace(self, near_frames=True)

    @property
    def kernel_key(self) -> list[str | bytes]:
        """All that a compiled step depends on: this task, Brax's and our sources, the robot, versions."""
        import jax

        from zoo.kernels import cache

        parts: list[str | bytes] = [repr(self), *cache.versions("jax", "jaxlib", "numpy", "brax", "mujoco")]
        parts += cache.sources("brax", "zoo.kernels", "zoo.tasks")
        parts += cache.own_sources(type(self), type(self.environment), but=("brax", "zoo"))
        robot = getattr(self.environment, "sys", None)
        if robot is not None:
            parts += [f"{name} {value!r}" for name, value in sorted(vars(robot).items()) if isinstance(value, _PLAIN)]
        for path, value in jax.tree_util.tree_leaves_with_path(vars(self.environment) | {"sys": robot}):
            if isinstance(value, _PLAIN):
                parts.append(f"{path} {value!r}")
            elif isinstance(value, np.ndarray | np.generic | jax.Array):
                array = np.asarray(value)
                parts += [f"{path} {array.dtype} {array.shape}", array.tobytes()]
        return parts

    @property
    def observation_size(self) -> int:
        """From Brax."""
        return _observation_size(self.environment_name or self.name, self.backend)

    @property
    def action_size(self) -> int:
        """From Brax."""
        return self.environment.action_size

    @property
    def episode_limit(self) -> int:
        """The limit."""
        return self.limit

    def reset(self, key, episode):
        """Brax's own initial state of that key."""
        state = self.environment.reset(key)
        return state, state.obs

    def action(self, readout):
        """Torques in [-1, 1]."""
        return ACTIONS[self.action_map](self.action_gain * readout)

    def step(self, state, readout):
        """See `Step`."""
        import jax.numpy as jnp

        state = self.environment.step(state, self.action(readout))
        return Step(state, state.obs, state.reward, state.done > 0, jnp.float32(0.0))


class BraxFamily(PaperFamily):
    """Continuous control (Fig. 3, Table 1)."""

    name = "brax"
    pattern = "|".join(ENVIRONMENTS)
    spelling = ", ".join(ENVIRONMENTS)
    title = "continuous control"
    description = "{label} (Brax's locomotion task)"
    limits = (
        "The paper names no version of Brax; by its date it ran one whose physics is gone. Rewards are comparable in "
        "kind, not in number."
    )
    labels = MappingProxyType({"ant": "Ant", "hc": "HalfCheetah", "hp": "Hopper", "wal": "Walker2d"})
    tasks = tuple(ENVIRONMENTS)
    budgets = (1024, 2048, 4096, 8192, 16384, 32768)
    subset_budgets = (TABLE_1_BUDGET,)
    figure = "Fig. 3"
    idle = ("expected_reward_weight",)
    task_class = BraxTask
    search_settings = MappingProxyType({"seeds": 5})
    scene = "zoo.rendering.brax_scene"

    def make_task(self, task: str, **options) -> BraxTask:
        """Of that environment."""
        return BraxTask(task, **options)

    def tags(self, task: str) -> tuple[str, ...]:
        """As everyone else calls it."""
        return ("brax", ENVIRONMENTS[task])

    def sizes(self, task: BraxTask) -> tuple[int, int]:
        """Without importing Brax, for the zoo's own."""
        return _SIZES.get(task.name) or super().sizes(task)

    def paper_reward(self, model: ModelName) -> str | None:
        """Table 1's."""
        if (model.kind, model.budget, model.trainer) != ("het", TABLE_1_BUDGET, DEFAULT_TRAINER):
            return None
        return TABLE_1[model.properties][model.task]

    def departures(self, recipe) -> list[str]:
        """The gain."""
        return [] if recipe.action_gain == 1 else [f"readouts count {recipe.action_gain:g} times as actions"]

    def interface(self, model: ModelName, task: BraxTask) -> Interface | None:
        """Brax's, number by number."""
        from zoo.tasks.brax_interface import interface

        return interface(ENVIRONMENTS[model.task], self.label(model.task), str(model), task)

    def simulator(self, config: dict) -> list[str]:
        """What a reward depends on besides the network."""
        options = config["task"]["options"]
        return [
            "",
            f"Physics: Brax {config['training']['versions']['brax']}, backend `{options['backend']}`, episodes of at "
            f"most {options['limit']} steps. Actions: {options['action_map']}({options['action_gain']:g} x readout).",
        ]


def _by_evolution(model: ModelName) -> dict:
    """The paper's search with observation statistics and a slower centre; docs/brax-trials.md tells what was tried.

    HalfCheetah cannot fall and needs strong torques: readouts of trained neurons count threefold there, and most of
    the budget goes into episodes of a quarter, with more noise at first, and less and less. Weights
    that vary make readouts large, so that those of trained weights count less; least for Ant, which pays for torques.
    Both rise again with a slower centre, when its first rate leads no further. Hopper and Walker2d end with a slower
    centre and less noise around it. Their larger networks begin with a slower one, too: with it weights get further,
    and hoppers do not learn to fall at once, whose neurons end with least noise. A walker's neurons only learned to
    stand with it; where they are many, they begin with half as much noise again, and walk.
    """
    gain = {(True, "hc"): 3.0, (False, "hc"): 0.3, (False, "ant"): 0.1}.get((model.kind == "het", model.task), 1.0)
    first = {"normalise_observations": True, "action_gain": gain, "physics": "kernel"}
    if (model.kind, model.task) == ("het", "hc"):
        short = {"short_limit": 250, "short_generations": 3200, "generations": 3400}
        return first | short | {"centre_lr": 0.05, "centre_lr_final": 0.005, "sigma": 0.2, "sigma_final": 0.05}
    if model.task in ("ant", "hc"):
        return first | {"centre_lr": 0.05, "centre_lr_final": 0.015, "centre_lr_drop": 200}
    large = model.budget > 4096
    if large and (model.kind, model.task) == ("het", "wal"):
        return first | {"centre_lr": 0.05, "centre_lr_final": 0.005, "sigma": 0.15, "sigma_final": 0.05}
    rate = 0.02 if large else 0.05
    last = 0.02 if large and (model.kind, model.task) == ("het", "hp") else 0.05
    return first | {"centre_lr": rate, "centre_lr_final": 0.3 * rate, "centre_lr_drop": 700, "sigma_final": last}


def _by_gradients(model: ModelName) -> dict:
    """PPO with gradients through time; docs/robot-gradients.md tells what was tried.

    Hopper and Walker2d need a long horizon: with a short one, a leap and a fall pay more than a walk. With one that
    is too long, or actions that vary little, a walker stands for ever; it also takes four times the environments.
    Rates do not fall with the number of updates, so that a training can go on for longer than these 10 million steps,
    20 for Walker2d.
    """
    discount = {"hp": 0.999, "wal": 0.995}.get(model.task, 0.98)
    common = {"generations": 1221, "kl": 0.03, "discount": discount, "tau_ms": (8.0,), "v_th": 0.2}
    common |= {"normalise_observations": True, "physics": "kernel"}
    if model.task == "wal":
        return common | {"environments": 1024, "minibatches": 32, "entropy_weight": 0.005, "generations": 610}
    return common


BraxFamily.methods = {"bp": "ppo"}
BraxFamily.recipes = {"pgpe": _by_evolution, "bp": _by_gradients}
FAMILY = BraxFamily()
