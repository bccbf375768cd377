"""The data of the graph: a Tensor is an array with a history. The steps of that history are in `node.py`."""

from __future__ import annotations

import copy
import ctypes
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..surface.printing import mimebundle, values
from .memory import FIXED, Memory, join, put_in_order
from .modes import _Setting, mode
from .node import INFERENCE, AccumulateGrad, Node, Pick, Version, View


class Size(tuple):
    """A shape: a tuple of ints that can also count its elements; its slices, sums and multiples are shapes as well.

    >>> Size((2, 3)).numel()
    6
    >>> ((4,) + Size((2, 3))[1:]).numel()
    12
    """

    __slots__ = ()

    def __getitem__(self, i: Any) -> Any:
        part = tuple.__getitem__(self, i)
        return Size(part) if type(part) is tuple else part

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return Size(other + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def numel(self) -> int:
        n = 1
        for length in self:
            n *= length
        return n


class device:
    """Where a tensor lives. There is one place, `cpu`; asking for another is a clear error."""

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
    """Where new tensors live: the CPU, or a clear error."""
    device(device_)


def get_default_device() -> device:
    """The CPU."""
    return CPU


class Tensor:
    """An array with a history.

    `_array` is the NumPy array, `_node` the step that made it (for a leaf: its AccumulateGrad, made
    when first needed), `_version` the shared record of in-place changes (made when first needed).
    Operators and methods are attached by `methods.py`.
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_grad", "_memory", "_node", "_requires_grad", "_version",
                 "_view")  # fmt: skip
    __array_priority__ = 1000  # so that `array * tensor` asks the tensor

    _array: np.ndarray
    _node: Node | None
    _requires_grad: bool
    _version: Version | None
    _view: View | None
    _memory: Memory | None
    _grad: Tensor | None

    def __init__(self, *data: Any, dtype: Any = None, requires_grad: bool = False):
        """Tensor(2, 3) has this shape and no values yet; Tensor([2, 3]) has these values. Both are float32."""
        if all(isinstance(n, int) for n in data):
            self._array = np.empty(data or 0, dtype or np.float32)
        elif len(data) == 1 and isinstance(data[0], Tensor | np.ndarray | np.generic | list | tuple | float):
            self._array = np.array(as_array(data[0]), dtype or np.float32)
        else:
            raise TypeError(f"Tensor: expected sizes or one list of data, got {data}; tensor(...) makes one of data")
        self._node = self._version = self._view = self._memory = self._grad = None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True

    if TYPE_CHECKING:  # methods.py attaches the operators and most methods
        __add__: Any
        __radd__: Any
        __sub__: Any
        __rsub__: Any
        __mul__: Any
        __rmul__: Any
        __truediv__: Any
        __rtruediv__: Any
        __floordiv__: Any
        __mod__: Any
        __pow__: Any
        __rpow__: Any
        __matmul__: Any
        __rmatmul__: Any
        __neg__: Any
        __invert__: Any
        __and__: Any
        __or__: Any
        __xor__: Any
        __lt__: Any
        __le__: Any
        __gt__: Any
        __ge__: Any
        __getitem__: Any
        __setitem__: Any

        def __getattr__(self, name: str) -> Any: ...

    # what it is

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    @property
    def device(self) -> device:
        return CPU

    is_cuda = is_xpu = is_mps = is_sparse = is_quantized = False

    # its place in the graph

    @property
    def requires_grad(self) -> bool:
        if self._view is not None:
            self._refresh()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if flag:
            refuse_complex("requires_grad", self._array.dtype)
        if flag and self._array.dtype.kind != "f":
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, this one is {self._array.dtype}; "
                "convert it first with .float()"
            )
        if not flag and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables; use y = x.detach() for a tensor "
                "that has no history"
            )
        if flag and self._version is INFERENCE and not mode.inference:
            raise RuntimeError(
                "requires_grad: this tensor was made in inference_mode and cannot require grad outside of it; "
                ".clone() it first"
            )
        self._requires_grad = bool(flag)

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, None for a leaf."""
        if self._view is not None:
            self._refresh()
        return None if isinstance(self._node, AccumulateGrad) else self._node

    def _refresh(self) -> None:
        """Make this view's history anew if its base was changed in place and has got another one.

        Where the base has none any more, since it was detached before the change, neither has the view.
        """
        view = self._view
        assert view is not None
        base = view.base
        node, changes = base._node, base.version().changes
        if changes == view.changes:
            return
        leaf = isinstance(node, AccumulateGrad | None)
        moved = base._array is not view.array and node is not view.seen and not leaf
        if moved or (view.sealed and base._requires_grad):
            if mode.grad:
                how = f"made {view.sealed}" if view.sealed else "made before its base was given another shape"
                raise RuntimeError(
                    f"this tensor of shape {self._array.shape} is a view that was {how}, and its base was changed in "
                    "place since, so its history is no longer right; make the view again"
                )
            return
        if node is view.seen:
            return
        if not leaf:
            self._become(_Setting(grad=True, tracer=None).during(view.replay, base)._node)
        elif not isinstance(view.seen, AccumulateGrad | None):
            self._become(None)
        view.seen, view.changes = node, changes

    def _become(self, node: Node | None) -> None:
        """Be the result of another node from now on; where `.grad` is kept, it is that node's."""
        old = self._node
        if node is not None and old is not None and old.retain is not None:
            old.retain, node.retain = None, weakref.ref(self)
        self._node = node
        self._requires_grad = node is not None

    def version(self) -> Version:
        """The record of in-place changes of this tensor's memory."""
        if self._version is None:
            self._version = Version()
        return self._version

    def guard(self) -> Version:
        """The version, for a node that saves the values: it compares them later."""
        if self._version is INFERENCE:
            raise RuntimeError(
                f"inference tensors cannot be saved for backward: this one of shape {self._array.shape} was made in "
                "inference_mode, where changes are not counted; .clone() it outside, or use no_grad instead"
            )
        return self.version()

    def is_inference(self) -> bool:
        """Whether it was made in `inference_mode`."""
        return self._version is INFERENCE

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward adds to, in place; None before there is one."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("grad: a tensor cannot be its own gradient")
            mine, its = self._array, value._array
            if its.shape != mine.shape or its.dtype != mine.dtype:
                raise RuntimeError(
                    f"grad: a gradient has the shape and dtype of its tensor, {mine.shape} {mine.dtype}; "
                    f"got {its.shape} {its.dtype}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    @property
    def output_nr(self) -> int:
        return self._node.output_nr if isinstance(self._node, Pick) else 0

    @property
    def retains_grad(self) -> bool:
        node = self.grad_fn
        return node is not None and node.retain is not None

    def accumulator(self) -> Node:
        """The node of this tensor; a leaf gets its AccumulateGrad here."""
        if self._node is None:
            self._node = AccumulateGrad(self)
        return self._node

    # the same memory, another history

    def detach(self) -> Tensor:
        """A tensor on the same memory that needs no gradient. In-place changes are still noticed."""
        out = wrap(self._array)
        out._version = self.version()
        join(self, out)
        return out

    @property
    def data(self) -> Tensor:
        """A tensor on the same memory, without history; autograd does not notice what is done to it."""
        out = wrap(self._array)
        join(self, out)
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tensor.data: expected a Tensor, got {type(value).__name__}")
        if self._requires_grad and value._array.dtype.kind != "f":
            refuse_complex("Tensor.data", value._array.dtype)
            raise RuntimeError(
                f"Tensor.data: what requires grad must be floating, got {value._array.dtype}; convert it with .float()"
            )
        self._array = value._array
        self._view = None
        join(value, self)
        node, array = self._node, value._array
        if isinstance(node, AccumulateGrad) and (node.shape, node.dtype) != (array.shape, array.dtype):
            self._node = anew = AccumulateGrad(self)
            anew.hooks, anew.after = node.hooks, node.after

    # out of the graph

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, on the same memory: a change of one is a change of the other.

        >>> import tinygrad_cnn as tg
        >>> t = tg.zeros(2)
        >>> t.numpy()[0] = 5
        >>> t.tolist()
        [5.0, 0.0]
        """
        if mode.grad and not force and self.requires_grad:
            raise RuntimeError(
                "can't call numpy() on a Tensor that requires grad: the array would have no history; "
                "use tensor.detach().numpy()"
            )
        put_in_order(self)
        self._memory = FIXED
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The one number in this tensor, as a Python scalar."""
        if self._array.size != 1:
            raise RuntimeError(f"item: a Tensor with {self._array.size} elements cannot be converted to a scalar")
        return self._array.item()

    def tolist(self) -> Any:
        return self._array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise RuntimeError(
                f"the truth value of a Tensor with {self._array.size} elements is ambiguous; use .any() or .all()"
            )
        return bool(self._array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    __hash__ = object.__hash__  # identity, though == compares elements

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec) if self._array.ndim else format(self._array.item(), spec)

    def __repr__(self) -> str:
        return f"tensor({describe(self)})"

    _repr_mimebundle_ = mimebundle

    # copies

    def __reduce__(self) -> tuple:
        self._refuse_graph("pickle")
        return rebuild, (type(self), self._array, self._requires_grad, self.__dict__)

    def __deepcopy__(self, memo: dict) -> Tensor:
        """A leaf on memory of its own; tensors that share memory, copied together, share it again."""
        self._refuse_graph("deepcopy")
        out = memo[id(self)] = rebuild(type(self), _copied(self._array, memo), self._requires_grad, {})
        if self._version:
            out._version = copy.deepcopy(self._version, memo)
        out._memory = self._memory and FIXED
        out._grad = copy.deepcopy(self._grad, memo)
        out.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return out

    def _refuse_graph(self, action: str) -> None:
        if not self.is_leaf:
            raise RuntimeError(
                f"{action}: only Tensors created by the user (leaves) support {action}; this one is the result of "
                f"{self.grad_fn.name()}: use .detach() first"  # type: ignore[union-attr]
            )


def wrap(array: np.ndarray, node: Node | None = None) -> Tensor:
    """A Tensor on this very array, made by this node."""
    t = _new(Tensor)
    t._array = array
    t._node = node
    t._requires_grad = node is not None
    t._version = t._view = t._memory = t._grad = None
    return t


_new = Tensor.__new__


def refuse_complex(name: str, dtype: np.dtype) -> None:
    """Raise where a gradient is asked for through complex numbers: the rules are those of real ones."""
    if dtype.kind == "c":
        raise RuntimeError(
            f"{name}: {dtype} has no gradients here; compute with real and imaginary parts, or .detach() what "
            "requires grad"
        )


def refuse_change(t: Tensor, name: str) -> None:
    """Raise where `t` must not be changed in place."""
    if t._version is INFERENCE and not mode.inference:
        raise RuntimeError(
            f"{name}: a tensor made in inference_mode is being changed in place outside of it; .clone() it first"
        )
    if not mode.grad:
        return
    base = t if t._view is None else t._view.base
    if base._requires_grad and base.is_leaf:
        what = "a leaf Variable that requires grad" if base is t else "a view of a leaf Variable that requires grad"
        raise RuntimeError(
            f"{name}: {what} is being used in an in-place operation; nothing was changed. "
            "Do it under tinygrad_cnn.no_grad(), or make a new tensor with the op that is not in place"
        )
    if t.requires_grad or base._requires_grad:
        refuse_sealed(t, name)


def refuse_sealed(t: Tensor, name: str) -> None:
    """Raise where `t` is a view and no gradient could follow a change of it."""
    if t._view is not None and t._view.base._array is not t._view.array:
        raise RuntimeError(
            f"{name}: a view is being changed in place whose base was given another shape or other memory since; "
            "nothing was changed. Make the view again"
        )
    if t._view is not None and t._view.sealed:
        raise RuntimeError(
            f"{name}: a view that was made {t._view.sealed} is being changed in place where gradients are recorded, "
            "and they could not follow; nothing was changed. Make the view again here, or .clone() it first"
        )


def is_tensor(obj: Any) -> bool:
    """Whether this is a Tensor."""
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._array.size


def rebuild(kind: type, array: np.ndarray, requires_grad: bool, attributes: dict) -> Tensor:
    """A leaf as it was before it was pickled or copied."""
    t: Tensor = kind.__new__(kind)  # type: ignore[call-overload]
    t._array = array
    t._node = t._version = t._view = t._memory = t._grad = None
    t._requires_grad = requires_grad
    t.__dict__.update(attributes)
    return t


def clear_grad(t: Tensor, set_to_none: bool) -> None:
    """Let `.grad` be None, or the same tensor, filled with zeros and without history."""
    g = t._grad
    if set_to_none or g is None:
        t._grad = None
    else:
        g._node, g._requires_grad = None, False
        g.zero_()  # type: ignore[attr-defined]


def as_array(data: Any) -> Any:
    """The array of a Tensor, an array as `plain` has it; anything else as it is."""
    if isinstance(data, Tensor):
        return data._array
    return plain(data) if isinstance(data, np.ndarray) else data


def plain(array: np.ndarray) -> np.ndarray:
    """The same numbers as an np.ndarray in the byte order of the machine; a TypeError where a Tensor cannot hold them.

    A subclass may mean other things by the same words: `*` of an np.matrix is a product of matrices.
    """
    if type(array) is not np.ndarray:
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError("a masked array leaves elements out, which no Tensor can; fill them with .filled(value)")
        array = array.view(np.ndarray)
    dtype = array.dtype
    if dtype.char not in _CHARS:
        raise TypeError(f"cannot make a Tensor of dtype {dtype}; expected numbers of at most 64 bits (complex: 128)")
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


_CHARS = frozenset("?bBhHiIlLqQefdFD")


def _copied(array: np.ndarray, memo: dict) -> np.ndarray:
    """A copy for deepcopy: of the whole memory that the array lies in, once, seen as the array sees it."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    start, end = byte_bounds(owner)
    known = memo.get(id(owner))
    if known is None:
        memory = np.array((ctypes.c_uint8 * (end - start)).from_address(start))
        known = memo[id(owner)] = memory, owner  # which is kept alive, so that nothing else gets its id
    out = np.ndarray(array.shape, array.dtype, known[0], array.__array_interface__["data"][0] - start, array.strides)
    out.flags.writeable = array.flags.writeable or 0 not in array.strides
    return out


def describe(t: Tensor) -> str:
    """What a repr says of a tensor: values, shape, dtype, and how it stands to the graph."""
    a = t._array
    text = f"{values(a, 'tensor(')}, shape={a.shape}, dtype={a.dtype}"
    if t.grad_fn is not None:
        return f"{text}, grad_fn={t.grad_fn!r}"
    return f"{text}, requires_grad=True" if t._requires_grad else text
