"""`detect_anomaly`, which finds the op whose backward makes a NaN: PyTorch's `autograd.anomaly_mode`."""

from __future__ import annotations

from typing import Any

from ..engine.modes import mode
from .grad_mode import Block


class set_detect_anomaly(Block):
    """Check every gradient for NaN during backward; the error names the op, its shapes and the line that called it.

    From now on, or in a `with` block. Forward calls note the user's line while it is on, so it costs time: for looking,
    not for training.

    >>> import tinygrad_cnn as tg
    >>> with tg.autograd.set_detect_anomaly(True):
    ...     tg.autograd.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        for parameter, value in (("mode", mode), ("check_nan", check_nan)):
            if not isinstance(value, bool):
                raise TypeError(f"set_detect_anomaly: {parameter} must be a bool, got {type(value).__name__}")
        super().__init__(anomaly=mode, watch=mode, check_nan=check_nan)
        self.__enter__()

    def __enter__(self) -> Any:
        if len(self.before) == 1 and not hasattr(self, "entered"):
            self.entered = True  # the constructor has set it already
            return self
        return super().__enter__()


class detect_anomaly(Block):
    """`set_detect_anomaly(True)` for a block.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(1, requires_grad=True)
    >>> with tg.autograd.detect_anomaly():
    ...     (x.sqrt() * 0).sum().backward()
    Traceback (most recent call last):
    RuntimeError: SqrtBackward0: its backward returned NaN values...
    """

    def __init__(self, check_nan: bool = True):
        if not isinstance(check_nan, bool):
            raise TypeError(f"detect_anomaly: check_nan must be a bool, got {type(check_nan).__name__}")
        super().__init__(anomaly=True, watch=True, check_nan=check_nan)


def is_anomaly_enabled() -> bool:
    """Whether backward looks for NaN.

    >>> import tinygrad_cnn as tg
    >>> tg.autograd.is_anomaly_enabled()
    False
    """
    return mode.anomaly
