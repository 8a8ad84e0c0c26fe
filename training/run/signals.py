"""A training that is asked to stop ends in good order."""

import contextlib
import os
import signal
import threading

_SAID = b"\nstopping when the state is saved; Ctrl-C again stops at once, and loses what came since the last save\n"


class StopRequest(contextlib.AbstractContextManager):
    """Turns the first SIGINT or SIGTERM into a request; the second SIGINT interrupts as usual."""

    received = 0
    """The signal's number."""

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._receive) for s in (signal.SIGINT, signal.SIGTERM)}
        else:
            self._before = {}
        return self

    def _receive(self, number, frame):
        self.received = number
        os.write(2, _SAID)  # Not `print`: the signal may have come in the middle of one.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_):
        for number, handler in self._before.items():
            # None stands for a handler that is not Python's (`jax.distributed` has one); it cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
