"""Here because PyTorch scripts call it: `compile`. The kernels are compiled already, so nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])


@overload
def compile(model: None = None, **options: Any) -> Callable[[F], F]: ...
@overload
def compile(model: F, **options: Any) -> F: ...
def compile(model: Any = None, **options: Any) -> Any:
    """The model or function itself; PyTorch's options are accepted and have no effect. Also a decorator.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Linear(2, 1)
    >>> tg.compile(net) is net
    True
    """
    if model is None:
        return lambda f: compile(f, **options)
    if not callable(model):
        raise TypeError(f"compile: expected a module or a function, got {type(model).__name__}")
    return model
