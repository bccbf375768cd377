"""Here because PyTorch scripts import it: `amp`, mixed precision, which pays on GPUs; on a CPU float32 is the fastest.

Without one, PyTorch warns and goes on as if nothing had been said, and so does this: `autocast` is a block like any
other, and a `GradScaler` scales by 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from .arrays.blocks import Ending
from .arrays.lines import user_level
from .pytorch.absent import explains

F = TypeVar("F", bound=Callable)


class autocast:
    """A block, or a decorated function, in which ops would compute in half precision. They do not: a UserWarning.

    >>> import tinygrad_cnn as tg
    >>> with tg.amp.autocast("cpu", enabled=False):
    ...     (tg.ones(2, 2) @ tg.ones(2, 2)).dtype
    dtype('float32')
    """

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if enabled:
            words = "there is no GPU" if device_type != "cpu" else "only float32 is computed in"
            warnings.warn(f"{device_type} autocast: {words}. Disabling autocast.", stacklevel=user_level())

    __exit__ = Ending(lambda self: [])

    def __enter__(self) -> autocast:
        return self

    def __call__(self, f: F) -> F:
        return f


class GradScaler:
    """What would keep the gradients of half precision from becoming 0. Disabled: a UserWarning, and it scales by 1.

    >>> import tinygrad_cnn as tg
    >>> scaler = tg.amp.GradScaler(enabled=False)
    >>> scaler.scale(tg.ones(1)).item(), scaler.get_scale(), scaler.is_enabled()
    (1.0, 1.0, False)
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ):  # fmt: skip
        if enabled:
            warnings.warn("GradScaler is enabled, but there is no GPU. Disabling.", stacklevel=user_level())

    def scale(self, outputs: Any) -> Any:
        """A loss, or several, as they are."""
        return tuple(outputs) if isinstance(outputs, Iterable) and not hasattr(outputs, "requires_grad") else outputs

    def unscale_(self, optimizer: Any) -> None:
        """The gradients of an optimizer stay as they are."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step()"""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """The scale stays 1."""

    def get_scale(self) -> float:
        """1"""
        return 1.0

    def is_enabled(self) -> bool:
        """False"""
        return False

    def state_dict(self) -> dict:
        """{}: there is nothing to remember."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Nothing is remembered."""


def is_autocast_available(device_type: str) -> bool:
    """False.

    >>> import tinygrad_cnn as tg
    >>> tg.amp.is_autocast_available("cuda")
    False
    """
    return False


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False.

    >>> import tinygrad_cnn as tg
    >>> tg.is_autocast_enabled()
    False
    """
    return False


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """The forward of a Function as it is.

    >>> import tinygrad_cnn as tg
    >>> tg.amp.custom_fwd(len, device_type="cuda") is len
    True
    """
    return fwd if fwd is not None else lambda f: f


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """The backward of a Function as it is.

    >>> import tinygrad_cnn as tg
    >>> tg.amp.custom_bwd(len, device_type="cuda") is len
    True
    """
    return bwd if bwd is not None else lambda f: f


# As they are called in `cuda.amp`.


def _of_cuda(kind: type) -> Callable:
    @wraps(kind)
    def make(*args: Any, **kwargs: Any) -> Any:
        words = f"`torch.cuda.amp.{kind.__name__}(args...)` is deprecated; say amp.{kind.__name__}('cuda', args...)"
        warnings.warn(words, FutureWarning, stacklevel=user_level())
        if kind is autocast:  # whose arguments came in another order
            args, kwargs = (), {**dict(zip(("enabled", "dtype", "cache_enabled"), args)), **kwargs}
        return kind("cuda", *args, **kwargs)

    return make


cuda_autocast, cuda_GradScaler = _of_cuda(autocast), _of_cuda(GradScaler)
explains(__name__)
