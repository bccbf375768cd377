"""MPI, found and opened when it is first needed; and what is done where there is none.

mpi4py takes the MPI library of the environment's wheel (mpich) or the system's, whichever it finds first.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

# What the launchers of MPI libraries tell a process: MPICH and its relatives, Open MPI, PMIx, ours.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "WORLD_SIZE")
STARTERS = ("PMI", "OMPI_", "MPI_LOCAL", "MV2_", "SLURM_PROCID", "PALS_", "ALPS_", "FLUX_")  # how their variables begin
LOCAL_SIZES = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "LOCAL_WORLD_SIZE")


def started() -> bool:
    """Whether someone has started several processes, or may have: whoever runs alone need not open MPI.

    >>> started() in (True, False)
    True
    """
    return told(SIZES) > 1 or any(name.startswith(STARTERS) for name in os.environ)


@cache
def mpi() -> tuple[Any, str]:
    """(the module mpi4py.MPI, "") or (None, why there is none)."""
    try:
        import mpi4py

        mpi4py.rc.thread_level = "multiple"
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is there, a library is not
        return None, str(error).partition("\n")[0]
    return MPI, ""


def told(names: tuple[str, ...]) -> int:
    """The first of these variables that is a number; 1 where there is none.

    >>> told(("NO_SUCH_VARIABLE",))
    1
    """
    for name in names:
        text = os.environ.get(name, "")
        if text.isdigit():
            return int(text)
    return 1
