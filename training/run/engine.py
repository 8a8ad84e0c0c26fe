"""Generations of many runs in one compiled program.

A *group* is a set of runs whose networks have one shape and whose recipes share the static fields; the
runs differ in seed and in numbers. All groups of an engine play the same task by the same method. Devices
form a mesh (runs, members): each plays its own runs and members without talking to the others, and what
was learned is gathered once per generation.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from zoo.core.forks import check_not_forked
from zoo.core.single import in_single_precision
from zoo.registry.methods import find_method
from zoo.tasks import Task
from zoo.training.methods.base import Group

CHUNK = 64
"""Most generations of one call; sets the size of its buffer of metrics."""


class Engine:
    """Advances the runs of all its groups together.

    Attributes:
        notes: what a user should know of how the groups are computed here.

    Args:
        task: what all groups play.
        groups: the runs; their recipes name one method.
        runs_per_block: how many runs of a group a device advances side by side; blocks follow one
            another. With "all", groups also share one batch of environments, which an accelerator wants;
            one run at a time keeps its state in a CPU's cache. None chooses by platform.
        devices: to spread over; by default all.

    Raises:
        ValueError: if the groups' recipes name different methods.
    """

    @in_single_precision()
    def __init__(
        self,
        task: Task,
        groups: Sequence[Group],
        *,
        runs_per_block: int | Literal["all"] | None = None,
        devices: Sequence[jax.Device] | None = None,
    ):
        check_not_forked()
        devices = list(devices or jax.devices())
        self.task, self.groups = task, tuple(groups)
        methods = {group.recipe.method for group in self.groups}
        if len(methods) != 1:
            raise ValueError(f"models in lockstep must share one method; these have {sorted(methods)}")
        method = find_method(methods.pop()).implementation(task.kind)
        by_platform = 1 if devices[0].platform == "cpu" else "all"
        self.runs_per_block = by_platform if runs_per_block is None else runs_per_block
        self.mesh = self._make_mesh(devices, method)
        self.method = method(task, self.mesh.shape["members"])
        self.notes = self.method.notes(self.groups)
        self._by_run = NamedSharding(self.mesh, P("runs"))
        self._constants = [self.place(self.method.constants(g)) for g in self.groups]
        self._arrays = _put(task.arrays, NamedSharding(self.mesh, P()))
        self._advance = self._compile()

    def _make_mesh(self, devices, method):
        """As many devices as divide every group's runs go to runs, the others to members."""
        by_run = functools.reduce(math.gcd, (len(g.seeds) for g in self.groups), len(devices))
        by_member = len(devices) // by_run
        while any(method.splits(g) % by_member for g in self.groups):
            by_member -= 1
        return Mesh(np.array(devices[: by_run * by_member]).reshape(by_run, by_member), ("runs", "members"))

    @in_single_precision()
    def init(self) -> list[Any]:
        """States of all groups before the first generation."""
        return [self.place(self.method.init(group)) for group in self.groups]

    @in_single_precision()
    def place(self, tree: Any) -> Any:
        """Host arrays [R, …] on this engine's devices, split by run."""
        return _put(tree, self._by_run)

    @in_single_precision()
    def advance(self, states: list[Any], generations: int):
        """Runs up to `CHUNK` generations.

        Returns:
            The new states, and for each group the method's metrics as NumPy arrays [generations, R].
        """
        if not 1 <= generations <= CHUNK:
            raise ValueError(f"generations (={generations}) must be between 1 and {CHUNK}")
        states, metrics = self._advance(states, self._constants, self._arrays, np.int32(generations))
        return states, jax.tree.map(lambda x: to_host(x)[:, :generations].swapaxes(0, 1), metrics)

    def train(self, generations: int, report: Callable[[int, list[Any]], None], size: int = CHUNK) -> list[Any]:
        """Trains from the beginning to the end, keeping nothing on disk.

        Args:
            generations: in all.
            report: called after each block with the generations done and the block's metrics, as of `advance`.
            size: generations of a block.

        Returns:
            The last states.
        """
        states, done = self.init(), 0
        while done < generations:
            count = min(size, generations - done)
            states, metrics = self.advance(states, count)
            done += count
            report(done, metrics)
        return states

    def _compile(self):
        by_run = P("runs")
        mapped = jax.shard_map(
            self._advance_local,
            mesh=self.mesh,
            in_specs=(by_run, by_run, P(), P()),
            out_specs=(by_run, by_run),
            check_vma=False,
        )
        in_lanes = self.method.in_lanes and self.mesh.devices.flat[0].platform == "cpu"
        options = self.task.cpu_options if in_lanes else None
        return jax.jit(mapped, donate_argnums=0, compiler_options=options)

    def _advance_local(self, states, constants, arrays, generations):
        """This device's runs, `generations` times; metrics land in a buffer [R, CHUNK]."""

        def body(carry):
            i, states, buffer = carry
            states, metrics = self._generation(states, constants, arrays)
            buffer = jax.tree.map(lambda b, m: b.at[:, i].set(m), buffer, metrics)
            return i + 1, states, buffer

        _, shapes = jax.eval_shape(self._generation, states, constants, arrays)
        buffer = jax.tree.map(lambda m: jnp.zeros((*m.shape, CHUNK), m.dtype), shapes)
        _, states, buffer = jax.lax.while_loop(lambda c: c[0] < generations, body, (jnp.int32(0), states, buffer))
        return states, buffer

    def _generation(self, states, constants, arrays):
        """One generation of this device's runs, in blocks as planned."""
        if self.runs_per_block == "all":
            return self.method.generation(list(self.groups), states, constants, arrays, merged=True)
        results = []
        for group, *pair in zip(self.groups, states, constants, strict=True):

            def one_run(pair, group=group):
                (state,), (constant,) = jax.tree.map(lambda x: x[None], ([pair[0]], [pair[1]]))
                (state,), (metrics,) = self.method.generation([group], [state], [constant], arrays, merged=False)
                return jax.tree.map(lambda x: x[0], (state, metrics))

            # Even a batch of one run would make its loop carry copies of all that a finished run must keep.
            batch = None if self.runs_per_block == 1 else self.runs_per_block
            results.append(jax.lax.map(one_run, tuple(pair), batch_size=batch))
        states, metrics = zip(*results, strict=True)
        return list(states), list(metrics)


def _put(tree, sharding):
    """Host arrays on devices; works on several hosts, too."""

    def put(x):
        x = np.asarray(x)
        return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])

    return jax.tree.map(put, tree)


def to_host(tree):
    """NumPy copies of arrays, gathered from all hosts."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        return multihost_utils.process_allgather(tree, tiled=True)
    return jax.tree.map(np.asarray, tree)
