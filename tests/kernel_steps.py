"""Steps of compiled programs, one at a time, for tests."""

import ctypes
import functools

import jax
import numpy as np

from zoo.kernels import llvm
from zoo.kernels.machine import Library, host, object_code
from zoo.kernels.programs import reset_constants, specialised, trace_step, with_fault


def rows(count, lanes):
    """Numbers [count, lanes], aligned as the code expects."""
    memory = np.zeros(count * lanes + 16, np.float32)
    start = (-memory.ctypes.data // 4) % 16
    return memory[start : start + count * lanes].reshape(count, lanes)


@functools.cache
def compiled(task, widest=None, special=True):
    """The program of a task's step and the function that runs it."""
    machine = host(widest)
    state, _ = jax.eval_shape(task.reset, jax.random.key(0), 0)
    program = trace_step(task.step, state, task.action_size)
    program = with_fault(specialised(program, reset_constants(task.reset) if special else {}))
    text, declarations = llvm.step_function(program, "step", machine.lanes)
    library = Library([object_code("\n".join([*sorted(declarations), text]), machine)], machine)
    pointer = ctypes.c_void_p
    return program, machine.lanes, library, library.function("step", pointer, pointer, pointer)


def one_step(task, widest=None, special=True):
    """A function of a state of that task and an action, by the compiled program."""
    program, lanes, _, function = compiled(task, widest, special)

    def advance(state, action):
        flat = np.concatenate([np.asarray(x, np.float32).ravel() for x in jax.tree.leaves(state)])
        numbers, torques = rows(len(program.carried), lanes), rows(len(action), lanes)
        result = rows(len(llvm.result_nodes(program)), lanes)
        numbers[:] = flat[list(program.carried)][:, None]
        torques[:] = np.asarray(action)[:, None]
        function(numbers.ctypes.data, torques.ctypes.data, result.ctypes.data)
        assert np.array_equal(result, np.repeat(result[:, :1], lanes, axis=1), equal_nan=True)
        *observation, reward, done, expected, fault = result[:, 0].tolist()
        return {
            "observation": np.array(observation),
            "reward": reward,
            "done": bool(done),
            "expected": expected,
            "fault": fault,
            "state": numbers[:, 0].copy(),
        }

    return advance
