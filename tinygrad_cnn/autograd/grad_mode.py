"""`no_grad` and its relatives, blocks and decorators that say whether ops record: PyTorch's `autograd.grad_mode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.modes import Setting, mode


class no_grad(Setting):
    """Record nothing: results need no gradient. A context manager and a decorator.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, f: Callable | None = None) -> Any:
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(Setting):
    """Record again, inside a `no_grad` block."""

    def __new__(cls, f: Callable | None = None) -> Any:
        return super().__new__(cls) if f is None else cls()(f)

    def __init__(self) -> None:
        super().__init__(grad=True, inference=False)


class set_grad_enabled(Setting):
    """Record or not, from now on, or in a `with` block."""

    def __init__(self, mode: bool):
        super().__init__(grad=bool(mode))
        self.earlier = is_grad_enabled()
        _set(grad=bool(mode))

    def __enter__(self) -> Any:
        self.before.append({"grad": self.earlier})
        mode.grad = self.values["grad"]
        return self

    def __call__(self, f: Callable) -> Callable:
        _set(grad=self.earlier)
        return super().__call__(f)


class inference_mode(Setting):
    """`no_grad` for code that never comes back to autograd."""

    def __new__(cls, mode: Any = True) -> Any:
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True):
        super().__init__(grad=not mode, inference=bool(mode))


def _set(**values: Any) -> None:
    for name, value in values.items():
        setattr(mode, name, value)


def is_grad_enabled() -> bool:
    """Whether ops record themselves now."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this runs inside `inference_mode`."""
    return mode.inference
