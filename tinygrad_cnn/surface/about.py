"""What a Tensor is, as its attributes say it: shape, dtype, device, and whose view it is."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from ..arrays.device import CPU
from ..arrays.device import device as Device
from ..arrays.size import Size
from ..engine.memory import put_in_order
from ..engine.node import INFERENCE, Pick
from ..engine.tensor import Tensor
from ..ops.dims import axis
from ..ops.shape import adjoint, permute, t
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


@overload
def size(self: Tensor) -> Size: ...
@overload
def size(self: Tensor, dim: int) -> int: ...
@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return Size(self._array.shape) if dim is None else self._array.shape[axis("size", dim, self._array.ndim)]


@overload
def stride(self: Tensor) -> tuple[int, ...]: ...
@overload
def stride(self: Tensor, dim: int) -> int: ...
@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements apart in memory neighbours along each axis (or one) lie."""
    strides = tuple(s // self._array.itemsize for s in self._array.strides)
    return strides if dim is None else strides[axis("stride", dim, self._array.ndim)]


@method
def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    put_in_order(self)
    return self._array.__array_interface__["data"][0]


@method
def storage_offset(self: Tensor) -> int:
    """How many elements into the memory that it shares the tensor begins."""
    address, array = data_ptr(self), self._array
    while isinstance(array.base, np.ndarray):
        array = array.base
    return (address - array.__array_interface__["data"][0]) // self._array.itemsize


@method
def dim(self: Tensor) -> int:
    """The number of axes."""
    return self._array.ndim


@method
def ndimension(self: Tensor) -> int:
    """The number of axes."""
    return self._array.ndim


@method
def nelement(self: Tensor) -> int:
    """The number of elements."""
    return self._array.size


@method
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self._array.itemsize


@method
def get_device(self: Tensor) -> int:
    """-1: the CPU."""
    return -1


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are floating numbers."""
    return self._array.dtype.kind == "f"


@method
def is_complex(self: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return self._array.dtype.kind == "c"


@method
def is_signed(self: Tensor) -> bool:
    """Whether the elements can be negative."""
    return self._array.dtype.kind in "ifc"


@method
def is_pinned(self: Tensor) -> bool:
    """Whether it lies in page-locked memory: no, there is no device to copy it to."""
    return False


@method
def pin_memory(self: Tensor) -> Tensor:
    """Itself: there is no device to copy it to."""
    return self


@attribute
def T(self: Tensor) -> Tensor:
    """The axes in reverse order."""
    return permute(self, tuple(range(self._array.ndim))[::-1])


@attribute
def mT(self: Tensor) -> Tensor:
    """The last two axes change places: the transposed matrices of a batch; a number has none."""
    return adjoint(self)


@attribute
def H(self: Tensor) -> Tensor:
    """The transposed matrix; a vector and a number stay as they are."""
    return t(self)


@attribute
def mH(self: Tensor) -> Tensor:
    """The last two axes change places: the transposed matrices of a batch; a number has none."""
    return adjoint(self)
