"""Here because PyTorch scripts import it: `utils.dlpack`, the capsules by which tensors go to other libraries.

>>> import tinygrad_cnn as tg
>>> from_dlpack(to_dlpack(tg.ones(2))).tolist()
[1.0, 1.0]
"""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..surface.exchange import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule with the memory of a tensor, to be used once.

    >>> import tinygrad_cnn as tg
    >>> type(to_dlpack(tg.ones(2))).__name__
    'PyCapsule'
    """
    return tensor.__dlpack__()  # type: ignore[attr-defined]
