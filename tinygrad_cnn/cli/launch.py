"""Run a script on several processes, which train together (MPI).

    tinygrad-cnn launch -n 4 script.py --lr 0.1     a script that calls distributed.init_process_group
    tinygrad-cnn launch -n 4 train --distributed    the command
    tinygrad-cnn launch -n 4 -m package.module      a module

The script finds RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE in its environment, as under torchrun, and in
OMP_NUM_THREADS its share of the machine's cores. If a rank fails, all are ended, and its exit code is that of the
command. Told to stop, by Ctrl-C or a signal, it tells all ranks, waits for their ends, and says 130 or what the signal
gives; a second Ctrl-C ends them at once. For several machines, give the mpiexec that knows them:
--mpiexec "mpiexec -f hosts".
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from ..stopping import stop
from . import COMMANDS, UserError
from .options import positive_int, seconds

BANNER = b"====="  # how MPICH begins to say at length that a process has ended
CTRL_C = re.compile(rb"\[mpiexec@[^]]*\] .*Ctrl-C")  # how it says what Ctrl-C does
GRACE = 2.0  # seconds for mpiexec to end the other ranks by itself, and for what they said to arrive
LAST = 30.0  # seconds for ranks that were told to stop: a step, and what is saved of it

# A terminal that is closed is told to ranks as any signal is: mpiexec would end them.
DEAF = (lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if hasattr(signal, "SIGHUP") else None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--ranks", type=positive_int, default=2, help="how many processes (default: %(default)s)")
    add("-m", "--module", action="store_true", help="SCRIPT is a module, as in python -m")
    add("--only-rank-0", action="store_true", help="print only what rank 0 prints, without labels, and all errors")
    add("--threads", type=positive_int, help="threads of each rank (default: the cores shared out)")
    add("--timeout", type=seconds, help="seconds that a call waits for other ranks; 0: for ever (default: 1800)")
    add("--mpiexec", metavar="COMMAND", help="how to start MPI programs (default: the environment's mpiexec)")
    add("script", metavar="SCRIPT", help="a Python file, train, or a module after -m")
    add("args", metavar="ARGS", nargs=argparse.REMAINDER, help="what the script is given")


def run(args: argparse.Namespace) -> int:
    from ..distributed import agent
    from ..distributed.group import TIMEOUT

    board = Path(tempfile.mkdtemp(prefix="tinygrad_cnn-"))
    wish = {
        "command": [*program(args), *args.args],
        "labels": not args.only_rank_0,
        "threads": args.threads or 0,
        "board": str(board),
    }
    env = dict(os.environ)
    if args.timeout is not None:
        env[TIMEOUT] = str(args.timeout)
    command = [*starter(args.ranks, args.mpiexec), sys.executable, agent.__file__, json.dumps(wish)]
    try:
        with stop.noted():
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, preexec_fn=DEAF)
            with stop.together_with(process):
                return watched(process, board / "first")
    finally:
        shutil.rmtree(board, ignore_errors=True)


def program(args: argparse.Namespace) -> list[str]:
    """The command of one rank."""
    if args.module:
        return [sys.executable, "-m", args.script]
    if Path(args.script).is_file():
        return [sys.executable, args.script]
    if args.script in COMMANDS:
        return [sys.executable, "-m", "tinygrad_cnn", args.script]
    raise UserError(f"there is no file {args.script}; name a Python script, train, or a module after -m")


def starter(ranks: int, mpiexec: str | None = None) -> list[str]:
    """What starts so many ranks; nothing for one of them where there is no MPI."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    words = shlex.split(mpiexec or "mpiexec")
    found = shutil.which(words[0], path=beside)
    if found is not None:
        return [found, *words[1:], "-n", str(ranks)]
    if ranks == 1 and not mpiexec:
        return []
    raise UserError(f'there is no {words[0]}; pip install "tinygrad_cnn[mpi]" brings one, or install an MPI')


def pass_on(lines: Any, first: Path) -> None:
    """Print what the ranks print; what mpiexec says of one that has failed, and said so, or of Ctrl-C is left out."""
    quiet = False
    with lines, open(1, "wb", buffering=0, closefd=False) as to:
        for line in lines:
            quiet = quiet or (line.startswith(BANNER) and (first.exists() or stop.told > 0))
            if not quiet and not CTRL_C.match(line):
                to.write(line)


def watched(process: subprocess.Popen, first: Path) -> int:
    """Wait for the end of all ranks; the exit code of the first that failed."""
    printer = threading.Thread(target=pass_on, args=(process.stdout, first), daemon=True)
    printer.start()
    failed = told = 0.0
    while process.poll() is None:
        time.sleep(0.05)
        now = time.monotonic()
        if stop.told and not told:
            told = now
            process.terminate()
        if told and now - told > LAST:
            process.kill()
        if not failed and first.exists():
            failed = now
        if failed and now - failed > GRACE:
            process.terminate()
    printer.join(1)  # someone whom a rank has started may still hold the other end
    code = process.returncode
    if first.exists():
        code = int(first.read_text(encoding="utf-8").split()[1])
    return 128 - code if code < 0 else code
