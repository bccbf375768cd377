"""Training steps whose loops look at every index: compiled with NUMBA_BOUNDSCHECK=1, into a cache of their own.

An index out of bounds is the failure of a part of a loop, which is a RuntimeError (machinery/compiled.py). Here is one
step; all, and the chosen shapes of test_fast.py: TINYGRAD_CNN_BOUNDS=all, which compiles for some minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")

HERE = Path(__file__).parent
ALL = ["test_recorded_steps.py", "test_fast.py"]
WHICH = ALL if os.environ.get("TINYGRAD_CNN_BOUNDS") == "all" else ["test_recorded_steps.py", "-k", "lenet"]
BEYOND = """
import numpy as np
from tinygrad_cnn.kernels.fast.machinery.compiled import FAILED, compiled

@compiled("f4[::1], f4[::1]")
def third(thread, part, parts, x, out):
    out[0] = x[2]

out = np.zeros(1, np.float32)
third(0, np.array([1, 2, 3], np.float32), out)
assert out[0] == 3
for count in (1, 2):
    try:
        third(1e9, np.ones(2, np.float32), out, team=count)
    except RuntimeError as error:
        assert str(error) == FAILED
    else:
        raise AssertionError("it was not noticed")
"""


def checked(tmp_path, *arguments):
    # indices are looked at in code that is not optimized as well, and that is made in half the time
    told = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, *arguments], env=told, cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


@pytest.mark.slow
def test_no_loop_of_a_step_leaves_its_arrays(tmp_path):
    checked(tmp_path, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *WHICH)


@pytest.mark.slow
def test_an_index_beyond_is_noticed(tmp_path):
    checked(tmp_path, "-c", BEYOND)
