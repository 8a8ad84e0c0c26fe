"""Handlers as XLA knows them."""

import ctypes
import threading

import jax

from zoo.kernels import cache
from zoo.kernels.machine import Library, Machine

_libraries: dict[str, Library] = {}
"""Machine code registered with XLA, which cannot be taken back; by the name of its handler."""
_LOCK = threading.Lock()
"""XLA takes a name once: threads that need the same handler look for it one after another."""


def registered(function: str, text: str, machine: Machine, others: tuple[bytes, ...] = ()) -> str:
    """Name under which XLA knows a handler.

    Args:
        function: its name in the module.
        text: LLVM IR of the module.
        machine: for which it is compiled.
        others: object code of what it calls.
    """
    name = f"zoo_{function}_" + cache.digest([*others, text, machine.features])[:24]
    with _LOCK:
        if name not in _libraries:
            library = Library([*others, cache.compiled(text, machine)], machine)
            handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(library.address(function))
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(handler), platform="cpu", api_version=1)
            _libraries[name] = library
    return name
