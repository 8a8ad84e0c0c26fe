"""A process that is forked after the zoo has computed says so, and does not hang."""

import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.core import forks
from zoo.models import NetworkConfig
from zoo.tasks.exact import respond_exactly
from zoo.tasks.images import ImageTask
from zoo.training.run.engine import Engine

_FORKED = """
import os
from zoo.core.errors import ZooError
from zoo.core.forks import check_not_forked

def child():
    try:
        check_not_forked()
    except ZooError as error:
        print(error, flush=True)
        os._exit(7)
    os._exit(0)

def status():
    pid = os.fork()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if pid else child()

print(status(), flush=True)
check_not_forked()
print(status(), flush=True)
"""


def test_a_fork_before_the_first_computation_is_fine_and_one_after_it_says_what_to_do():
    result = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, text=True, check=True)
    first, message, second = result.stdout.splitlines()
    assert (first, second) == ("0", "7")
    assert "multiprocessing.get_context('spawn')" in message


def test_whatever_computes_asks(monkeypatch, checkpoint):
    policy = zoo.policy(str(checkpoint))
    monkeypatch.setattr(forks._this, "forked", True)
    parts = NetworkConfig(inputs=784, hidden=2, outputs=10, trained=("x_tau",)).initial(0)
    for act in (
        lambda: zoo.evaluate(str(checkpoint)),
        lambda: Engine(policy.task, []),
        lambda: policy.act(np.zeros(3, np.float32)),
        lambda: respond_exactly(ImageTask("mnist"), parts, np.zeros((1, 784), np.uint8)),
    ):
        with pytest.raises(zoo.ZooError, match="was forked"):
            act()
