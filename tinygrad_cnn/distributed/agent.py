"""The process that mpiexec starts for each rank under `tinygrad-cnn launch`: it runs the rank's program.

It tells the program who it is, labels what it prints, and says how it ended, which a program that was killed cannot.
It stands alone, so that it starts at once: only the standard library is imported.

    python agent.py {"command": [...], "labels": true, "threads": 0, "board": "DIR"}
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

# By MPI library: PMI is spoken by MPICH and its relatives, PMIx by Open MPI and others.
RANK = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
SIZE = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
LOCAL_RANK = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK")
LOCAL_SIZE = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE")


def told(names: tuple[str, ...], default: int) -> int:
    """The first of these variables that is there.

    >>> told(("NO_SUCH_VARIABLE",), 3)
    3
    """
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()), default)


def environment(threads: int) -> dict[str, str]:
    """What the program finds in its environment: torchrun's variables, and its share of this machine's threads."""
    rank, local_size = told(RANK, 0), told(LOCAL_SIZE, 1)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = {
        "RANK": str(rank),
        "WORLD_SIZE": str(told(SIZE, 1)),
        "LOCAL_RANK": str(told(LOCAL_RANK, rank)),
        "LOCAL_WORLD_SIZE": str(local_size),
        "PYTHONUNBUFFERED": "1",
    }
    if threads or "OMP_NUM_THREADS" not in os.environ:
        found["OMP_NUM_THREADS"] = str(threads or max(1, cores // local_size))
    return {**os.environ, **found}


def forward(source: Any, to: Any, label: str) -> None:
    """Pass lines on, each in one piece; to nobody where `to` is None."""
    for line in source:
        if to is None:
            continue
        to.write(label.encode() + (line if line.endswith(b"\n") else line + b"\n"))
        to.flush()


def claim(board: Path, rank: object, code: int) -> bool:
    """Note on the board that this rank was the first that failed; whether it was."""
    try:
        with open(board / "first", "x", encoding="utf-8") as file:
            file.write(f"{rank} {code}")
    except OSError:
        return False
    return True


def main(wish: dict) -> int:
    env = environment(wish["threads"])
    rank, board = env["RANK"], Path(wish["board"])
    board.mkdir(exist_ok=True)  # on the machine of the launcher it is there
    env["TINYGRAD_CNN_BOARD"] = str(board)
    program = subprocess.Popen(  # MPI's own channel to mpiexec is an open file
        wish["command"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, close_fds=False
    )
    told = []

    def tell(number: int, _: object) -> None:
        told.append(number)
        program.send_signal(number)

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, tell)
    silent = rank != "0" and not wish["labels"]
    label = f"[{rank}] " if wish["labels"] or silent else ""
    streams = (
        (program.stdout, None if silent else sys.stdout.buffer, label),
        (program.stderr, sys.stderr.buffer, label),
    )
    threads = [threading.Thread(target=forward, args=stream) for stream in streams]
    for thread in threads:
        thread.start()
    code = program.wait()
    for thread in threads:
        thread.join(1)  # someone whom the program has started may still hold the other end
    if code < 0:
        code = 128 - code
    if code == 0 or told:
        return code
    if not claim(board, rank, code):  # another rank has failed before, and ended this one; or it has said so itself
        return code
    note = board / f"rank.{rank}"
    last = note.read_text(encoding="utf-8").strip() if note.exists() else "none"
    how = f"was killed by {signal.Signals(code - 128).name}" if code > 128 else f"ended with exit code {code}"
    text = (
        f"tinygrad-cnn launch: rank {rank} of {env['WORLD_SIZE']} {how}; its last call was {last}; all ranks are ended"
    )
    print(text, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
