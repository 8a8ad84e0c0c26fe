"""Episodes of a population through a compiled step: what `zoo.tasks.rollout` does, in one call of machine code."""

import base64
import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from zoo.kernels import cache, episodes, llvm, stepping
from zoo.kernels.handlers import registered
from zoo.kernels.machine import Machine, host, object_code
from zoo.kernels.networks import PARTS, Shape
from zoo.kernels.primitives import kind
from zoo.kernels.programs import Program, reset_constants, specialised, trace_step, with_fault
from zoo.kernels.scalars import BOOL, INT
from zoo.models import Packed

_TOLERANCE = 1e-5
"""How far a number of a state may be from the value that it is presumed to have, relative to that, or to 1."""


class Stepped(NamedTuple):
    """Outcome of one step of N environments: [I, N], and three times [N]."""

    observation: Float[Array, "I N"]
    reward: Float[Array, " N"]
    done: Bool[Array, " N"]
    expected: Float[Array, " N"]


class Played(NamedTuple):
    """Sums over episodes, [N], and moments of the observations acted on about the mean given."""

    returns: Float[Array, " N"]
    expected: Float[Array, " N"]
    lengths: Float[Array, " N"]
    count: Float[Array, ""]
    deviation: Float[Array, " I"]
    squared: Float[Array, " I"]


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step in machine code.

    Attributes:
        carried: places of the numbers of the state that it reads and writes.
        constants: values that other numbers of the state must have, by place.
        operations: of one environment's step.
        code: of the function `step` (`zoo.kernels.llvm.step_function`), as `compile_step` was told to make it.
    """

    carried: tuple[int, ...]
    constants: dict[int, float]
    operations: int
    code: bytes

    def to_json(self) -> dict:
        """Everything, for a file."""
        fields = dataclasses.asdict(self)
        return fields | {"constants": list(self.constants.items()), "code": base64.b64encode(self.code).decode()}

    @classmethod
    def from_json(cls, fields: dict) -> "CompiledStep":
        """What `to_json` gave."""
        constants = {int(place): float(value) for place, value in fields["constants"]}
        return cls(tuple(fields["carried"]), constants, fields["operations"], base64.b64decode(fields["code"]))


def compile_step(task, compiled: Callable[[Program], bytes]) -> list[CompiledStep]:
    """The step of a task for any state, and for states as resets make them.

    Args:
        task: whose step is compiled.
        compiled: makes code of a program.

    Raises:
        UnsupportedStepError: if the step has something in it that has no rule.
    """
    state, _ = jax.eval_shape(task.reset, jax.random.key(0), 0)
    program = trace_step(task.step, state, task.action_size)
    programs = specialised(program, {}), specialised(program, reset_constants(task.reset))
    return [CompiledStep(p.carried, p.constants, p.count(), compiled(p)) for p in map(with_fault, programs)]


def kept_steps(key: str, task, compiled: Callable[[Program], bytes], folder: Path | None) -> list[CompiledStep]:
    """What `compile_step` gives, from the cache where it has been made before."""

    def make() -> bytes:
        return json.dumps([step.to_json() for step in compile_step(task, compiled)]).encode()

    return [CompiledStep.from_json(fields) for fields in json.loads(cache.kept(key, make, folder))]


def usual(state, constants: dict[int, float]) -> Bool[Array, ""]:
    """Whether all states [..., N] are as resets make them."""
    found = jnp.array(True)
    numbers = [row for leaf in jax.tree.leaves(state) for row in leaf.reshape(-1, leaf.shape[-1])]
    for place, value in constants.items():
        found &= (abs(numbers[place] - value) <= _TOLERANCE * max(1.0, abs(value))).all()
    return found


class StepKernel:
    """The step of a task, compiled twice: for states as resets make them, and for all others.

    Args:
        task: `zoo.tasks.Task` whose step is compiled; its `kernel_key` says on what that depends.
        machine: for which; by default this one.
        folder: of the cache of compiled steps.

    Raises:
        UnsupportedStepError: if the step has something in it that has no rule.
    """

    all_runs = False
    """`play` takes one run."""

    def __init__(self, task, machine: Machine | None = None, folder: Path | None = None):
        self.task, self.machine = task, machine or host()
        self.reset = jax.jit(task.reset)  # Traced once, however often the programs around it are.
        # With 64 bits the same step is traced to other numbers, for which there are no rules.
        wide = f"64 bits: {jax.config.jax_enable_x64}"
        key = cache.digest([*task.kernel_key, wide, *cache.of_machine(self.machine)])
        self.general, self.special = kept_steps(key, task, self._compiled, folder)

    def _compiled(self, program: Program) -> bytes:
        """Object code."""
        text, declarations = llvm.step_function(program, "step", self.machine.lanes)
        return object_code("\n".join([*sorted(declarations), text]), self.machine)

    def play(
        self, packed: Packed, members: int, state, observation, *, normalisation, gain: float, limit=None
    ) -> Played:
        """Plays episodes to their ends.

        Args:
            packed: networks of one run: parts of members' own with a leading axis P, shared ones without.
            members: P.
            state: of all environments, trees of arrays [..., N]; those of a member stand together.
            observation: [I, N], the first ones.
            normalisation: mean [I] and standard deviation [I] of observations, and the bound of their quotient;
                (0, 1, infinity) leave them as they are.
            gain: factor on readouts.
            limit: most steps of an episode, int32, where that is less than the task's.
        """
        rows = rows_of(state)
        mean, std, clip = normalisation
        scales = jnp.stack([jnp.float32(gain), jnp.float32(clip)])
        limit = jnp.int32(self.task.episode_limit if limit is None else limit)
        arguments = (packed, observation, mean, std, scales, limit)
        play = functools.partial(self._call, members=members, rows=rows)
        if not self.special.constants:
            return play(self.special, arguments)
        branches = (functools.partial(play, self.special), functools.partial(play, self.general))
        return jax.lax.cond(usual(state, self.special.constants), *branches, arguments)

    def begin(self, state) -> Float[Array, "S N"]:
        """The carried numbers of states [..., N], for `step`; all NaN if one is not as resets make them."""
        rows = rows_of(state)
        carried = _stacked(rows, self.special, rows[0])
        return jnp.where(usual(state, self.special.constants), carried, jnp.nan)

    def step(self, carried: Float[Array, "S N"], readout: Float[Array, "A N"]) -> tuple[Float[Array, "S N"], Stepped]:
        """Steps N environments once.

        Args:
            carried: as of `begin`, or of the last step.
            readout: of the networks, in volts.

        Returns:
            The next carried numbers, and observation [I, N], reward, done and expected [N]; where a number is not
            finite, the reward is not either.
        """
        lanes, (count, environments) = self.machine.lanes, carried.shape
        padding = -environments % lanes
        wide = [jnp.pad(x, ((0, 0), (0, padding)), mode="edge") for x in (carried, readout)]
        total, rows = environments + padding, (count, self.task.action_size, self.task.observation_size + 4)
        text = stepping.module("step", *rows, "steps", lanes)
        name = registered("steps", text, self.machine, (self.special.code,))
        shapes = ((count, total), (rows[-1], total), (stepping.scratch_size(*rows, lanes),))
        results = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
        call = jax.ffi.ffi_call(name, results, vmap_method="sequential")
        following, result, _ = call(np.array([total], np.int32), *wide)
        *observation, reward, done, expected, fault = result[:, :environments]
        return following[:, :environments], Stepped(jnp.stack(observation), reward + fault, done > 0, expected)

    def _call(self, step: CompiledStep, arguments, *, members, rows) -> Played:
        packed, observation, mean, std, scales, limit = arguments
        inputs, environments = observation.shape
        own = frozenset(part for part, x in zip(PARTS, packed, strict=True) if x.ndim > (2 if "w_" in part else 1))
        shape = Shape(inputs, packed.w_out.shape[-1], packed.w_out.shape[-2], own)
        state = _stacked(rows, step, observation[0])
        lanes = self.machine.lanes
        counts = episodes.counts(environments, limit, environments // members, shape, lanes)
        flat, moments = (environments,), [(1,), (inputs,), (inputs,)]
        scratch = (episodes.scratch_size(shape, len(step.carried), lanes),)
        results = [jax.ShapeDtypeStruct(s, np.float32) for s in (flat, flat, flat, *moments, scratch)]
        call = jax.ffi.ffi_call(_registered(step, shape, self.machine), results, vmap_method="sequential")
        returns, expected, lengths, count, deviation, squared, _ = call(
            counts, scales, state, observation, *packed, mean, std
        )
        return Played(returns, expected, lengths, count[0], deviation, squared)


def _stacked(rows: list[Array], step: CompiledStep, like: Array) -> Float[Array, "S N"]:
    """The carried numbers; where there are none, a row like another, that nobody reads."""
    return jnp.stack([rows[place] for place in step.carried] or [jnp.zeros_like(like)])


def rows_of(state) -> list[Array]:
    """The numbers of states [..., N], each a row of float32 bits [N]: truth values as 0 and 1."""
    rows = []
    for leaf in jax.tree.leaves(state):
        if kind(leaf.dtype) == BOOL:
            leaf = leaf.astype(jnp.float32)
        elif kind(leaf.dtype) == INT:
            leaf = jax.lax.bitcast_convert_type(leaf, jnp.float32)
        rows.extend(leaf.reshape(-1, leaf.shape[-1]))
    return rows


def _registered(step: CompiledStep, shape: Shape, machine: Machine) -> str:
    """Name under which XLA knows the handler that plays episodes of a step and networks of a shape."""
    declaration = "declare void @step(ptr, ptr, ptr)\n"
    text = episodes.module(declaration, "step", shape, len(step.carried), "episodes", machine.lanes)
    return registered("episodes", text, machine, (step.code,))
