"""Memory that is shared with other libraries: DLPack, by which they all hand arrays on, and the buffers of Python.

NumPy speaks DLPack; what is here holds Tensors to what PyTorch promises of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.device import refuse_other
from ..arrays.plain import plain
from ..arrays.types import DType
from ..engine.tensor import Tensor
from ..ops.declared import appears
from .attach import method
from .creation import from_numpy, on

CPU = (1, 0)  # kDLCPU, and the first of them
REACHABLE = (1, 3, 11)  # kDLCPU, and memory that a GPU can read as well


@method
def __dlpack__(
    self: Tensor,
    *,
    stream: Any = -1,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule with this memory, for the `from_dlpack` of another library; a change there is a change here.

    copy: True gives other memory; False never does. Without it only a tensor is copied that has negative strides, which
    most libraries cannot share. BufferError for a tensor that requires grad, or is asked for on another device.

    >>> import tinygrad_cnn as tg
    >>> t = tg.zeros(2)
    >>> np.from_dlpack(t)[0] = 5
    >>> t.tolist()
    [5.0, 0.0]
    """
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream is not None and type(stream) is not int:
        raise TypeError(f"__dlpack__: stream must be int or None, got {type(stream).__name__}")
    if stream not in (None, -1):
        raise ValueError(f"__dlpack__: stream should be None on cpu, got {stream}")
    if dl_device is not None and tuple(map(int, dl_device)) != CPU:
        raise BufferError(f"__dlpack__: cannot move a tensor from cpu to the device {tuple(map(int, dl_device))}")
    array = self.numpy()  # type: ignore[attr-defined]
    if copy or min(array.strides, default=0) < 0:
        if copy is False:
            raise BufferError(f"__dlpack__: strides {array.strides} cannot be shared without copying; leave out copy=")
        array = array.copy()
    if max_version is not None:
        try:
            return array.__dlpack__(max_version=max_version)
        except TypeError:  # NumPy before 2.1
            pass
    return array.__dlpack__()


@method
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    """Where the memory is, in DLPack's numbers: (1, 0), the CPU."""
    return CPU


@method
def __array_wrap__(self: Tensor, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
    """What a function of NumPy made of a tensor is a tensor; truth values are bytes then, 0 or 1, as in PyTorch.

    >>> import tinygrad_cnn as tg
    >>> np.sqrt(tg.tensor([4.0, 9.0])), np.isnan(tg.ones(1)).dtype
    (tensor([2., 3.], shape=(2,), dtype=float32), dtype('uint8'))
    """
    array = np.asarray(array)
    return from_numpy(array.astype(np.uint8) if array.dtype == np.bool_ else array)


class _Producer:
    """What hands an array on, whatever it knows of the protocol; and whether that may be written to."""

    def __init__(self, thing: Any, copy: bool | None):
        self.thing, self.copy = thing, copy
        self.read_only = False

    def __dlpack__(self, **told: Any) -> Any:
        capsule = self.thing
        if hasattr(capsule, "__dlpack__"):
            told = {name: value for name, value in told.items() if value is not None}
            if self.copy is not None:
                told["copy"] = self.copy
            try:
                capsule = self.thing.__dlpack__(**told)
            except TypeError:  # it is older than these arguments
                capsule = self.thing.__dlpack__()
        if "dltensor_versioned" in repr(capsule):  # which tells it to NumPy
            self.read_only = True
        elif hasattr(self.thing, "__array__"):
            self.read_only = not np.asarray(self.thing).flags.writeable
        return capsule

    def __dlpack_device__(self) -> tuple[Any, int]:
        return self.thing.__dlpack_device__() if hasattr(self.thing, "__dlpack_device__") else CPU


class _Writable:
    """The memory of an array, to be written to."""

    def __init__(self, array: np.ndarray):
        self.array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


@appears("function")
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of a tensor or array of another library, or of a capsule of DLPack.

    A change of one is a change of the other; where that must not be written to, as of JAX, the tensor can only be read.
    copy: True gives memory of its own, False an error where the other library cannot share. TypeError for what is
    neither, BufferError or RuntimeError for what cannot be shared: another device, bfloat16, a capsule that was used.

    >>> import tinygrad_cnn as tg
    >>> a = np.zeros(2)
    >>> tg.from_dlpack(a)[0] = 5
    >>> a
    array([5., 0.])
    """
    is_capsule = type(ext_tensor).__name__ == "PyCapsule"
    if not is_capsule and not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(
            f"from_dlpack: expected a tensor or an array with __dlpack__, or a capsule, got {type(ext_tensor).__name__}"
        )
    if is_capsule and (device is not None or copy is not None):
        raise TypeError("from_dlpack: a capsule is taken as it is; device and copy are for tensors and arrays")
    refuse_other(device)
    producer = _Producer(ext_tensor, copy)
    if (place := tuple(map(int, producer.__dlpack_device__())))[0] not in REACHABLE:
        raise BufferError(f"from_dlpack: the memory is on DLPack's device {place}, not on the CPU; move it there first")
    try:
        array = np.from_dlpack(producer)
    except (BufferError, RuntimeError, ValueError) as error:
        kind = BufferError if isinstance(error, BufferError) else RuntimeError
        cause = "; a capsule can be used once" if is_capsule else ""
        raise kind(f"from_dlpack: a {type(ext_tensor).__name__} cannot be shared: {error}{cause}") from error
    if not array.flags.writeable and not producer.read_only:
        array = np.asarray(_Writable(array))
    return on(plain(array.copy() if copy else array))


@appears("function")
def frombuffer(buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """The bytes of a buffer from `offset` on, read as `count` elements of a dtype, or as all; on the same memory: (N,).

    buffer: bytes, a bytearray, an array.array, a memory map, whatever shares its memory by Python's protocol. A tensor
    on bytes that must not change can only be read. ValueError for what shares nothing, no elements, or fewer bytes than
    asked for.

    >>> import tinygrad_cnn as tg
    >>> tg.frombuffer(bytearray([1, 2, 3, 4]), dtype=tg.uint8, count=2, offset=1)
    tensor([2, 3], shape=(2,), dtype=uint8)
    """
    if dtype is None:
        raise TypeError("frombuffer: argument 'dtype' must be a dtype, not None; nothing in a buffer tells it")
    kind = np.dtype(dtype)
    plain(np.empty(0, kind))
    if not kind.isnative:
        raise ValueError(
            f"frombuffer: a tensor has no numbers of the byte order {kind.str!r}; copy them by np.frombuffer"
        )
    for name, number in (("count", count), ("offset", offset)):
        if not isinstance(number, int | np.integer):
            raise TypeError(f"frombuffer: argument {name!r} must be int, not {type(number).__name__}")
    try:
        memory = memoryview(buffer)
    except TypeError:
        raise ValueError(f"frombuffer: {type(buffer).__name__} does not implement Python buffer protocol.") from None
    if not memory.c_contiguous or "O" in memory.format:
        raise RuntimeError("frombuffer: could not retrieve buffer from object: not in one piece, or of objects")
    length = memory.nbytes
    if length == 0 or count == 0:
        raise ValueError(f"frombuffer: both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} "
            "bytes) minus 1"
        )
    if count < 0 and (length - offset) % kind.itemsize:
        raise ValueError(
            f"frombuffer: buffer length ({length} bytes) after offset ({offset} bytes) must be a multiple of element "
            f"size ({kind.itemsize})"
        )
    if count > 0 and offset + count * kind.itemsize > length:
        raise ValueError(
            f"frombuffer: requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({length} bytes)"
        )
    t = on(np.frombuffer(memory, kind, max(count, -1), offset))
    if requires_grad:
        t.requires_grad = True
    return t
