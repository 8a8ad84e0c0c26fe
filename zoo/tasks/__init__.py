"""What is to be solved. Each task's libraries are imported when the task is made."""

import re

from zoo.tasks.base import Step, Task

__all__ = ["Step", "Task", "make_task"]


def make_task(name: str, **options) -> Task:
    """The task of a model name: ``mem25``, ``cartpole500``, ….

    Args:
        name: task part of a model name.
        **options: fields of the task's dataclass.

    Raises:
        ValueError: if there is no such task.
    """
    match = re.fullmatch(r"(mem|cartpole)([1-9]\d*)|(ant|hc|hp|wal)|(mnist|fmnist)", name)
    if match is None:
        raise ValueError(
            f"unknown task '{name}'; known: mem{{N}}, cartpole{{limit}}, ant, hc, hp, wal, mnist, fmnist"
        )
    if match[3]:
        from zoo.tasks.brax import BraxTask

        return BraxTask(name, **options)
    if match[4]:
        from zoo.tasks.images import ImageTask

        return ImageTask(name, **options)
    if match[1] == "mem":
        from zoo.tasks.memory import MemoryLength

        return MemoryLength(int(match[2]), **options)
    from zoo.tasks.cartpole import CartPole

    return CartPole(int(match[2]), **options)
