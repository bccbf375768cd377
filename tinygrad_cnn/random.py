"""Every random number comes from one generator, so that one seed makes a run repeat to the last bit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .arrays.apart import imported
from .arrays.quiet import quietly


class Generator:
    """A source of random numbers with a seed and a state; functions that draw take it as `generator=`.

    >>> g = Generator().manual_seed(3)
    >>> first = g.numpy.random()
    >>> g.manual_seed(3).numpy.random() == first
    True
    """

    def __init__(self, device: Any = "cpu"):
        self.device = device
        self.manual_seed(67280421310721)  # the seed that PyTorch's own generators start from

    def manual_seed(self, seed: int) -> Generator:
        """Start again from this seed."""
        if isinstance(seed, bool) or not hasattr(seed, "__index__") or np.ndim(seed):
            raise TypeError(f"manual_seed: seed must be an int, got {type(seed).__name__}")
        self._seed = int(seed)
        self._entropy: Any = self._seed % 2**64
        self._numpy: np.random.Generator | None = None
        return self

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator, made when the first number is drawn: until then numpy.random is not imported."""
        if self._numpy is None:
            imported("numpy.random")
            # NumPy's errstate, which PCG64 runs under, may be left set by an interrupt.
            self._numpy = np.random.Generator(quietly(np.random.PCG64, self._entropy))
        return self._numpy

    def seed(self) -> int:
        """Start from a seed that nobody chose, and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """The seed that its numbers started from."""
        return self._seed

    def get_state(self) -> dict:
        """Where it stands, for `set_state`."""
        return {"seed": self._seed, "numpy": self.numpy.bit_generator.state}

    def set_state(self, state: dict) -> Generator:
        """Go on from where `get_state` was called."""
        there = np.random.Generator(quietly(np.random.PCG64, 0))
        try:
            there.bit_generator.state = state["numpy"]
            self.manual_seed(state["seed"])
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"set_state: expected what get_state() gives, got {state!r:.60} ({error})") from None
        self._numpy = there
        return self


class Series(Generator):
    """Generators by number: what the n-th draws depends on `root` and n alone, whoever draws it and when.

    To whoever asks, it started from the seed `told`.

    >>> series = Series(root=7)
    >>> third = series.at(3).numpy.random()
    >>> series.at(4).numpy.random() == third, series.at(3).numpy.random() == third
    (False, True)
    """

    def __init__(self, root: int, told: int | None = None):
        self.told = root if told is None else told
        super().__init__()
        self.root = root

    def at(self, *number: int) -> Series:
        """The generator of this number."""
        self._seed = self.told
        self._entropy = (self.root, *number)
        self._numpy = None
        return self


default_generator = Generator()
of_thread = threading.local()


def current_generator() -> Generator:
    """The generator of this thread: the batches of a DataLoader have their own, all else shares the default.

    >>> current_generator() is default_generator
    True
    """
    return getattr(of_thread, "generator", None) or default_generator


def drawn_from(generator: Generator, task: Callable[..., Any], *args: Any) -> Any:
    """What task(*args) returns, where all that is drawn in it without a generator of its own is drawn from this one.

    >>> import tinygrad_cnn as tg
    >>> g = Generator().manual_seed(3)
    >>> tg.equal(drawn_from(g, tg.rand, 2), tg.rand(2, generator=Generator().manual_seed(3)))
    True
    """
    before = getattr(of_thread, "generator", None)
    try:
        of_thread.generator = generator
        return task(*args)
    finally:
        of_thread.generator = before


def manual_seed(seed: int) -> Generator:
    """Seed every random number of this process. Two runs with one seed are equal to the last bit.

    >>> import tinygrad_cnn as tg
    >>> g = tg.manual_seed(3)
    >>> first = tg.rand(2).tolist()
    >>> g = tg.manual_seed(3)
    >>> tg.rand(2).tolist() == first
    True
    """
    return current_generator().manual_seed(seed)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """A block after which the library's random numbers go on as if it had not been; devices are others than the CPU.

    >>> import tinygrad_cnn as tg
    >>> with tg.random.fork_rng():
    ...     a = tg.rand(2)
    >>> tg.equal(tg.rand(2), a)
    True
    """
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            set_rng_state(state)


def seed() -> int:
    """Seed from the operating system; returns the seed.

    >>> import tinygrad_cnn as tg
    >>> state = tg.get_rng_state()
    >>> tg.seed() == tg.initial_seed()
    True
    >>> tg.set_rng_state(state)
    """
    return current_generator().seed()


def initial_seed() -> int:
    """The seed that the numbers started from.

    >>> import tinygrad_cnn as tg
    >>> g = tg.manual_seed(3)
    >>> tg.initial_seed()
    3
    """
    return current_generator().initial_seed()


def get_rng_state() -> dict:
    """Where the generator stands, to come back to it with `set_rng_state`.

    >>> import tinygrad_cnn as tg
    >>> state = tg.get_rng_state()
    >>> first = tg.rand(2).tolist()
    >>> tg.set_rng_state(state)
    >>> tg.rand(2).tolist() == first
    True
    """
    return current_generator().get_state()


def set_rng_state(state: dict) -> None:
    """Draw from here on as after the `get_rng_state` that gave this state.

    >>> import tinygrad_cnn as tg
    >>> state = tg.get_rng_state()
    >>> tg.set_rng_state(state)
    >>> tg.get_rng_state() == state
    True
    """
    current_generator().set_state(state)


def rng(generator: Generator | None = None) -> np.random.Generator:
    """The NumPy generator to draw from.

    >>> 0 <= rng().random() < 1
    True
    """
    if generator is None:
        return current_generator().numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"generator: expected a Generator, got {type(generator).__name__}")
    return generator.numpy


class Source(NamedTuple):
    """A generator, or a sampler's epoch: its state, and the way back to it.

    >>> source = source_of(np.random.default_rng(0))
    >>> before = source.get()
    >>> first = source.of.random()
    >>> source.set(before)
    >>> source.of.random() == first
    True
    """

    of: Any
    get: Callable[[], Any]
    set: Callable[[Any], Any]


def source_of(x: Any) -> Source | None:
    """A generator's state and the way back to it: the library's, NumPy's, Python's; None for all else.

    >>> source_of(np.random.default_rng(0)) is not None, source_of("dice")
    (True, None)
    """
    import random as python  # not before it is needed

    if isinstance(x, Generator):
        return Source(x, x.get_state, x.set_state)
    if isinstance(x, np.random.Generator):
        bits = x.bit_generator
        return Source(x, lambda: _plain(bits.state), lambda state: setattr(bits, "state", state))
    if isinstance(x, np.random.RandomState):
        return Source(x, lambda: _plain(x.get_state(legacy=False)), x.set_state)
    if isinstance(x, python.Random):
        return Source(x, lambda: _plain(x.getstate()), lambda s: x.setstate((s[0], tuple(s[1]), s[2])))
    return None


def _plain(state: Any) -> Any:
    """A state in lists and dicts, which can be compared and written."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_plain(value) for value in state]
    return state.tolist() if isinstance(state, np.ndarray) else state
