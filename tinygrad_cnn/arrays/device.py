"""Where tensors live: on the CPU. Other places can be named, so that a script may speak of them, but not used."""

from __future__ import annotations

import re
from typing import Any

from .blocks import Ending

KNOWN = ("cpu cuda ipu xpu mkldnn opengl opencl ideep hip ve fpga maia xla lazy vulkan mps meta hpu mtia "
         "privateuseone").split()  # fmt: skip


class device:
    """Where a tensor lives: "cpu", and by name any other place that PyTorch knows, with or without a number.

    There are no tensors on any but the CPU: a RuntimeError where another one is asked for, and for an unknown name.
    As a context manager and as a decorator it says where new tensors are to be.

    >>> import tinygrad_cnn as tg
    >>> there = tg.device("cuda:0")
    >>> there.type, there.index, str(there), there == tg.device("cuda", 0)
    ('cuda', 0, 'cuda:0', True)
    >>> tg.zeros(1).device
    device(type='cpu')
    >>> tg.zeros(1, device=there)
    Traceback (most recent call last):
        ...
    RuntimeError: device 'cuda:0': tinygrad_cnn computes on the CPU; use device 'cpu' ...
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None):
        if isinstance(type, int) and index is None:
            raise RuntimeError(f"device({type}): there is no accelerator to count from; the CPU is device('cpu')")
        if not isinstance(type, str | device) or not isinstance(index, int | None):
            raise TypeError(f"device: expected a name such as 'cpu', and a number or none, got {type!r} and {index!r}")
        if isinstance(type, device):
            type = str(type)
        if not (found := re.fullmatch(r"([a-z]+)(?::(0|[1-9]\d*))?", type)):
            raise RuntimeError(f"Invalid device string: {type!r}")
        name, number = found.groups()
        if name not in KNOWN:
            raise RuntimeError(f"device: expected one of {', '.join(KNOWN)} at the begin of {type!r}")
        if index is not None and (number is not None or index < 0):
            raise RuntimeError(f"device: the index is given once and not negative, got {type!r} and {index}")
        self.type = name
        self.index = index if number is None else int(number)

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple:
        return device, (str(self),)

    __exit__ = Ending(lambda self: [])

    def __enter__(self) -> device:
        refuse_other(self)
        return self

    def __call__(self, f: Any) -> Any:
        refuse_other(self)
        return f


class layout:
    """How the elements of a tensor are kept: here all are `strided`, one beside the other in memory.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).layout is tg.strided
    True
    """

    def __repr__(self) -> str:
        return "tinygrad_cnn.strided"


strided = layout()
CPU = device("cpu")


def refuse_other(place: str | device | int | None) -> None:
    """Raise where a tensor is asked for elsewhere than on the CPU; None asks for nothing."""
    if place is None:
        return
    if isinstance(place, int):
        place = device("cuda", place)
    if (kind := device(place).type) == "meta":
        raise RuntimeError(
            "device 'meta': every tensor has numbers here; make the module or the tensor without it, and "
            "load_state_dict(...) or functional_call(...) takes others"
        )
    if kind != "cpu":
        raise RuntimeError(
            f"device {str(place)!r}: tinygrad_cnn computes on the CPU; use device 'cpu' "
            "(cuda.is_available() and accelerator.is_available() are False here)"
        )


def set_default_device(device_: Any) -> None:
    """Where new tensors live: the CPU, or a clear error.

    >>> import tinygrad_cnn as tg
    >>> tg.set_default_device("cpu")
    """
    refuse_other(device_)


def get_default_device() -> device:
    """The CPU.

    >>> import tinygrad_cnn as tg
    >>> tg.get_default_device()
    device(type='cpu')
    """
    return CPU
