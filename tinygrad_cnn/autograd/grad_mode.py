"""`no_grad` and its relatives, blocks and decorators that say whether ops record: PyTorch's `autograd.grad_mode`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar, overload

from ..engine.modes import Setting, mode

F = TypeVar("F", bound=Callable[..., Any])
B = TypeVar("B", bound="Block")


class Block(Setting):
    """Set some of the mode for a `with` block or, as a decorator, for each call of a function."""

    always: dict[str, Any] = {}  # what all blocks of a class set

    def __init__(self, **values: Any):
        super().__init__(**self.always, **values)

    def clone(self: B) -> B:
        """Another block that sets the same."""
        new = copy(self)
        new.before = []
        return new

    def __call__(self, f: F) -> F:
        if inspect.isgeneratorfunction(f):

            @functools.wraps(f)
            def generator(*args: Any, **kwargs: Any) -> Any:
                # The caller's code between two items runs in the caller's mode.
                inner = f(*args, **kwargs)
                resume, given = inner.send, None
                while True:
                    try:
                        item = self.during(resume, given)
                    except StopIteration as end:
                        return end.value
                    try:
                        resume, given = inner.send, (yield item)
                    except GeneratorExit:
                        self.during(inner.close)
                        raise
                    except BaseException as error:
                        resume, given = inner.throw, error

            return generator  # type: ignore[return-value]

        @functools.wraps(f)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return self.during(f, *args, **kwargs)

        return wrapper  # type: ignore[return-value]


class Bare(Block):
    """A block without arguments, which may also do without brackets where it decorates a function."""

    @overload
    def __new__(cls: type[B], f: None = None) -> B: ...
    @overload
    def __new__(cls, f: F) -> F: ...  # type: ignore[misc]
    def __new__(cls, f: Any = None) -> Any:
        return super().__new__(cls) if f is None else cls()(f)


class no_grad(Bare):
    """Record nothing: results need no gradient. A context manager and a decorator.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    always = {"grad": False}


class enable_grad(Bare):
    """Record again, inside a `no_grad` block. A context manager and a decorator.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    always = {"grad": True, "inference": False}


class set_grad_enabled(Block):
    """Record or not, from now on, or in a `with` block or a decorated function.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> for training in (True, False):
    ...     with tg.set_grad_enabled(training):
    ...         print((x * 2).requires_grad)
    True
    False
    """

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be a bool, got {type(mode).__name__}")
        super().__init__(grad=bool(mode))
        self.earlier = is_grad_enabled()
        _set(grad=bool(mode))

    def __enter__(self) -> Any:
        self.before.append((mode.__dict__, {"grad": self.earlier}))
        mode.grad = self.values["grad"]
        return self

    def __call__(self, f: F) -> F:
        _set(grad=self.earlier)
        return super().__call__(f)


class Inference(Block):
    """inference_mode without its `__new__`: of a class that has both, type checkers read `__init__`."""

    def __init__(self, mode: bool = True):
        super().__init__(grad=not mode, inference=bool(mode))


class inference_mode(Inference):
    """`no_grad` for code that never comes back to autograd: what is made in it cannot be saved for backward.

    A context manager and a decorator; mode=False records again.

    >>> import tinygrad_cnn as tg
    >>> with tg.inference_mode():
    ...     y = tg.ones(2) * 2
    >>> y.is_inference()
    True
    """

    @overload
    def __new__(cls, mode: bool = True) -> inference_mode: ...
    @overload
    def __new__(cls, mode: F) -> F: ...  # type: ignore[misc]
    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)


def _set(**values: Any) -> None:
    for name, value in values.items():
        setattr(mode, name, value)


def is_grad_enabled() -> bool:
    """Whether ops record themselves now.

    >>> import tinygrad_cnn as tg
    >>> with tg.no_grad():
    ...     print(tg.is_grad_enabled())
    False
    """
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this runs inside `inference_mode`.

    >>> import tinygrad_cnn as tg
    >>> with tg.inference_mode():
    ...     print(tg.is_inference_mode_enabled())
    True
    """
    return mode.inference
