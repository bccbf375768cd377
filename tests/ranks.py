"""Programs of `distributed/programs/` on several real ranks, by mpiexec; not where MPI is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_cnn import distributed as dist

PROGRAMS = Path(__file__).parent / "distributed" / "programs"
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or not dist.is_mpi_available(),
    reason="needs mpi4py, an MPI library and mpiexec: pip install mpi4py mpich",
)


def run(command: list, timeout: float = 120) -> subprocess.CompletedProcess:
    """A command, with one thread a rank and NumPy's kernels, which start at once."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TINYGRAD_CNN_KERNELS": "numpy"}
    return subprocess.run(
        [str(word) for word in command], capture_output=True, encoding="utf-8", timeout=timeout, env=environment
    )


def ranks(n: int, program: str, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess:
    """`mpiexec -n N python programs/PROGRAM.py ARGUMENTS`, warnings as errors."""
    return run([MPIEXEC, "-n", n, sys.executable, "-W", "error", PROGRAMS / f"{program}.py", *arguments], timeout)


def said(done: subprocess.CompletedProcess) -> str:
    """What a program that has succeeded printed; only one of its ranks does, for mpiexec may cut lines."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
