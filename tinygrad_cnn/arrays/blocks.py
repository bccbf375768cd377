"""Blocks (`with`) whose end no interrupt (Ctrl-C) can skip.

Python looks for interrupts at the begin of every function that is written in Python, and an `__exit__` is one: broken
off there, it never runs, and what the block had set stays. It does not look before a function that is written in C. So
here the end of a block is C from its first step to its last:

    class louder:
        __exit__ = Ending(lambda self: [partial(setattr, speaker, "volume", speaker.volume)])
        def __enter__(self): ...

A step is a function in C without arguments. They are asked for when the block begins, right before `__enter__`, and run
in their order when it ends; only the last one may be written in Python.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from itertools import starmap
from operator import methodcaller
from typing import Any

# An `__exit__` is called with the error, or with three times None. `str.format` is a function in C that takes any
# arguments and looks at those alone that it is told of; a dictionary's missing key has the steps run, also in C; and
# the result is "", so that an error goes on.
_run = "{0[_]!s:.0}".format
_call = methodcaller("__call__")


class Ending:
    """`__exit__` of a class of blocks; `steps(block)` gives what is done at the end."""

    def __init__(self, steps: Callable[[Any], Iterable[Callable]]):
        self.steps = steps

    def __get__(self, block: Any, kind: type | None = None) -> Callable:
        if block is None:  # contextlib.ExitStack asks the class
            return lambda block, *error: self.__get__(block)(*error)
        return partial(_run, defaultdict(partial(deque, map(_call, self.steps(block)), 0)))


class _Written:
    """A block that is written as a generator."""

    __exit__ = Ending(lambda self: [partial(next, self.steps, None)])

    def __init__(self, steps: Iterator):
        self.steps = steps

    def __enter__(self) -> Any:
        return next(self.steps)


def all_at_once(function: Callable, calls: Iterable[tuple]) -> None:
    """function(*arguments) of each of these: a function in C, so that no interrupt comes between two of them.

    >>> state = {}
    >>> all_at_once(state.__setitem__, [("a", 1), ("b", 2)])
    >>> state
    {'a': 1, 'b': 2}
    """
    deque(starmap(function, calls), 0)


def block(f: Callable[..., Iterator]) -> Callable[..., Any]:
    """Make a block of a generator: what stands before `yield` begins it, and what stands behind ends it, come what may.

    >>> @block
    ... def told(word):
    ...     print("begin", word)
    ...     try:
    ...         yield
    ...     finally:
    ...         print("end", word)
    >>> with told("a"):
    ...     print("in")
    begin a
    in
    end a
    """

    @wraps(f)
    def begin(*args: Any, **named: Any) -> _Written:
        return _Written(f(*args, **named))

    return begin
