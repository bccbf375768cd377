"""PyTorch's answers, recorded, so that every comparison with PyTorch runs where PyTorch is not installed.

A test that wants to know what PyTorch does takes the fixture `pytorch` and asks with a function of the library:

    def test_a_line(pytorch):
        assert len(tg.arange(3)) == pytorch(lambda m: len(m.arange(3)))  # what it gives with torch for m
        pytorch.agrees(lambda m: m.arange(3).exp(), rtol=1e-6)  # with tinygrad_cnn for m it gives the same

`tests/answers/` holds the answers, one file for a module of tests. Where torch is installed, it is asked again and must
give what is recorded; where it is not, the record answers alone. With torch installed, this writes the record anew:

    python -m pytest tests --record

It runs the tests that ask, and no others; a folder or a module instead of `tests` records that part. A file is written
as a whole, so that no answer outlives its question, and in order, so that equal answers are equal bytes.

An answer is made of numbers, strings, None, lists and dicts. A tensor in it becomes an array, a tuple a list, a dtype
its name. Of an array of more than `WHOLE` numbers its `Sums` are kept. Draw what is asked about with NumPy, anew in
each question: it is asked of two libraries, and in any order.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_cnn as tg

TESTS = Path(__file__).parent
ANSWERS = TESTS / "answers"
COMMAND = "python -m pytest {} --record"
WHOLE = 16  # the numbers of an array that is recorded as it is
PARTS = 8  # the sums that stand for one that is not
LARGE = 250_000  # a file of so many bytes is packed


@functools.cache
def torch() -> Any:
    """PyTorch, or None. On one thread, for sums in several are rounded now so, now so."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


# Answers as data.


class Sums(NamedTuple):
    """What is kept of a long array: eight sums, each of every eighth number times ± ½ to 1, so that each counts."""

    dtype: str
    shape: tuple[int, ...]
    special: int  # a checksum of where nan and the infinities are; of integers, of all
    sums: list[float]


def plain(x: Any) -> Any:
    """An answer as data, of either library."""
    if hasattr(x, "detach"):
        x = x.detach().numpy()
    if isinstance(x, np.ndarray | np.generic):
        return np.array(x)
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if x is None or isinstance(x, bool | int | float | str):
        return x
    if isinstance(x, bytes):
        return repr(x)
    if "dtype" in type(x).__name__.lower():
        return str(x).removeprefix("torch.")
    raise TypeError(f"an answer cannot hold a {type(x).__name__}: {x!r}")


def sums(x: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """The checksum of a `Sums`, its terms (PARTS, n) and their weights."""
    if x.dtype.kind != "f":
        return zlib.crc32(x.astype(np.int64).tobytes()), np.zeros((0, 0)), np.zeros((0, 0))
    x = x.astype(np.float64).ravel()
    kind = np.select([np.isnan(x), x == np.inf, x == -np.inf], [1, 2, 3], 0).astype(np.uint8)
    x = np.append(np.where(kind, 0, x), np.zeros(-x.size % PARTS))
    weights = np.random.RandomState(0).uniform(0.5, 1, x.size) * np.resize([1, 1, -1], x.size)
    return zlib.crc32(kind.tobytes()), *(a.reshape(-1, PARTS).T for a in (x * weights, weights))


def written(x: Any) -> Any:
    """Plain data as JSON takes it."""
    if isinstance(x, np.ndarray):
        head = f"{x.dtype} {x.shape}"
        if x.size > WHOLE:
            special, terms, _ = sums(x)
            digits = 15 if x.dtype == np.float64 else 10
            return {"sums": " ".join([head, str(special), *(f"{v:.{digits}g}" for v in terms.sum(1))])}
        numbers = x.ravel() if x.dtype.kind == "f" else x.ravel().astype(np.int64)
        return {"array": " ".join([head, *(str(v).removesuffix(".0") for v in numbers)])}
    if isinstance(x, list):
        return [written(v) for v in x]
    return {k: written(v) for k, v in x.items()} if isinstance(x, dict) else x


def read(x: Any) -> Any:
    """Plain data from JSON, with `Sums` for the long arrays."""
    if isinstance(x, list):
        return [read(v) for v in x]
    if not isinstance(x, dict):
        return x
    if x.keys() not in ({"array"}, {"sums"}):
        return {k: read(v) for k, v in x.items()}
    (kind, text), *_ = x.items()
    dtype, rest = text.split(" ", 1)
    shape, numbers = rest.split(")")
    shape = ast.literal_eval(shape + ")")
    if kind == "array":
        number = float if "float" in dtype else int
        return np.array([number(v) for v in numbers.split()]).astype(dtype).reshape(shape)
    special, *found = numbers.split()
    return Sums(dtype, shape, int(special), [float(v) for v in found])


# Comparing.

Room = Callable[[Any], tuple[float, float]]  # the relative and the absolute error that an array or a float may have


def differences(mine: Any, theirs: Any, room: Room, at: str = "") -> Iterator[str]:
    """Where two answers differ, and how: in type, dtype, shape or value."""
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for i, (a, b) in enumerate(zip(mine, theirs)):
            yield from differences(a, b, room, f"{at}[{i}]")
    elif isinstance(mine, dict) and isinstance(theirs, dict) and mine.keys() == theirs.keys():
        for key in mine:
            yield from differences(mine[key], theirs[key], room, f"{at}[{key!r}]")
    elif isinstance(mine, np.ndarray) and isinstance(theirs, Sums | np.ndarray):
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            yield f"{at} is {mine.dtype} {mine.shape}, in PyTorch {theirs.dtype} {theirs.shape}"
        elif not (_sums_agree if isinstance(theirs, Sums) else _near)(mine, theirs, *room(mine)):
            yield f"{at} is {mine.dtype} {mine.shape}\n{mine}\nin PyTorch\n{theirs}"
    elif isinstance(mine, float) and isinstance(theirs, float):
        if not _near(mine, theirs, *room(mine)):
            yield f"{at} is {mine}, in PyTorch {theirs}"
    elif type(mine) is not type(theirs) or mine != theirs:
        yield f"{at} is {mine!r}, in PyTorch {theirs!r}"


def _near(mine: Any, theirs: Any, rtol: float, atol: float) -> bool:
    if np.asarray(mine).dtype.kind != "f":
        return np.array_equal(mine, theirs)
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    return np.allclose(mine, theirs, rtol=rtol, atol=atol, equal_nan=True)


def _sums_agree(mine: np.ndarray, theirs: Sums, rtol: float, atol: float) -> bool:
    """Errors that are allowed add up in a sum as the steps of a random walk do; beside them, sums are rounded."""
    special, terms, weights = sums(mine)
    allowed = np.sqrt(((rtol * np.abs(terms) + atol * np.abs(weights)) ** 2).sum(1))
    rounding = (1e-14 if mine.dtype == np.float64 else 1e-9) * np.abs(terms).sum(1)
    return special == theirs.special and bool((np.abs(terms.sum(1) - theirs.sums) <= 4 * allowed + rounding).all())


def largest(x: Any) -> float:
    """Of the finite numbers of an array, and 1."""
    x = np.asarray(x, np.float64)
    return max(1.0, np.abs(x[np.isfinite(x)]).max(initial=0))


def rounding(mine: Any) -> tuple[float, float]:
    """The room that PyTorch itself has, on another machine."""
    unit = {"float16": 2e-3, "float64": 1e-9}.get(str(getattr(mine, "dtype", "")), 1e-5)
    return unit, unit * largest(mine)


def otherwise(fresh: Any, recorded: Any) -> str:
    """What PyTorch says now that is not in the record."""
    return "\n".join(differences(fresh, recorded, rounding))


# Asking.


class Record:
    """The answers to the tests of one module, by name."""

    def __init__(self, module: Path):
        self.module = module.relative_to(TESTS)
        self.path = ANSWERS / self.module.with_suffix(".json")
        self.packed = self.path.with_suffix(".json.xz")  # where a file would be large
        self.recorded: dict[str, Any] = {}

    @functools.cached_property
    def answers(self) -> dict[str, Any]:
        if self.packed.exists():
            return json.loads(lzma.decompress(self.packed.read_bytes()))
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def write(self) -> None:
        """Write what was recorded; without a file where nothing was."""
        lines = (f"{json.dumps(name)}: {json.dumps(self.recorded[name])}" for name in sorted(self.recorded))
        content = "{\n" + ",\n".join(lines) + "\n}\n"
        self.path.unlink(missing_ok=True)
        self.packed.unlink(missing_ok=True)
        if self.recorded:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if len(content) > LARGE:
                self.packed.write_bytes(lzma.compress(content.encode()))
            else:
                self.path.write_text(content)


class PyTorch:
    """What a test asks with: see the top of this file."""

    @staticmethod
    def compare(mine: Any, theirs: Any, rtol: float = 0, atol: float = 0, unit: float = 0) -> None:
        """Assert that something is as PyTorch's answer; `unit` times the largest number adds to the absolute error."""
        found = "\n".join(differences(plain(mine), theirs, lambda mine: (rtol, atol + unit * largest(mine))))
        assert not found, found

    @staticmethod
    def attempt(f: Callable, *arguments: Any) -> Any:
        """What a call gives, or the name of the error that it raises."""
        try:
            return f(*arguments)
        except Exception as error:
            return type(error).__name__

    def __init__(self, record: Record, test: str, recording: bool):
        self.record, self.recording = record, recording
        self.names = (test if i == 1 else f"{test} {i}" for i in itertools.count(1))

    def __call__(
        self, question: Callable[[Any], Any], name: str | None = None, differ: Callable[[Any, Any], Any] = otherwise
    ) -> Any:
        """What `question(torch)` gives. An answer that several tests ask for has a `name`.

        Where PyTorch is installed, `differ(fresh, recorded)` tells what it says otherwise.
        """
        name = name or next(self.names)
        if self.recording:
            self.record.recorded[name] = written(plain(question(torch())))
            return read(self.record.recorded[name])
        if name not in self.record.answers:
            command = COMMAND.format(f"tests/{self.record.module.as_posix()}")
            pytest.fail(f"PyTorch's answer to {name!r} is not recorded; where torch is installed, run {command}", False)
        answer = read(self.record.answers[name])
        if torch() and (what := differ(plain(question(torch())), answer)):
            pytest.fail(f"PyTorch {torch().__version__} does not say what is recorded of {name!r}:\n{what}", False)
        return answer

    def agrees(self, question: Callable[[Any], Any], rtol: float = 0, atol: float = 0, unit: float = 0) -> None:
        """Assert that `question` gives the same here and there: dtypes, shapes, and values as near as is said."""
        theirs = self(question)
        self.compare(question(tg), theirs, rtol, atol, unit)

    def agrees_with_gradients(self, f: Callable, *arrays: np.ndarray, rtol: float = 0, atol: float = 0) -> None:
        """The same of `f(library, *tensors)` and of the gradients that the sum of its squares has."""

        def question(m: Any) -> list:
            inputs = [m.tensor(a, requires_grad=True) for a in arrays]
            out = f(m, *inputs)
            (out * out).sum().backward()
            return [out, *(x.grad for x in inputs)]

        self.agrees(question, rtol, atol)


# What pytest calls; `conftest.py` hands these on.

RECORDS: dict[Path, Record] = {}  # of the modules that were collected


def record_of(module: Path) -> Record:
    if module not in RECORDS:
        RECORDS[module] = Record(module)
    return RECORDS[module]


@pytest.fixture
def pytorch(request: pytest.FixtureRequest) -> PyTorch:
    """PyTorch, or what it said when it was asked before."""
    return PyTorch(record_of(request.path), request.node.name, request.config.option.record)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="ask PyTorch, and write its answers into tests/answers")


def pytest_configure(config: pytest.Config) -> None:
    """A record is made of all that the tests of a module ask, so no test of it may be left out."""
    if config.option.record:
        partial = "keyword markexpr deselect maxfail lf stepwise numprocesses".split()
        if "::" in "".join(config.args) or any(getattr(config.option, name, None) for name in partial):
            raise pytest.UsageError("--record takes folders and modules, without ::, -k, -m, -x, -n and the like")
        if not torch():
            raise pytest.UsageError("--record asks PyTorch, and torch is not installed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.record:
        for item in items:
            if item.path.is_relative_to(TESTS):
                record_of(item.path)
        asks = ["pytorch" in getattr(item, "fixturenames", ()) for item in items]
        config.hook.pytest_deselected(items=[item for item, asked in zip(items, asks) if not asked])
        items[:] = itertools.compress(items, asks)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.option.record and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        for record in RECORDS.values():
            record.write()
        for path in ANSWERS.rglob("*.json*"):
            if not (TESTS / path.relative_to(ANSWERS)).with_name(path.name.split(".")[0] + ".py").exists():
                path.unlink()
