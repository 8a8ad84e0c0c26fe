"""What a process that was killed in the middle of a save leaves behind."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

_LEFTOVER = re.compile(r"\.(?P<name>[0-9]{8,12}|checkpoint|state|start)\.[a-z0-9_]{8}(?P<old>\.old)?")


def sweep(folder: Path, older_than_s: float = 0.0) -> list[str]:
    """Removes leftovers of `zoo.store.checkpoint.replacing` from a run's folder, or from its states.

    Of a save that was killed between its two renames the old content is all there is: it is put back.

    Args:
        folder: to look in, not below.
        older_than_s: leave alone what was changed later, which another process may be writing.

    Returns:
        Names of what was removed or put back.
    """
    found = []
    for path in sorted(folder.glob(".*"), key=lambda p: not p.name.endswith(".old")):
        match = _LEFTOVER.fullmatch(path.name)
        if match is None or path.is_symlink() or not path.is_dir():
            continue
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < older_than_s:
                continue
            if match["old"] and not (folder / match["name"]).exists():
                os.replace(path, folder / match["name"])
            else:
                shutil.rmtree(path, ignore_errors=True)
            found.append(path.name)
    return found
