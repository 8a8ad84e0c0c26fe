"""Keeping back what libraries say of themselves, which the command line shows with ``--verbose`` alone."""

import logging
import os


def quiet_libraries() -> None:
    """XLA's log up to its errors, and absl's up to its warnings; to be called before JAX is imported.

    What fails raises an exception all the same. What is set in the environment already stays. (MuJoCo's remarks are
    kept back where its files are read, `zoo.tasks.brax`, since libraries that use the zoo want that, too.)
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)
