"""Worker processes, and rounds in which they take turns.

While one runs, the others wait for a line on a pipe, and use no core. Whatever else the machine does, it does to all
of them alike, so the ratio of two times of the same round is worth more than the times.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .. import UserError

HERE = Path(__file__).parent
REST = 0.02  # seconds: the threads of the one that ran have gone to sleep when the next begins
FIRST = 5  # calls that are not timed: in these, compilers work and kernels are tried
THREADS = (
    *(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "PJRT_NPROC"),
)
PLAIN = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}


def environment(threads: int) -> dict[str, str]:
    """That of a worker: this one, where so many threads are to be used, and tinygrad_cnn is found as it is here."""
    path = [str(HERE.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **PLAIN, **dict.fromkeys(THREADS, str(threads)), "PYTHONPATH": os.pathsep.join(path)}


@dataclass(frozen=True)
class Settings:
    """How everything is measured."""

    threads: int
    rounds: int
    quick: bool
    against: tuple[str, ...]  # libraries to compare with
    out: TextIO  # where tables go
    seeds: int = 16  # runs that gradients are compared in

    def budget(self, seconds: float) -> float:
        """The seconds of a round; when it is to be quick, a single call."""
        return 0.0 if self.quick else seconds

    def say(self, text: str) -> None:
        print(text, file=self.out, flush=True)


class Worker:
    """A process that measures one library with so many threads; worker.py is its other end.

    What it is told besides stands in its environment.
    """

    def __init__(self, library: str, threads: int, **told: str):
        self.library, self.threads, self.started = library, threads, time.perf_counter()
        env = environment(threads) | told
        if library == "tinygrad_cnn-numpy":
            env["TINYGRAD_CNN_KERNELS"] = "numpy"
        # closed with the worker
        self.complaints = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        command = [sys.executable, str(HERE / "worker.py")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True, env=env
        )

    def ask(self, **request: Any) -> Any:
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()  # type: ignore[union-attr]
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise UserError(self._end(request.get("make", "a round")))
        return json.loads(answer)

    def _end(self, doing: str) -> str:
        """Why there is no answer, in one line."""
        code = self.process.wait()
        how = f"exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
        self.complaints.seek(0)
        last = [line.strip() for line in self.complaints if line.strip()][-1:]
        return f"the process that measures {self.library} stopped in {doing} ({how}): {''.join(last) or 'no message'}"

    def make(self, maker: str, name: str, /, **arguments: Any) -> Job:
        """A job, made by a function such as "networks.train"; another one of this name is dropped."""
        facts = self.ask(job=name, make=maker, **{"with": arguments})
        return Job(self, name, facts, time.perf_counter())

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.complaints.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # nobody waits for an answer
            self.process.terminate()
        self.close()


@dataclass
class Job:
    """What a worker has made, ready to run."""

    worker: Worker
    name: str
    facts: dict
    made: float  # when, by time.perf_counter

    def seconds(self, calls: int) -> float:
        return self.worker.ask(job=self.name, calls=calls)


def take_turns(jobs: Sequence[Job], rounds: int, budget: float) -> list[list[float]]:
    """Seconds of one call, for each job and round; a job runs for about `budget` seconds a round, and at least once.

    Every second round goes through the jobs from the last to the first.
    """
    calls = []
    for job in jobs:
        job.seconds(FIRST if budget else 1)
        calls.append(max(1, round(budget / max(job.seconds(1), 1e-6))))
    times: list[list[float]] = [[0.0] * rounds for _ in jobs]
    alone = len({job.worker for job in jobs}) == 1
    for k in range(rounds):
        for i in range(len(jobs))[:: -1 if k % 2 else 1]:
            if not alone:
                time.sleep(REST)
            times[i][k] = jobs[i].seconds(calls[i])
    return times
