"""A disk that is full, as far as this process can tell."""

import contextlib
import resource


@contextlib.contextmanager
def small_files(limit):
    """Files of this process can have so many bytes, as where a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
