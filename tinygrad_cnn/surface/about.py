"""What a Tensor is, as its attributes say it: shape, dtype, device, and whose view it is."""

from __future__ import annotations

import numpy as np

from ..arrays.device import CPU
from ..arrays.device import device as Device
from ..arrays.size import Size
from ..engine.node import INFERENCE, Pick
from ..engine.tensor import Tensor
from .attach import attribute, method


@attribute
def shape(self: Tensor) -> Size:
    """The lengths of the axes."""
    return Size(self._array.shape)


@attribute
def dtype(self: Tensor) -> np.dtype:
    """The type of the elements, a NumPy dtype."""
    return self._array.dtype


@attribute
def ndim(self: Tensor) -> int:
    """The number of axes."""
    return self._array.ndim


@attribute
def itemsize(self: Tensor) -> int:
    """Bytes of one element."""
    return self._array.itemsize


@attribute
def nbytes(self: Tensor) -> int:
    """Bytes of all elements."""
    return self._array.nbytes


@attribute
def device(self: Tensor) -> Device:
    """The CPU."""
    return CPU


for _kind in ("cuda", "xpu", "mps", "sparse", "quantized"):
    setattr(Tensor, f"is_{_kind}", False)


@method
def is_inference(self: Tensor) -> bool:
    """Whether it was made in `inference_mode`."""
    return self._version is INFERENCE


@attribute
def _base(self: Tensor) -> Tensor | None:
    """The tensor that this one is a view of, None if it is none."""
    return None if self._view is None else self._view.base


@attribute
def output_nr(self: Tensor) -> int:
    """Which output of its `grad_fn` this is."""
    return self._node.output_nr if isinstance(self._node, Pick) else 0


@attribute
def retains_grad(self: Tensor) -> bool:
    """Whether `.grad` is kept though this is no leaf."""
    node = self.grad_fn
    return node is not None and node.retain is not None
