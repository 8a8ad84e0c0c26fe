"""Runs a network in a simulator's own environment for another process; `zoo.interchange.elsewhere` talks to it.

``python serve.py LINES.py MODEL.nir``. Each request on the standard input is an array of observations
[batch, inputs], as the bytes of a .npy file after their number in 8 bytes; one of length 0 begins a new episode. The
answers are spikes [batch, hidden] and the readout [batch, outputs].
"""

import contextlib
import io
import runpy
import struct
import sys

import numpy as np
import torch


def receive(stream):
    (size,) = struct.unpack("<q", stream.read(8))
    return np.load(io.BytesIO(stream.read(size)), allow_pickle=False)


def send(stream, array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    stream.write(struct.pack("<q", buffer.tell()) + buffer.getvalue())


def main():
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.redirect_stdout(sys.stderr):  # Simulators print, and would spoil the answers.
        torch.set_num_threads(1)
        step, state = runpy.run_path(sys.argv[1])["load"](sys.argv[2]), None
        with torch.no_grad():
            while requests.peek(1):
                observation = receive(requests)
                if not len(observation):
                    state = None
                    continue
                spikes, readout, state = step(torch.from_numpy(observation), state)
                send(answers, spikes.numpy())
                send(answers, readout.numpy())
                answers.flush()


if __name__ == "__main__":
    main()
