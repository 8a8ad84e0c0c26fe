"""JAX's flags for a user's own code change nothing in the zoo's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

HERE = Path(__file__).parent


def test_every_family_evaluates_and_trains_with_64_bits_and_a_search_for_nan(tmp_path):
    cache = jax.config.jax_compilation_cache_dir
    flags = {"JAX_ENABLE_X64": "1", "JAX_DEBUG_NANS": "1", "JAX_COMPILATION_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, HERE / "wide_numbers.py", tmp_path], capture_output=True, text=True, env=os.environ | flags,
        cwd=HERE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 7
    assert np.isfinite([number for numbers in found.values() for number in numbers]).all()
    # The same initial states as without the flag: what this length of memory comes to does not depend on chance.
    assert found["hetsnn-mem5-32"][0] in (-1.0, 0.0, 1.0)
