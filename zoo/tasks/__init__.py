"""What is to be solved. Each task's libraries are imported when the task is made."""

from zoo.registry.families import family_of
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
    return family_of(name).make_task(name, **options)
