"""A GPU's program on the processor: each of a block's threads is a thread, and barriers are barriers."""

import ctypes
import threading

import jax
import llvmlite.binding as llvm
import numpy as np

from zoo.kernels import blocks
from zoo.kernels.machine import Library, host, object_code

_SHARED = 48 * 1024 // 4
"""Numbers of a block's shared memory."""


class Emulated:
    """Threads of the processor, eight a block and four a warp.

    A number goes from one thread to another through memory, between two barriers.
    """

    count, warp = 8, 4

    def head(self, code, name, parameters, shared):
        """The function void name(addresses, ptr shared, i64 thread, i64 block)."""
        self._shared = shared
        return f"define void @{name}({', '.join(parameters)}, ptr %shared, i64 %thread, i64 %block) nounwind {{"

    def barrier(self, code):
        code.declarations.add("declare void @zoo_barrier()")
        code.line("call void @zoo_barrier()")

    def exchange(self, code, value, distance):
        base = code.at("%shared", self._shared)
        code.store(value, code.at(base, "%thread"))
        self.barrier(code)
        other = code.load(code.at(base, code.emit(f"xor i64 %thread, {distance}")))
        self.barrier(code)
        return other


class Program:
    """A module's program, for the processor."""

    def __init__(self, text, name, threads):
        self._threads = threads
        self._barrier = threading.Barrier(threads.count, timeout=60)
        self._await = ctypes.CFUNCTYPE(None)(self._barrier.wait)
        llvm.add_symbol("zoo_barrier", ctypes.cast(self._await, ctypes.c_void_p).value)
        machine = host(128)
        self._library = Library([object_code(text, machine)], machine)
        addresses = [ctypes.c_void_p] * (len(blocks.ARGUMENTS) + len(blocks.RESULTS) + 1)
        self._function = self._library.function(name, *addresses, ctypes.c_int64, ctypes.c_int64)

    def __call__(self, count, arrays):
        """Runs some blocks, one after another, on NumPy arrays."""
        shared = np.full(_SHARED + self._threads.count + 16, np.nan, np.float32)
        start = (-shared.ctypes.data // 4) % 16
        addresses = [*(x.ctypes.data for x in arrays), shared[start:].ctypes.data]
        for block in range(count):
            running = [
                threading.Thread(target=self._function, args=(*addresses, thread, block))
                for thread in range(self._threads.count)
            ]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()


class Emulator:
    """Launches programs on the processor, for `zoo.kernels.gpu`."""

    threads = Emulated()

    def __init__(self, processors=1):
        self.processors, self.launched = processors, []

    def call(self, text, name, count, results):
        program = Program(text, name, self.threads)

        def play(*arguments):
            outputs = [np.full(x.shape, np.nan, x.dtype) for x in results]
            program(count, [*(np.ascontiguousarray(x) for x in arguments), *outputs])
            return outputs

        return lambda *arguments: jax.pure_callback(play, results, *arguments)
