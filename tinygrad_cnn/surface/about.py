"""What a Tensor is, as its attributes say it: shape, dtype, device, and whose view it is."""

from __future__ import annotations

import warnings
from typing import Any, overload

import numpy as np

from ..arrays.device import CPU, strided
from ..arrays.device import device as Device
from ..arrays.device import layout as Layout
from ..arrays.lines import user_level
from ..arrays.plain import owner
from ..arrays.size import Size
from ..engine.memory import put_in_order
from ..engine.node import INFERENCE, Pick
from ..engine.tensor import Tensor
from ..ops.declared import appears
from ..ops.dims import axis
from ..ops.shape import adjoint, permute, t
from .attach import attribute, method


@attribute
def shape(self: Tensor) -> Size:
    """The lengths of the axes.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.shape, x.shape == (2, 3), x.shape.numel()
    ((2, 3), True, 6)
    """
    return Size(self._array.shape)


@attribute
def dtype(self: Tensor) -> np.dtype:
    """The type of the elements, a NumPy dtype.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([1, 2]).dtype, tg.tensor([1.0]).dtype == tg.float32
    (dtype('int64'), True)
    """
    return self._array.dtype


@attribute
def ndim(self: Tensor) -> int:
    """The number of axes.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).ndim, tg.tensor(5).ndim
    (2, 0)
    """
    return self._array.ndim


@attribute
def itemsize(self: Tensor) -> int:
    """Bytes of one element.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).itemsize, tg.zeros(2, dtype=tg.float64).itemsize
    (4, 8)
    """
    return self._array.itemsize


@attribute
def nbytes(self: Tensor) -> int:
    """Bytes of all elements.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).nbytes
    24
    """
    return self._array.nbytes


@attribute
def device(self: Tensor) -> Device:
    """The CPU.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).device
    device(type='cpu')
    """
    return CPU


@attribute
def is_cpu(self: Tensor) -> bool:
    """True: the CPU is where all tensors are.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).is_cpu
    True
    """
    return True


@attribute
def layout(self: Tensor) -> Layout:
    """`strided`, as all are.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).layout
    tinygrad_cnn.strided
    """
    return strided


for _kind in ("cuda", "ipu", "meta", "mkldnn", "mps", "nested", "quantized", "sparse", "sparse_csr", "xla", "xpu"):
    setattr(Tensor, f"is_{_kind}", False)


@appears("function method")
def is_inference(input: Tensor) -> bool:
    """Whether it was made in `inference_mode`.

    >>> import tinygrad_cnn as tg
    >>> with tg.inference_mode():
    ...     x = tg.ones(2)
    >>> x.is_inference(), tg.ones(2).is_inference()
    (True, False)
    """
    return input._counter is INFERENCE


@attribute
def _version(self: Tensor) -> int:
    """How often its memory was changed in place; views count together. RuntimeError for a tensor of `inference_mode`.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2)
    >>> x[0] = x[:1].fill_(3)[0] + 1
    >>> x._version
    2
    """
    if self._counter is INFERENCE:
        raise RuntimeError("_version: the changes of tensors made in inference_mode are not counted")
    return 0 if self._counter is None else self._counter.changes


@attribute
def _base(self: Tensor) -> Tensor | None:
    """The tensor that this one is a view of, None if it is none.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(4)
    >>> x.view(2, 2)._base is x, x._base is None
    (True, True)
    """
    return None if self._view is None else self._view.base


@attribute
def output_nr(self: Tensor) -> int:
    """Which output of its `grad_fn` this is.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.ones(2, 2, requires_grad=True).unbind()
    >>> a.output_nr, b.output_nr
    (0, 1)
    """
    return self._node.output_nr if isinstance(self._node, Pick) else 0


@attribute
def retains_grad(self: Tensor) -> bool:
    """Whether `.grad` is kept though this is no leaf.

    >>> import tinygrad_cnn as tg
    >>> y = tg.ones(2, requires_grad=True) * 2
    >>> y.retain_grad()
    >>> y.retains_grad
    True
    """
    node = self.grad_fn
    return node is not None and node.retain is not None


@overload
def size(self: Tensor) -> Size: ...
@overload
def size(self: Tensor, dim: int) -> int: ...
@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis.

    IndexError for an axis that is not there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.size(), x.size(-1)
    ((2, 3), 3)
    """
    shape = self._array.shape
    if dim is not None and not shape:
        raise IndexError(f"size: dim {dim} is out of range for a tensor without axes")
    return Size(shape) if dim is None else shape[axis("size", dim, len(shape))]


@overload
def stride(self: Tensor) -> tuple[int, ...]: ...
@overload
def stride(self: Tensor, dim: int) -> int: ...
@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements apart in memory neighbours along each axis (or one) lie.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.stride(), x.T.stride(), x.stride(0)
    ((3, 1), (1, 3), 3)
    """
    strides = tuple(s // self._array.itemsize for s in self._array.strides)
    return strides if dim is None else strides[axis("stride", dim, self._array.ndim)]


@method
def data_ptr(self: Tensor) -> int:
    """The address of the first element.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2, 3)
    >>> x.view(6).data_ptr() == x.data_ptr(), x[1].data_ptr() - x.data_ptr()
    (True, 12)
    """
    put_in_order(self)
    return self._array.__array_interface__["data"][0]


@method
def storage_offset(self: Tensor) -> int:
    """How many elements into the memory that it shares the tensor begins.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3)[1].storage_offset()
    3
    """
    address, array = data_ptr(self), self._array
    return (address - owner(array).__array_interface__["data"][0]) // array.itemsize


@method
def dim(self: Tensor) -> int:
    """The number of axes.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).dim()
    2
    """
    return self._array.ndim


@method
def ndimension(self: Tensor) -> int:
    """The number of axes.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).ndimension()
    2
    """
    return self._array.ndim


@method
def nelement(self: Tensor) -> int:
    """The number of elements.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).nelement()
    6
    """
    return self._array.size


@method
def element_size(self: Tensor) -> int:
    """Bytes of one element.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, dtype=tg.int64).element_size()
    8
    """
    return self._array.itemsize


@method
def get_device(self: Tensor) -> int:
    """-1: the CPU.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).get_device()
    -1
    """
    return -1


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are floating numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).is_floating_point(), tg.arange(2).is_floating_point()
    (True, False)
    """
    return self._array.dtype.kind == "f"


@appears("function method")
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).is_complex(), tg.tensor([1j]).is_complex()
    (False, True)
    """
    return input._array.dtype.kind == "c"


@appears("function method")
def is_signed(input: Tensor) -> bool:
    """Whether the elements can be negative.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).is_signed(), tg.tensor([True]).is_signed()
    (True, False)
    """
    return input._array.dtype.kind in "ifc"


@appears("function method")
def is_nonzero(input: Tensor) -> bool:
    """Whether its one number is not 0. RuntimeError for another number of elements.

    >>> import tinygrad_cnn as tg
    >>> tg.is_nonzero(tg.tensor([2.0]))
    True
    """
    return bool(input)


@appears("function method")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape.

    >>> import tinygrad_cnn as tg
    >>> tg.is_same_size(tg.zeros(2), tg.ones(2, 1))
    False
    """
    return input._array.shape == other._array.shape


@method
def is_pinned(self: Tensor) -> bool:
    """Whether it lies in page-locked memory: no, there is no device to copy it to.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2).is_pinned()
    False
    """
    return False


@method
def pin_memory(self: Tensor) -> Tensor:
    """Itself: there is no device to copy it to.

    >>> import tinygrad_cnn as tg
    >>> x = tg.zeros(2)
    >>> x.pin_memory() is x
    True
    """
    return self


@attribute
def T(self: Tensor) -> Tensor:
    """The transposed matrix, a view. Of other than 2 axes their reverse order, with a UserWarning, as in PyTorch.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(2, 3).T.shape
    (3, 2)
    """
    if self._array.ndim != 2:
        warnings.warn(
            f"T of a tensor of {self._array.ndim} axes is deprecated in PyTorch; use mT for a batch of matrices, or "
            "x.permute(*range(x.ndim)[::-1])",
            stacklevel=user_level(),
        )
    return permute(self, tuple(range(self._array.ndim))[::-1])


def _expect_matrices(name: str, x: Tensor) -> None:
    if x._array.ndim == 1:
        raise RuntimeError(f"{name}: expects a matrix or a batch of them, got shape {x._array.shape}")


@attribute
def mT(self: Tensor) -> Tensor:
    """The last two axes change places: the transposed matrices of a batch; a number has none.

    A view. RuntimeError for a vector.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(7, 2, 3).mT.shape
    (7, 3, 2)
    """
    _expect_matrices("mT", self)
    return adjoint(self)


@attribute
def H(self: Tensor) -> Tensor:
    """The transposed matrix; a number stays as it is.

    A view. RuntimeError for a vector, and for more than 2 axes.

    >>> import tinygrad_cnn as tg
    >>> tg.tensor([[1, 2], [3, 4]]).H.tolist()
    [[1, 3], [2, 4]]
    """
    if self._array.ndim not in (0, 2):
        raise RuntimeError(f"H: expects a matrix, got shape {self._array.shape}; mH is for batches of matrices")
    return t(self)


@attribute
def mH(self: Tensor) -> Tensor:
    """The last two axes change places: the transposed matrices of a batch; a number has none.

    A view. RuntimeError for a vector.

    >>> import tinygrad_cnn as tg
    >>> tg.zeros(7, 2, 3).mH.shape
    (7, 3, 2)
    """
    _expect_matrices("mH", self)
    return adjoint(self)
