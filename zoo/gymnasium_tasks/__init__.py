"""The zoo's control tasks as Gymnasium environments: importing this registers ``hetsnn-zoo/TASK-v0``.

>>> import gymnasium, zoo.gymnasium_tasks
>>> gymnasium.make("hetsnn-zoo/hp-v0", backend="spring")
>>> gymnasium.make_vec("hetsnn-zoo/hp-v0", num_envs=64)
"""

from zoo.core.errors import ZooError

try:
    import gymnasium
except ImportError as error:
    raise ZooError("these environments need Gymnasium: pip install 'hetsnn-zoo[gymnasium]'") from error

from zoo.gymnasium_tasks.environments import TaskEnv, TaskVectorEnv
from zoo.registry.names import BRAX_TASKS

__all__ = ["TASKS", "TaskEnv", "TaskVectorEnv"]

TASKS = (
    *BRAX_TASKS,
    *(f"cartpole{limit}" for limit in (100, 200, 500, 1000)),
    *(f"mem{length}" for length in (5, 10, 15, 20, 25, 50, 100)),
)
"""Those of the published models."""

for _task in TASKS:
    gymnasium.register(
        f"hetsnn-zoo/{_task}-v0",
        entry_point="zoo.gymnasium_tasks.environments:TaskEnv",
        vector_entry_point="zoo.gymnasium_tasks.environments:TaskVectorEnv",
        kwargs={"task": _task},
    )
