"""A network that runs in another simulator, in a process with that simulator's own Python environment."""

import io
import struct
import subprocess
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.core.errors import ZooError


class Elsewhere:
    """Steps of a network in another simulator; use it in a ``with`` block, which ends the process."""

    def __init__(self, python: Path | str, reader: str, file: Path):
        """Starts the simulator.

        Args:
            python: interpreter of an environment that has the simulator.
            reader: its name; `lines/load_{reader}.py` is run there.
            file: NIR file made for it.
        """
        lines = resources.files("zoo.interchange") / "lines"
        command = [str(python), str(lines / "serve.py"), str(lines / f"load_{reader}.py"), str(file)]
        self.reader = reader
        self._log = tempfile.TemporaryFile()  # A pipe that nobody empties would stop a simulator that prints much.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._pipes: Any = (self._process.stdin, self._process.stdout)

    def __enter__(self) -> "Elsewhere":
        return self

    def __exit__(self, *_) -> None:
        self._process.communicate()
        self._log.close()

    def reset(self) -> None:
        """Begins an episode."""
        self._send(np.zeros(0, np.float32))

    def step(self, observation: Float[np.ndarray, "B o"]) -> tuple[np.ndarray, np.ndarray]:
        """Spikes [B, hidden] and readout [B, a] of one step.

        Raises:
            ZooError: if the simulator ended with an error, with what it said.
        """
        try:
            self._send(np.asarray(observation, np.float32))
            self._pipes[0].flush()
            return self._receive(), self._receive()
        except (OSError, struct.error) as error:
            self._process.kill()
            self._process.wait()
            self._log.seek(0)
            text = self._log.read().decode(errors="replace")[-2000:]
            raise ZooError(f"{self.reader} ended: {text}") from error

    def _send(self, array: np.ndarray) -> None:
        buffer = io.BytesIO()
        np.save(buffer, array)
        self._pipes[0].write(struct.pack("<q", buffer.tell()) + buffer.getvalue())

    def _receive(self) -> np.ndarray:
        (size,) = struct.unpack("<q", self._pipes[1].read(8))
        return np.load(io.BytesIO(self._pipes[1].read(size)), allow_pickle=False)
