"""One training by several processes, on one machine or many.

All processes run the same program and compute in step. Process 0 alone touches the disk, shows progress and
decides; what it read or decided is sent to the others, whose folders stay as they are. So no file system has
to be shared.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from zoo.core.errors import ZooError


def join(coordinator: str, processes: int, process_id: int) -> None:
    """Connects this process with the others; to be called before JAX computes anything.

    Args:
        coordinator: ``HOST:PORT`` at which process 0 can be reached by all.
        processes: how many there are.
        process_id: which this is, from 0.

    Raises:
        ValueError: if the numbers or the address cannot be.
        ZooError: if the others do not come, or JAX runs already.
    """
    if not 0 <= process_id < processes:
        raise ValueError(f"process_id (={process_id}) must be at least 0 and below processes (={processes})")
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"coordinator (={coordinator!r}) must be HOST:PORT")
    try:
        jax.distributed.initialize(coordinator, processes, process_id)
        with _prints_to_stderr():
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("joined")
    except RuntimeError as error:
        raise ZooError(f"process {process_id} of {processes} cannot join at {coordinator}: {error}") from error


@contextlib.contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """Gloo reports its connections on standard output, which belongs to the command's result."""
    sys.stdout.flush()
    before = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


def is_main() -> bool:
    """Whether this process owns the disk."""
    return jax.process_index() == 0


def from_main(act: Callable[[], Any]) -> Any:
    """What process 0 gets from `act`, on all processes; the others do not call it.

    Args:
        act: returns JSON.

    Raises:
        ZooError: on the others, if it failed on process 0; there the error is what it was.
    """
    if jax.process_count() == 1:
        return act()
    error, message = None, {}
    if is_main():
        try:
            message = {"value": act()}
        except Exception as caught:
            error, message = caught, {"error": f"{type(caught).__name__}: {caught}"}
    message = json.loads(_broadcast_text(json.dumps(message)))
    if error is not None:
        raise error
    if "error" in message:
        raise ZooError(f"process 0 failed: {message['error']}")
    return message["value"]


def _broadcast_text(text: str) -> str:
    from jax.experimental import multihost_utils

    data = np.frombuffer(text.encode(), np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(data))))
    data = data if is_main() else np.zeros(size, np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(data))).decode()


def share(tree: Any, like: Any) -> Any:
    """Process 0's host arrays on all processes.

    Args:
        tree: of arrays; what the others give is ignored.
        like: a tree with the shapes and dtypes.
    """
    if jax.process_count() == 1:
        return tree
    from jax.experimental import multihost_utils

    mine = tree if is_main() else jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)
    return jax.tree.map(np.asarray, multihost_utils.broadcast_one_to_all(mine))


def gather(*numbers: float) -> np.ndarray:
    """[processes, numbers] float64: what each process says."""
    if jax.process_count() == 1:
        return np.array([numbers], np.float64)
    from jax.experimental import multihost_utils

    # As bits, since JAX would round float64 to float32.
    bits = np.array(numbers, np.float64).view(np.uint32)
    return np.ascontiguousarray(multihost_utils.process_allgather(bits)).view(np.float64)


def check_mesh(mesh: Mesh) -> None:
    """Every process needs work.

    Raises:
        ZooError: if the mesh has no device of some process.
    """
    idle = set(range(jax.process_count())) - {device.process_index for device in mesh.devices.flat}
    if idle:
        raise ZooError(
            f"runs and members spread over {mesh.size} of {jax.device_count()} devices, which leaves process(es) "
            f"{sorted(idle)} without work; start fewer processes, or choose seeds and population that their number "
            "of devices divides"
        )
