"""The fast kernels stay within their arrays: see guarded.py, which runs in a process of its own, for it may crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="the fast kernels need Numba")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")

SCRIPT = Path(__file__).with_name("guarded.py")
SEEDS = os.environ.get("TINYGRAD_CNN_SEEDS", "3")  # a longer run: TINYGRAD_CNN_SEEDS=100


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=SCRIPT.parent)


@pytest.mark.slow
def test_no_kernel_reads_or_writes_beyond_its_arrays():
    done = python(SCRIPT, SEEDS)
    assert done.returncode == 0, f"{(done.stdout.splitlines() or ['at the start'])[-1]}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(("at_end", "beyond"), [(True, 20), (False, -4)])
def test_a_number_beyond_is_noticed(at_end, beyond):
    code = f"""
import ctypes, numpy as np, guarded
border = guarded.Border()
border.at_end = {at_end}
x = border.empty((5,), np.float32)
assert np.isnan([ctypes.c_float.from_address(x.ctypes.data + k).value for k in (0, 16)]).all()
ctypes.c_float.from_address(x.ctypes.data + {beyond}).value
"""
    assert python("-c", code).returncode == -signal.SIGSEGV
