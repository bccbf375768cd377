"""Plain tools for a loop of your own: when to stop, which weights were best, what happened at each step.

    stopper, best = EarlyStopping(patience=5), KeepBest(model)
    log = JSONL("metrics.jsonl")
    for epoch in range(100):
        train(model)
        loss = validate(model)
        log.write(epoch=epoch, loss=loss)
        best.step(loss)
        if stopper.step(loss):
            break
    best.restore()

Each has a state for `save_checkpoint("run.tgc", model, optimizer, stopper=stopper, best=best, log=log)`, so that a
resumed run decides, keeps and logs as one that was not stopped. A metric is a number or a Tensor of one element, of
which the number is kept and no graph. A NaN is no improvement, and whatever is a number is one over it.
"""

from __future__ import annotations

import copy
import json
import math
import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsFloat

from .nn import Module

__all__ = ["JSONL", "EarlyStopping", "KeepBest", "read_jsonl"]


class _Best:
    """The best value so far of a metric."""

    def __init__(self, mode: str, min_delta: float = 0.0):
        name = type(self).__name__
        if mode not in ("min", "max"):
            raise ValueError(f"{name}: mode {mode!r} is unknown; use 'min' for a loss or 'max' for an accuracy")
        if not min_delta >= 0:
            raise ValueError(f"{name}: min_delta must be 0 or more, got {min_delta}")
        self.mode, self.min_delta = mode, float(min_delta)
        self.best = math.inf if mode == "min" else -math.inf

    def _improves(self, value: float) -> bool:
        """Whether a value is better than the best by more than min_delta."""
        return (self.best - value if self.mode == "min" else value - self.best) > self.min_delta

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, but not how it was made: a run may go on with more patience."""
        return {"mode": self.mode, "best": self.best}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict()` has given."""
        best, mode = _taken(self, state_dict, "best", "mode")
        if mode != self.mode:
            raise ValueError(f"{type(self).__name__}: the state was saved with mode {mode!r}, here it is {self.mode!r}")
        if not isinstance(best, int | float):
            raise TypeError(f"{type(self).__name__}: best must be a number, got {best!r:.60}")
        self.best = best


class EarlyStopping(_Best):
    """Tells when a metric has not improved for `patience` looks at it: call step(metric) once an epoch.

    An improvement is more than min_delta below the best (mode "min", for a loss) or above it ("max", for an accuracy).
    `best` is the best metric, `num_bad_epochs` how many looks ago it was seen.

    >>> stopper = EarlyStopping(patience=2)
    >>> [stopper.step(loss) for loss in [3.0, 2.0, 2.5, 1.0, 1.0, float("nan")]]
    [False, False, False, False, False, True]
    >>> stopper.best, stopper.num_bad_epochs
    (1.0, 2)
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0, mode: str = "min"):
        super().__init__(mode, min_delta)
        self.patience = operator.index(patience)
        if self.patience < 1:
            raise ValueError(f"EarlyStopping: patience must be 1 or more, got {patience}")
        self.num_bad_epochs = 0

    def step(self, metric: SupportsFloat) -> bool:
        """Look at the metric of an epoch; whether it is time to stop."""
        value = float(metric)
        if self._improves(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        return self.num_bad_epochs >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "num_bad_epochs": self.num_bad_epochs}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        (bad,) = _taken(self, state_dict, "num_bad_epochs")
        super().load_state_dict(state_dict)
        if type(bad) is not int:
            raise TypeError(f"EarlyStopping: num_bad_epochs must be an int, got {bad!r:.60}")
        self.num_bad_epochs = bad


class KeepBest(_Best):
    """Keeps a copy of the weights that had the best metric: step(metric) once an epoch, restore() at the end.

    model: a Module, or whatever has a state_dict() and a load_state_dict(). mode: "min" or "max", what is better.

    >>> import tinygrad_cnn as tg
    >>> model = tg.nn.Linear(1, 1)
    >>> best = KeepBest(model, mode="max")
    >>> for accuracy, weight in [(0.5, 1.0), (0.9, 2.0), (0.7, 3.0)]:
    ...     _ = model.weight.data.fill_(weight)
    ...     if best.step(accuracy):
    ...         print("new best:", accuracy)  # where tg.save(model.state_dict(), "best.tgc") would stand
    new best: 0.5
    new best: 0.9
    >>> best.restore()
    >>> model.weight.item()
    2.0
    """

    def __init__(self, model: Module, mode: str = "min"):
        super().__init__(mode)
        self.model = model
        self.weights: dict[str, Any] | None = None

    def step(self, metric: SupportsFloat) -> bool:
        """Look at a metric, and copy the weights that it was measured with if it is the best; whether it is."""
        value = float(metric)
        if better := self._improves(value):
            self.weights = copy.deepcopy(self.model.state_dict())
            self.best = value
        return better

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self.weights is None:
            raise RuntimeError("KeepBest.restore: nothing was kept; step(metric) has seen no number yet")
        self.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "weights": self.weights}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        (weights,) = _taken(self, state_dict, "weights")
        super().load_state_dict(state_dict)
        self.weights = copy.deepcopy(weights)


class JSONL:
    """A log of one JSON object a line, which a killed run leaves whole, but for the line it was writing.

    path: the file. It is made if it is not there, and gone on with if it is: what a killed run had begun to write of
    its last line is cut off. Each line is with the operating system when write() returns; the file is not kept open.
    Values are numbers, strings, None, lists and dicts, NumPy's numbers and arrays, and Tensors. JSON has no NaN and no
    infinity: they are written as "nan", "inf" and "-inf", which read_jsonl() reads as numbers again.

    The state is the number of lines. After loading it, the next line that is written takes the place of those that were
    written after the checkpoint, so that the steps which a resumed run does again are there once.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "metrics.jsonl"
    >>> log = JSONL(path)
    >>> log.write(step=1, loss=0.5)
    >>> state = log.state_dict()
    >>> log.write(step=2, loss=0.4)  # and here the machine went down
    >>> again = JSONL(path)
    >>> again.load_state_dict(state)
    >>> again.write(step=2, loss=float("nan"))
    >>> print(path.read_text(), end="")
    {"step": 1, "loss": 0.5}
    {"step": 2, "loss": "nan"}
    >>> read_jsonl(path)
    [{'step': 1, 'loss': 0.5}, {'step': 2, 'loss': nan}]
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        with self.path.open("a+b") as file:
            file.seek(0)
            self.lines = end = 0
            for line in file:
                if not line.endswith(b"\n"):
                    if not line.startswith(b"{") and line.strip(b"\0"):
                        raise ValueError(f"JSONL: {self.path} is no file of JSON objects; nothing was changed in it")
                    file.truncate(end)
                    break
                self.lines, end = self.lines + 1, end + len(line)
        self._end: int | None = None  # where the next line is to stand, if not at the end of the file

    def write(self, row: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        """Append a line: of a dict, of keyword arguments, or of both. A line that does not go in whole is taken back.

        Raises a TypeError for a value that JSON cannot hold, before anything is written.
        """
        whole = {**(row or {}), **values}
        line = memoryview(f"{json.dumps(_jsonable(whole), allow_nan=False)}\n".encode())
        with self.path.open("ab", buffering=0) as file:
            if self._end is not None:
                file.truncate(self._end)
                self._end = None
            end = file.seek(0, os.SEEK_END)
            try:
                while line:
                    line = line[file.write(line) :]
            except BaseException:
                file.truncate(end)
                raise
        self.lines += 1

    def state_dict(self) -> dict[str, Any]:
        """The number of lines, which are on the disk when it is told."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())
        return {"lines": self.lines}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on behind the lines that were there when the state was taken; the others go when the next one is written.

        Raises a ValueError if the file has fewer: it is not the one that the run has written.
        """
        (lines,) = _taken(self, state_dict, "lines")
        with self.path.open("rb") as file:
            kept = [len(line) for _, line in zip(range(lines), file)]
        if len(kept) < lines:
            raise ValueError(
                f"JSONL: the state is of {lines} lines, but {self.path} has {len(kept)}: it is not the file that was "
                "written before; name that one, or go on without loading the state"
            )
        self.lines, self._end = lines, sum(kept)


def read_jsonl(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The lines of a file that a JSONL has written, as dicts; a last line that was not written whole is left out.

    Raises a ValueError that names the line if another one is damaged.
    """
    rows = []
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                rows.append({key: _number(value) for key, value in json.loads(line).items()})
            except (ValueError, AttributeError, RecursionError) as error:
                raise ValueError(f"read_jsonl: {path}, line {number} is no JSON object: {error}") from None
    return rows


_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _jsonable(value: Any) -> Any:
    """A value as JSON takes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if hasattr(value, "tolist"):  # a Tensor, an array, a NumPy number
        return _jsonable(value.tolist())
    if isinstance(value, Mapping):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    return value


def _number(value: Any) -> Any:
    """A value that was read, with numbers where they could not be written as such."""
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    if isinstance(value, dict):
        return {key: _number(inner) for key, inner in value.items()}
    return [_number(inner) for inner in value] if isinstance(value, list) else value


def _taken(tool: Any, state_dict: Any, *keys: str) -> list:
    """These entries of a state."""
    name = type(tool).__name__
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"{name}.load_state_dict: expected the dict of state_dict(), got a {type(state_dict).__name__}")
    if missing := [key for key in keys if key not in state_dict]:
        raise KeyError(f"{name}.load_state_dict: the state has no {missing[0]!r}; is it one of a {name}?")
    return [state_dict[key] for key in keys]
