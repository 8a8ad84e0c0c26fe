"""Is this the environment that a policy was trained in? What looks the same can move otherwise."""

import warnings
from typing import Any, NamedTuple

from zoo.tasks import Task
from zoo.tasks.brax import ENVIRONMENTS, FAMILY
from zoo.tasks.cartpole import CartPole

_BRAX_CLASSES = {name.replace("_", ""): task for task, name in ENVIRONMENTS.items()}
_GYMNASIUM = {label: task for task, label in FAMILY.labels.items()}


class WrongPhysicsWarning(UserWarning):
    """A policy is used in an environment that it was not trained in; its return will differ."""


class Physics(NamedTuple):
    """What moves, and what computes how.

    Attributes:
        task: ``hp``, ``cartpole``, ``mem25``, …
        engine: ``Brax spring``, …; empty where there is only one.
    """

    task: str
    engine: str = ""


def physics_of_task(task: Task) -> Physics:
    """Of a task of the zoo. The limit of an episode is no physics."""
    name = "cartpole" if isinstance(task, CartPole) else task.name
    return Physics(name, f"Brax {task.backend}" if hasattr(task, "backend") else "")


def physics_of(environment: Any) -> Physics | None:
    """Of an environment of the zoo, of Brax or of Gymnasium; None of any other."""
    inner = getattr(environment, "unwrapped", environment)
    task: Any = getattr(inner, "task", None)
    if hasattr(task, "episode_limit"):
        return physics_of_task(task)
    name = _BRAX_CLASSES.get(type(inner).__name__.lower())
    if name and type(inner).__module__.startswith("brax."):
        return Physics(name, f"Brax {inner.backend}")
    spec = getattr(environment, "spec", None)
    kind, _, version = str(getattr(spec, "id", "")).rpartition("-")
    if kind == "CartPole":
        return Physics("cartpole")
    return Physics(_GYMNASIUM[kind], f"Gymnasium {version}, MuJoCo") if kind in _GYMNASIUM else None


def warn_unless_trained_in(name: str, task: Task, environment: Any) -> None:
    """Warns where a policy is about to meet another physics than it was trained in, or one that nobody knows.

    Args:
        name: of the model.
        task: that it was trained on.
        environment: of Gymnasium or Brax.
    """
    trained, found = physics_of_task(task), physics_of(environment)
    if found == trained:
        return
    expected = " ".join(filter(None, trained))
    got = " ".join(filter(None, found)) if found else f"{environment}, which the zoo does not know"
    warnings.warn(
        f"{name} was trained in {expected}; this is {got}. Policies do not transfer between physics: "
        "docs/elsewhere.md has their returns",
        WrongPhysicsWarning,
        stacklevel=3,
    )
