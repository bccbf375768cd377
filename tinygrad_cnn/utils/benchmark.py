"""How long does a line take? A Timer runs it often, a Measurement says what came out, Compare makes a table of several.

>>> import tinygrad_cnn as tg
>>> x = tg.ones(1000)
>>> timer = Timer("x * x", globals={"x": x}, label="square", description="mul")
>>> found = timer.timeit(10)
>>> found.number_per_run, found.median > 0
(10, True)
"""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..kernels.threads import get_num_threads, set_num_threads

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer"]

UNITS = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")]
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class TaskSpec(NamedTuple):
    """What is timed, and what tables call it: `label` is over all, `sub_label` names a row, `description` a column."""

    stmt: str
    setup: str = "pass"
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        named = ": ".join(name for name in (self.label, self.sub_label) if name)
        return named or self.stmt


class Measurement:
    """The times of several blocks of `number_per_run` runs each; all times are in seconds, of one run.

    >>> found = Measurement(10, [0.01, 0.02, 0.04], TaskSpec("f(x)"))
    >>> found.times, found.median, found.mean
    ([0.001, 0.002, 0.004], 0.002, 0.0023333333333333335)
    """

    def __init__(self, number_per_run: int, raw_times: list[float], task_spec: TaskSpec):
        self.number_per_run, self.raw_times, self.task_spec = number_per_run, raw_times, task_spec

    @property
    def times(self) -> list[float]:
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """How far the middle half of the times lies apart."""
        if len(self.raw_times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def has_warnings(self) -> bool:
        """Whether the times lie so far apart that something else was going on."""
        return self.iqr > 0.1 * self.median

    def __getattr__(self, name: str) -> Any:
        if name in (*TaskSpec._fields, "title"):
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Those of one task made one."""
        times: dict[TaskSpec, list[float]] = {}
        for m in measurements:
            times.setdefault(m.task_spec, []).extend(m.times)
        return [Measurement(1, found, task) for task, found in times.items()]

    def __repr__(self) -> str:
        scale, unit = _unit(self.median)
        many = len(self.raw_times) > 1
        lines = [f"<{type(self).__module__}.{type(self).__name__} object at {id(self):#x}>", self.title]
        lines += [text for text in (self.description, self.setup if self.setup != "pass" else "") if text]
        lines.append(f"  {'Median: ' if many else ''}{self.median / scale:.2f} {unit}")
        if many:
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit}")
        runs = f"{len(self.raw_times)} measurement{'s' * many}, {self.number_per_run} runs{' per measurement' * many}"
        lines.append(f"  {runs}, {self.num_threads} thread{'s' * (self.num_threads > 1)}")
        if self.has_warnings:
            lines.append(
                f"  WARNING: the middle half of the times lies {self.iqr / self.median:.0%} of the median apart."
            )
        return "\n".join(lines)


class Timer:
    """Runs a statement, in the names of `globals`, after `setup`, on `num_threads` threads, and measures its time.

    timer: the clock. label, sub_label, description, env: what it is called in tables.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = time.perf_counter,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: str = "py",
    ):
        if str(language).lower() not in ("py", "python"):
            raise ValueError(f"Timer: statements are in Python here, got language={language!r}")
        if not isinstance(stmt, str):
            raise ValueError(f"Timer: stmt must be a str, got {type(stmt).__name__}")
        self.task_spec = TaskSpec(stmt, setup, label, sub_label, description, env, num_threads)
        self._timer = timeit.Timer(stmt, setup, timer=timer, globals=dict(globals or {}))

    def timeit(self, number: int = 1000000) -> Measurement:
        """One block of `number` runs, after a hundredth of them to warm up."""
        with _threads(self.task_spec.num_threads):
            self._timer.timeit(max(number // 100, 2))
            return Measurement(number, [self._timer.timeit(number)], self.task_spec)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Blocks, each long beside the clock's own time, until they took `min_run_time` seconds."""
        return self._blocks(callback, min_run_time, lambda found: True)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Blocks until their times lie no more than `threshold` of the median apart, or `max_run_time` is over."""

        def enough(found: Measurement) -> bool:
            return sum(found.raw_times) > max_run_time or (
                len(found.times) > 3 and found.iqr < threshold * found.median
            )

        return self._blocks(callback, min_run_time, enough)

    def _blocks(
        self, callback: Callable[[int, float], Any] | None, min_run_time: float, enough: Callable[[Measurement], bool]
    ) -> Measurement:
        with _threads(self.task_spec.num_threads):
            number, taken = 1, self._timer.timeit(2) / 2
            while (taken := self._timer.timeit(number)) < min(min_run_time / 1000, 1e-3):
                number *= 10
            found = Measurement(number, [taken], self.task_spec)
            while sum(found.raw_times) < min_run_time or not enough(found):
                found.raw_times.append(self._timer.timeit(number))
                if callback is not None:
                    callback(number, found.raw_times[-1])
        return found


class Compare:
    """A table for each label: a row for each sub_label, a column for each description, the medians in one unit.

    >>> tasks = [TaskSpec("f(x)", label="sum", sub_label=row, description="loop") for row in ("10", "100")]
    >>> Compare([Measurement(1, [t], task) for t, task in zip((0.001, 0.0123), tasks)]).print()
    [ sum ]
                 |  loop
    1 threads:
          10     |   1.0
          100    |  12.3
    <BLANKLINE>
    Times are in milliseconds (ms).
    """

    def __init__(self, results: list[Measurement]):
        self._results: list[Measurement] = []
        self._digits = 1
        self.extend_results(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """ValueError for what is no Measurement."""
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Compare: expected an instance of `Measurement`, got {type(result)}")
            self._results.append(result)

    def trim_significant_figures(self) -> None:
        """Leave out what is after the point."""
        self._digits = 0

    def colorize(self, rowwise: bool = False) -> None:
        """Nothing: the table is plain text."""

    def highlight_warnings(self) -> None:
        """Nothing: a Measurement says that itself."""

    def print(self) -> None:
        """Write it to stdout."""
        print(self)

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        return "\n\n".join(self._table(label, list(group)) for label, group in _grouped(merged, lambda m: m.label))

    def _table(self, label: str | None, results: list[Measurement]) -> str:
        scale, unit = _unit(min(m.median for m in results))
        columns = list(dict.fromkeys(m.description or "" for m in results))
        cells = {(m.num_threads, m.sub_label or m.stmt, m.description or ""): m.median / scale for m in results}
        texts = {key: f"{value:.{self._digits}f}" for key, value in cells.items()}
        widths = {c: max(len(c), *(len(t) for (_, _, d), t in texts.items() if d == c)) for c in columns}
        first = max(len(row) for _, row, _ in cells) + 10

        def line(name: str, found: Iterable[str]) -> str:
            return "  |  ".join([name.ljust(first), *found]).rstrip()

        lines = [f"[ {label or ''} ]", line("", (c.rjust(widths[c]) for c in columns))]
        for threads, group in _grouped(results, lambda m: m.num_threads):
            lines.append(f"{threads} threads:")
            for row in dict.fromkeys(m.sub_label or m.stmt for m in group):
                lines.append(line(f"      {row}", (texts.get((threads, row, c), "").rjust(widths[c]) for c in columns)))
        return "\n".join([*lines, "", f"Times are in {NAMES[unit]} ({unit})."])


def _grouped(found: list[Measurement], key: Callable[[Measurement], Any]) -> Iterator[tuple[Any, list[Measurement]]]:
    for value in dict.fromkeys(map(key, found)):
        yield value, [m for m in found if key(m) == value]


def _unit(seconds: float) -> tuple[float, str]:
    """The unit in which a time is a number of 1 or more."""
    return next(((scale, unit) for scale, unit in UNITS if seconds >= scale), UNITS[-1])


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)
