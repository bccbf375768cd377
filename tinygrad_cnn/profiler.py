"""PyTorch's `profiler`: what `autograd.profiler` does, for chosen steps of a loop.

    with profile(schedule=schedule(wait=1, warmup=1, active=3), on_trace_ready=show) as p:
        for x, y in loader:
            train(x, y)
            p.step()

where `show(p)` may print `p.key_averages().table(sort_by="self_cpu_time_total", row_limit=10)`.
"""

from __future__ import annotations

import enum
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .arrays.blocks import Ending
from .autograd import profiler as _timed
from .autograd.profiler import EventList, record_function
from .engine.modes import mode
from .pytorch.absent import explains

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerAction(enum.Enum):
    """What a profile does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class ProfilerActivity(enum.Enum):
    """What is timed: the CPU is all there is."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3


def supported_activities() -> set[ProfilerActivity]:
    """{ProfilerActivity.CPU}"""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """False: the profiler is the library's own."""
    return False


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """By the number of a step what to do in it: `skip_first` steps nothing, then, `repeat` times or for ever (0),
    `wait` steps nothing, `warmup` steps nothing that counts, and `active` steps are recorded.

    skip_first_wait: other than 0 to leave the first wait out.

    >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [plan(step).name for step in range(6)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise ValueError(
            "schedule: expected wait, warmup, repeat and skip_first of at least 0 and active of at least 1, got "
            f"{wait}, {warmup}, {repeat}, {skip_first} and {active}"
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    cycle = wait + warmup + active

    def plan(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            step += wait
        if repeat and step // cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return plan


RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """A block whose ops are timed, all of it, or the steps that `schedule` chooses and `step()` counts.

    on_trace_ready: called with the profile when a cycle of recorded steps is over, and at the end of the block if it
    was recording then. record_shapes, profile_memory and with_modules are those of `autograd.profiler.profile`; the
    other arguments are PyTorch's and change nothing on a CPU.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.profiler import ProfilerActivity, profile
    >>> with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as p:
    ...     y = tg.ones(2, 3).exp().sum()
    >>> [(e.key, e.count, e.input_shapes) for e in p.key_averages(group_by_input_shape=True)]
    [('exp', 1, [[2, 3]]), ('sum', 1, [[2, 3]])]
    """

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None, on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False, profile_memory: bool = False, with_stack: bool = False, with_flops: bool = False,
        with_modules: bool = False, experimental_config: Any = None, execution_trace_observer: Any = None,
        acc_events: bool = False, use_cuda: bool | None = None,
    ):  # fmt: skip
        self.activities = set(activities or supported_activities())
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready = on_trace_ready
        self._options = {"record_shapes": record_shapes, "profile_memory": profile_memory, "with_modules": with_modules}
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.profiler: Any = None
        self._recording = False
        self._step: Any = None

    def start(self) -> None:
        """Begin with the first step."""
        self._follow()

    def stop(self) -> None:
        """End with the step that is running."""
        if self._recording:
            self._end()
            self._tell()

    def step(self) -> None:
        """The next step of the loop begins."""
        before = self.current_action
        self._end_of_step()
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE or (before in RECORDING and self.current_action not in RECORDING):
            self._end()
            self._tell()
            self._follow()
        elif before not in RECORDING:
            self._follow()
        else:
            self._begin_of_step()

    def _follow(self) -> None:
        """Record from here on, if this step is to be recorded."""
        if self.current_action in RECORDING:
            self.profiler = _timed.profile(**self._options)  # type: ignore[arg-type]
            self.profiler.__enter__()
            self._recording = True
            self._begin_of_step()

    def _begin_of_step(self) -> None:
        if self.step_num or self.schedule.__name__ != "<lambda>":
            self._step = record_function(f"ProfilerStep#{self.step_num}").__enter__()

    def _end_of_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None

    def _end(self) -> None:
        self._end_of_step()
        if self._recording:
            self._recording = False
            self.profiler.__exit__(None, None, None)

    def _tell(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    # What was set before the block comes back first: which steps are recorded when it ends, nobody knows yet.
    __exit__ = Ending(lambda self: [partial(mode.__dict__.update, watch=mode.watch, tracer=mode.tracer), self.stop])

    def __enter__(self) -> profile:
        self.start()
        return self

    def _done(self) -> Any:
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized: no step was recorded so far")
        return self.profiler

    def events(self) -> EventList:
        """All that ran in the steps that were recorded last, in the order in which it began."""
        return self._done().events()

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Those of one name together, or of one name and one list of shapes. `.table()` shows them."""
        return self._done().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str | os.PathLike) -> None:
        """Write the events as a JSON file for chrome://tracing or Perfetto."""
        self._done().export_chrome_trace(path)


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """What `on_trace_ready` takes: writes each trace into a folder, under the name that TensorBoard looks for.

    NotImplementedError for use_gzip.
    """
    if use_gzip:
        raise NotImplementedError("tensorboard_trace_handler: traces are written as they are; use_gzip must be False")

    def handler(p: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        p.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handler


explains(__name__)
