"""The zoo's control tasks as Gymnasium environments: importing this registers ``hetsnn-zoo/TASK-v0``.

>>> import gymnasium, zoo.gymnasium_tasks
>>> gymnasium.make("hetsnn-zoo/hp-v0", backend="spring")
>>> gymnasium.make_vec("hetsnn-zoo/hp-v0", num_envs=64)
"""

from zoo.core.packages import needed_for

with needed_for("zoo.gymnasium_tasks", "gymnasium", extra="gymnasium"):
    import gymnasium

from zoo.gymnasium_tasks.environments import TaskEnv, TaskVectorEnv
from zoo.registry.families import families
from zoo.tasks.base import CONTROL

__all__ = ["TASKS", "TaskEnv", "TaskVectorEnv"]

TASKS = tuple(task for family in families() if family.kind == CONTROL for task in family.tasks)
"""Those that are known; `zoo.gymnasium_tasks.TaskEnv` plays any other."""

for _task in TASKS:
    gymnasium.register(
        f"hetsnn-zoo/{_task}-v0",
        entry_point="zoo.gymnasium_tasks.environments:TaskEnv",
        vector_entry_point="zoo.gymnasium_tasks.environments:TaskVectorEnv",
        kwargs={"task": _task},
    )
