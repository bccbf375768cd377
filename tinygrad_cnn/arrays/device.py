"""Where tensors live: on the CPU."""

from __future__ import annotations

from typing import Any


class device:
    """Where a tensor lives. There is one place, `cpu`; asking for another is a clear error.

    >>> import tinygrad_cnn as tg
    >>> tg.device("cpu"), tg.zeros(1).device == "cpu"
    (device(type='cpu'), True)
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device = "cpu", index: int | None = None):
        name, _, number = str(type).partition(":")
        if name != "cpu":
            raise RuntimeError(
                f"device {str(type)!r}: tinygrad_cnn computes on the CPU; use device 'cpu' "
                "(cuda.is_available() and accelerator.is_available() are False here)"
            )
        self.type = "cpu"
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        return f"device(type={self.type!r})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) or (isinstance(other, str) and other.startswith("cpu"))

    def __hash__(self) -> int:
        return hash("cpu")


CPU = device("cpu")


def set_default_device(device_: Any) -> None:
    """Where new tensors live: the CPU, or a clear error.

    >>> import tinygrad_cnn as tg
    >>> tg.set_default_device("cpu")
    """
    device(device_)


def get_default_device() -> device:
    """The CPU.

    >>> import tinygrad_cnn as tg
    >>> tg.get_default_device()
    device(type='cpu')
    """
    return CPU
