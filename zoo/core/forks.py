"""A process that was forked after JAX began to work has its locks and none of its threads: it may wait for ever."""

import os

from zoo.core.errors import ZooError


class _Process:
    """What this process is to JAX.

    Attributes:
        computes: whether the zoo has computed in it, or in the process that it was forked from.
        forked: whether it was forked after that.
    """

    computes = False
    forked = False

    def mark(self) -> None:
        self.forked = self.computes


_this = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_this.mark)


def check_not_forked() -> None:
    """Called where the zoo is about to compute.

    Raises:
        ZooError: in a process that would hang or abort.
    """
    if _this.forked:
        raise ZooError(
            "this process was forked from one in which JAX had computed already, and would hang or abort. Start it "
            "anew: multiprocessing.get_context('spawn'), or multiprocessing_context='spawn' of a PyTorch DataLoader"
        )
    _this.computes = True
