"""Episodes of all runs through a compiled step on a GPU, in one launch (`zoo.kernels.blocks`)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.kernels import blocks, cache, llvm
from zoo.kernels.grid import Grid, Layout, Threads
from zoo.kernels.machine import compiler
from zoo.kernels.networks import PARTS, Shape
from zoo.kernels.play import CompiledStep, Played, kept_steps, rows_of, usual
from zoo.kernels.programs import Program
from zoo.models import Packed


class Launcher(Protocol):
    """What runs a program of blocks (`zoo.kernels.cuda.Driver`)."""

    @property
    def threads(self) -> Threads:
        """Those of a block."""

    @property
    def processors(self) -> int:
        """How many share the blocks."""

    def call(self, text: str, name: str, count: int, results: Sequence[jax.ShapeDtypeStruct]) -> Callable:
        """A function of JAX arrays that launches some blocks of a module's program."""


class GpuStepKernel:
    """The step of a task in LLVM IR, for states as resets make them and for all others.

    Args:
        task: `zoo.tasks.Task` whose step is compiled; its `kernel_key` says on what that depends.
        launcher: runs it.
        folder: of the cache of compiled steps.

    Raises:
        UnsupportedStepError: if the step has something in it that has no rule.
    """

    all_runs = True
    """`play` takes the runs of a group together."""

    def __init__(self, task, launcher: Launcher, folder: Path | None = None):
        self.task, self._launcher = task, launcher
        self.reset = jax.jit(task.reset)  # Traced once, however often the programs around it are.
        # Hidden neurons and carried numbers stand elsewhere.
        self._width = self._layout(Shape(task.observation_size, 1, task.action_size, frozenset()), 0).width
        wide = f"64 bits: {jax.config.jax_enable_x64}"
        key = cache.digest([*task.kernel_key, wide, compiler(), "blocks", str(self._width)])
        self.general, self.special = kept_steps(key, task, self._compiled, folder)

    def _layout(self, shape: Shape, state: int) -> Layout:
        return Layout(shape, state, self._launcher.threads)

    def _compiled(self, program: Program) -> bytes:
        """LLVM IR of one environment's step."""
        text, declarations = llvm.step_function(program, "step", 1, self._width)
        return "\n".join([*sorted(declarations), text]).encode()

    def play(
        self, packed: Packed, members: int, state, observation, *, normalisation, gain: float, limit=None
    ) -> Played:
        """Plays episodes of R runs to their ends.

        Args:
            packed: networks: parts of members' own [R, P, …], shared ones [R, …].
            members: P.
            state: of all environments, trees of arrays [..., R N]; those of a run stand together, and those of a
                member.
            observation: [I, R N], the first ones.
            normalisation: means [R, I] and standard deviations [R, I] of observations, and the bound of their
                quotient; (0, 1, infinity) leave them as they are.
            gain: factor on readouts.
            limit: most steps of an episode, int32, where that is less than the task's.

        Returns:
            Sums over episodes [R N], and moments [R] and [R, I] of the observations acted on.
        """
        rows = rows_of(state)
        mean, std, clip = normalisation
        scales = jnp.stack([jnp.float32(gain), jnp.float32(clip)])
        limit = jnp.int32(self.task.episode_limit if limit is None else limit)
        arguments = (packed, observation, mean, std, scales, limit)

        def branch(step):
            return lambda arguments: self._call(step, arguments, members, rows)

        if not self.special.constants:
            return branch(self.special)(arguments)
        which = usual(state, self.special.constants)
        return jax.lax.cond(which, branch(self.special), branch(self.general), arguments)

    def _call(self, step: CompiledStep, arguments, members: int, rows) -> Played:
        packed, observation, mean, std, scales, limit = arguments
        runs, inputs = mean.shape
        environments = observation.shape[1]
        own = frozenset(p for p, x in zip(PARTS, packed, strict=True) if x.ndim > (3 if "w_" in p else 2))
        shape = Shape(inputs, packed.w_out.shape[-1], packed.w_out.shape[-2], own)
        layout = self._layout(shape, len(step.carried))
        episodes = environments // (runs * members)
        grid = Grid.of(layout, self._launcher.processors, (runs, members, episodes))
        carried = [rows[place] for place in step.carried] or [jnp.zeros(environments)]
        sizes = [(environments,)] * 3 + [(inputs, environments)] * 2 + [(grid.blocks * layout.scratch(),)]
        results = [jax.ShapeDtypeStruct(size, np.float32) for size in sizes]
        text = blocks.module(step.code.decode(), "step", layout, "episodes")
        play = self._launcher.call(text, "episodes", grid.blocks, results)
        taken = (grid.counts(limit), scales, jnp.stack(carried), observation, *packed, mean, std)
        returns, expected, lengths, deviation, squared, _ = play(*taken)
        by_run = (x.reshape(-1, runs, environments // runs) for x in (lengths, deviation, squared))
        count, deviation, squared = map(sum_by_halves, by_run)
        return Played(returns, expected, lengths, count[0], deviation.T, squared.T)


def sum_by_halves(x: Float[Array, "... N"]) -> Float[Array, "..."]:
    """Sum over the last axis in an order of its own, which a GPU's reductions do not have."""
    while x.shape[-1] > 1:
        if x.shape[-1] % 2:
            x = jnp.pad(x, ((0, 0),) * (x.ndim - 1) + ((0, 1),))
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:]
    return x[..., 0]
