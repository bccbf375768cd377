"""What a + b, x @ w, x.sum() and loss.backward() mean: the tables that give Tensor its operators and methods.

An op is a plain function whose first argument is the tensor, so most methods are the ops themselves.
The rest are short: those that take sizes one by one, those that change a tensor in place, and those
that ask or convert.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .. import ops
from ..arrays.device import device as Device
from ..autograd.gradients import backward
from ..engine import node
from ..engine.broadcast import cast
from ..engine.inplace import change
from ..engine.memory import put_in_order
from ..engine.modes import Setting, mode
from ..engine.node import Handle
from ..engine.tensor import Tensor, as_array, refuse_change
from ..ops.elementwise import divide, minus, plus
from ..ops.rearrange import unfold
from ..random import Generator, rng
from . import creation, sampling

# Ops that are methods as they are.

METHODS = """
    abs absolute acos acosh add addcdiv addcmul addmm addmv all allclose amax amin aminmax any arccos arccosh arcsin
    arcsinh arctan arctanh argmax argmin argsort asin asinh atan atan2 atanh baddbmm bernoulli bincount bitwise_and
    bitwise_not bitwise_or bitwise_xor bmm broadcast_to ceil chunk clamp clip clone contiguous cos cosh count_nonzero
    cummax cummin cumprod cumsum diag diagonal div dot eq equal erf erfc exp exp2 expand_as expm1 fill flatten fliplr
    flipud floor floor_divide fmax fmin fmod frac gather ge greater greater_equal gt histc hypot index_add index_copy
    index_fill index_put index_select inner is_contiguous isclose isfinite isinf isnan isneginf isposinf kthvalue le
    lerp less less_equal log log10 log1p log2 log_softmax logaddexp logical_and logical_not logical_or logical_xor
    logsumexp lt masked_fill masked_select matmul max maximum mean median min minimum mm moveaxis movedim msort mul
    multinomial multiply mv nan_to_num nanmean nansum narrow ne neg negative nonzero norm not_equal outer pow prod
    ravel reciprocal relu remainder repeat_interleave reshape_as roll rot90 round rsqrt scatter scatter_add select
    sigmoid sign signbit sin sinc sinh softmax sort split split_with_sizes sqrt square squeeze std sub subtract sum
    swapaxes swapdims t take take_along_dim tan tanh tensor_split topk trace transpose tril triu true_divide trunc
    unbind unflatten unique unsqueeze var view_as xlogy
""".split()

# Methods that take sizes or axes as ints, or as one tuple of them.

SIZED = "expand flip permute repeat reshape tile view".split()

# Ops that also exist as `name_`: the tensor becomes the result.

IN_PLACE = """
    abs acos add addcdiv addcmul addmm asin atan ceil clamp clip cos cosh cumsum div eq erf exp exp2 expm1 floor
    floor_divide fmod frac ge gt index_add index_copy index_fill index_put le lerp log log10 log1p log2 logical_and
    logical_not logical_or logical_xor lt masked_fill mul multiply nan_to_num ne neg negative pow reciprocal relu
    remainder round rsqrt scatter scatter_add sigmoid sign sin sinh sqrt square sub subtract tan tanh tril triu
    true_divide trunc xlogy
""".split()


def _public(name: str) -> Callable:
    return plain(getattr(ops, name, None) or getattr(sampling, name))


def plain(f: Callable) -> Callable:
    """The function without `out=`, which no method takes."""
    return getattr(f, "plain", f)


def sized(op: Callable) -> Callable:
    @wraps(op)
    def method(self: Tensor, *sizes: Any, **named: Any) -> Tensor:
        if named:
            return op(self, *sizes, **named)
        return op(self, sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes)

    return method


def in_place(op: Callable, name: str) -> Callable:
    @wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return change(self, name, lambda t: op(t, *args, **kwargs))

    method.__name__ = name
    method.__doc__ = f"In place: the tensor becomes its `{name[:-1]}`."
    return method


# Operators. Where the other operand is nothing that an op knows, Python asks that operand, and raises its TypeError.

KNOWN = (Tensor, int, float, complex, np.ndarray, np.generic)


def operator(op: Callable) -> Callable:
    op = plain(op)

    def method(self: Tensor, other: Any) -> Any:
        try:
            return op(self, other)
        except TypeError:
            if isinstance(other, KNOWN):
                raise
            return NotImplemented

    return method


def reflected(op: Callable) -> Callable:
    op = plain(op)

    def method(self: Tensor, other: Any) -> Any:
        try:
            return op(other, self)
        except TypeError:
            if isinstance(other, KNOWN):
                raise
            return NotImplemented

    return method


def operator_in_place(op: Callable, name: str) -> Callable:
    op = plain(op)

    def method(self: Tensor, other: Any) -> Any:
        return change(self, name, lambda t: op(t, other)) if isinstance(other, KNOWN) else NotImplemented

    return method


OPERATORS = {
    "add": plus,
    "sub": minus,
    "mul": ops.mul,
    "truediv": divide,
    "floordiv": ops.floor_divide,
    "mod": ops.remainder,
    "pow": ops.pow,
    "matmul": ops.matmul,
    "and": ops.bitwise_and,
    "or": ops.bitwise_or,
    "xor": ops.bitwise_xor,
    "lshift": ops.bitwise_left_shift,
    "rshift": ops.bitwise_right_shift,
}

COMPARISONS = {"eq": ops.eq, "ne": ops.ne, "lt": ops.lt, "le": ops.le, "gt": ops.gt, "ge": ops.ge}


# What a tensor is.


def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return self.shape if dim is None else self._array.shape[ops.dims.axis("size", dim, self.ndim)]


def stride(self: Tensor, dim: int | None = None) -> Any:
    """How many elements apart in memory neighbours along each axis (or one) lie."""
    strides = tuple(s // self._array.itemsize for s in self._array.strides)
    return strides if dim is None else strides[ops.dims.axis("stride", dim, self.ndim)]


def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    put_in_order(self)
    return self._array.__array_interface__["data"][0]


def storage_offset(self: Tensor) -> int:
    """How many elements into the memory that it shares the tensor begins."""
    address, array = data_ptr(self), self._array
    while isinstance(array.base, np.ndarray):
        array = array.base
    return (address - array.__array_interface__["data"][0]) // self._array.itemsize


ABOUT: dict[str, Callable] = {
    "size": size,
    "stride": stride,
    "storage_offset": storage_offset,
    "dim": lambda self: self._array.ndim,
    "ndimension": lambda self: self._array.ndim,
    "numel": lambda self: self._array.size,
    "nelement": lambda self: self._array.size,
    "element_size": lambda self: self._array.itemsize,
    "data_ptr": data_ptr,
    "get_device": lambda self: -1,
    "is_floating_point": lambda self: self._array.dtype.kind == "f",
    "is_complex": lambda self: self._array.dtype.kind == "c",
    "is_signed": lambda self: self._array.dtype.kind in "ifc",
    "is_pinned": lambda self: False,
    "pin_memory": lambda self: self,
}

PROPERTIES: dict[str, Callable] = {
    "T": lambda self: ops.permute(self, tuple(range(self.ndim))[::-1]),
    "mT": ops.adjoint,
    "H": ops.t,
    "mH": ops.adjoint,
}


# Conversions.

DTYPES = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32", "short": "int16",
          "char": "int8", "byte": "uint8", "bool": "bool"}  # fmt: skip


def _converted(self: Tensor, dtype: Any, copy: bool = False) -> Tensor:
    """In this dtype; itself where nothing is to do."""
    dtype = self.dtype if dtype is None else np.dtype(dtype)
    if dtype != self.dtype:
        return cast(self, dtype)
    return ops.clone(self) if copy else self


def converter(dtype: str) -> Callable:
    kind = np.dtype(dtype)

    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return _converted(self, kind)

    method.__doc__ = f"In dtype {dtype}; itself where it is that already."
    return method


def to(
    self: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """`to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`: converted; itself where nothing is to do.

    >>> import tinygrad_cnn as tg
    >>> tg.ones(2).to("cpu", tg.float64).dtype.name
    'float64'
    """
    for i, a in enumerate(args):
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, bool):  # to(dtype, non_blocking, copy)
            copy = a if isinstance(args[i - 1], bool) else copy
        elif isinstance(a, str | Device):
            device = a
        elif a is not None:
            dtype = a
    if device is not None:
        Device(device)
    out = _converted(self, dtype, copy)
    return out if memory_format is None else ops.contiguous(out, memory_format)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Converted to this dtype; without one, the name of the type, as in "torch.FloatTensor"."""
    names = {np.dtype(d): name for name, d in DTYPES.items()}
    if dtype is None:
        return f"tinygrad_cnn.{names[self.dtype].capitalize()}Tensor"
    if isinstance(dtype, str) and dtype.endswith("Tensor"):
        dtype = DTYPES[dtype.split(".")[-1].removesuffix("Tensor").lower()]
    return _converted(self, dtype)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """There is no CUDA here: a RuntimeError that says so."""
    return self.to(device="cuda")  # type: ignore[attr-defined]


CONVERSIONS: dict[str, Callable] = {
    **{name: converter(dtype) for name, dtype in DTYPES.items()},
    "to": to,
    "type": type_,
    "type_as": lambda self, other: _converted(self, other.dtype),
    "cpu": lambda self: self,
    "cuda": cuda,
}


# Its place in the graph.


def _backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add d(self)/d(leaf) to the `.grad` of every leaf that needs a gradient; see `autograd.backward`.

    gradient: of the shape of self, not needed where self is one number.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).backward(tg.ones(2))
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


def register_hook(self: Tensor, hook: Callable) -> Handle:
    """Call `hook(grad)` whenever this tensor's gradient is computed; what it returns replaces the gradient."""
    if not self.requires_grad:
        raise RuntimeError("register_hook: cannot register a hook on a tensor that doesn't require gradient")
    return node.register_hook(self.accumulator(), hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable) -> Handle:
    """Call `hook(tensor)` after a gradient was added to `.grad` of this leaf."""
    if not self.requires_grad or not self.is_leaf:
        raise RuntimeError("register_post_accumulate_grad_hook: only leaves that require grad accumulate gradients")
    node: Any = self.accumulator()
    if node.after is None:
        node.after = {}
    return Handle(node.after, hook)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient in `.grad` as for a leaf."""
    if not self.requires_grad:
        raise RuntimeError("retain_grad: can't retain the grad of a Tensor that has requires_grad=False")
    if not self.is_leaf:
        self._node.retain = weakref.ref(self)  # type: ignore[union-attr]


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set `requires_grad` in place."""
    self.requires_grad = requires_grad
    return self


def detach_(self: Tensor) -> Tensor:
    """In place: without history, a leaf that needs no gradient."""
    if self._view is not None:
        raise RuntimeError("detach_: can't detach a view in place; use detach()")
    self._node, self._requires_grad = None, False
    return self


GRAPH: dict[str, Callable] = {
    "backward": _backward,
    "register_hook": register_hook,
    "register_post_accumulate_grad_hook": register_post_accumulate_grad_hook,
    "retain_grad": retain_grad,
    "requires_grad_": requires_grad_,
    "detach_": detach_,
}


# Writing to places.


def write(t: Tensor, name: str, index: Any, value: Any) -> Tensor:
    """t[index] = value; recorded where a gradient may be asked for, else written straight to the memory."""
    array = as_array(value)
    if not isinstance(array, KNOWN):
        raise TypeError(f"{name}: expected a Tensor, an array or a number, got {type(value).__name__}")
    refuse_change(t, name)
    places = ops.index.parse(index, t._array.shape)
    if isinstance(value, Tensor) and places.advanced is not None and value.ndim:
        ops.index.refuse_dtype(name, t, value)
    if mode.grad and (t.requires_grad or getattr(value, "requires_grad", False)):
        part = t if index is Ellipsis else ops.getitem(t, places._replace(advanced=None))
        change(part, name, lambda p: ops.setitem(p, value, ops.index.Places((...,), places.advanced)))
    else:
        ops.index.write(t._array, places, array)
        t.version().bump(name)
    return t


def _drawn(name: str, draw: Callable) -> Callable:
    """A method that fills a tensor with random numbers; `draw(generator, shape, ...)` makes them."""

    def method(self: Tensor, *args: Any, generator: Generator | None = None, **kwargs: Any) -> Tensor:
        return write(self, name, ..., draw(rng(generator), self, *args, **kwargs))

    method.__name__, method.__doc__ = name, draw.__doc__
    return method


def normal_(g: np.random.Generator, t: Tensor, mean: float = 0, std: float = 1) -> np.ndarray:
    """In place: normal random numbers."""
    if std < 0:
        raise RuntimeError(f"normal_: std must not be negative, got {std}")
    return sampling.standard_normal(g, t._array.shape, sampling.drawn_in(t.dtype)) * std + mean


def uniform_(g: np.random.Generator, t: Tensor, from_: float = 0, to: float = 1, **named: float) -> np.ndarray:
    """In place: random numbers from ≤ x < to, all equally likely."""
    low, high = named.get("from", from_), to
    if low > high:
        raise RuntimeError(f"uniform_: expects from <= to, got {low} and {high}")
    values = sampling.standard_uniform(g, t._array.shape, sampling.drawn_in(t.dtype)) * (high - low) + low
    return sampling.between(values, low, high, t.dtype)


def random_(g: np.random.Generator, t: Tensor, from_: int | None = None, to: int | None = None) -> np.ndarray:
    """In place: random integers from ≤ i < to; random_(to) begins at 0."""
    if to is None:
        low, high = 0, _most(t.dtype) if from_ is None else from_
    else:
        low, high = from_ or 0, to
    if low >= high:
        raise RuntimeError(f"random_: expects from < to, got {low} and {high}")
    return g.integers(low, high, t._array.shape)


def bernoulli_(g: np.random.Generator, t: Tensor, p: Any = 0.5) -> np.ndarray:
    """In place: 1 with probability p, a number or a tensor, else 0."""
    chance = np.asarray(as_array(p))
    if chance.size and not (chance.min() >= 0 and chance.max() <= 1):
        raise RuntimeError(f"bernoulli_: p must be 0 to 1, got {chance.min()} to {chance.max()}")
    return (g.random(t._array.shape) < chance).astype(t.dtype)


def _most(dtype: np.dtype) -> int:
    """One above the largest integer up to which this dtype has all."""
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1) + 1
    return 2 if dtype.kind == "b" else int(np.iinfo(dtype).max)


def exponential_(g: np.random.Generator, t: Tensor, lambd: float = 1) -> np.ndarray:
    """In place: random numbers x ≥ 0 of the density λ·exp(-λx)."""
    return g.standard_exponential(t._array.shape) / lambd


def fill_(self: Tensor, value: Any) -> Tensor:
    """In place: every element becomes this number."""
    ops.index.refuse_axes("fill_", value)
    return write(self, "fill_", ..., value)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """self[index] = value, by every kind of index that can be read."""
    write(self, "setitem", index, value)


def clear_grad(t: Tensor, set_to_none: bool) -> None:
    """Let `.grad` be None, or the same tensor, filled with zeros and without history."""
    g = t._grad
    if set_to_none or g is None:
        t._grad = None
    else:
        g._node, g._requires_grad = None, False
        write(g, "zero_", ..., 0)


WRITING: dict[str, Callable] = {
    "__setitem__": setitem,
    "copy_": lambda self, src, non_blocking=False: write(self, "copy_", ..., src),
    "zero_": lambda self: write(self, "zero_", ..., 0),
    "fill_": fill_,
    **{f.__name__: _drawn(f.__name__, f) for f in (normal_, uniform_, random_, bernoulli_, exponential_)},
}


def reshaping(op: Callable, name: str) -> Callable:
    """A method that gives the tensor itself another shape: its memory stays, seen as the op's view."""

    @wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        refuse_change(self, name)
        put_in_order(self)
        # Its values stay, and so does what they were computed from.
        out = Setting(grad=True).during(op, self, *args, **kwargs)
        view = self._view and out._view
        if self.is_leaf:
            self.data = out
        else:
            self._array, self._node = out._array, out._node
        self._view = view
        return self

    method.__name__ = name
    return method


RESHAPING = "squeeze swapaxes t transpose unsqueeze".split()


# New tensors like this one, and the rest.


def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of this data, in the dtype of self."""
    return creation.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def newborn(make: Callable) -> Callable:
    """zeros, ones, empty or full, in the dtype of self."""

    def method(self: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return make(*args, dtype=dtype or self.dtype, **kwargs)

    method.__name__ = f"new_{make.__name__}"
    method.__doc__ = f"`{make.__name__}`, by default in the dtype of self."
    return method


def contains(self: Tensor, element: Any) -> bool:
    """Whether an element equals this one."""
    if not isinstance(element, KNOWN):
        raise RuntimeError(f"in: a Tensor contains numbers and Tensors, got {type(element).__name__}")
    return bool(np.any(self._array == as_array(element)))


OTHERS: dict[str, Callable] = {
    "new_tensor": new_tensor,
    **{
        f"new_{make.__name__}": newborn(make) for make in (creation.zeros, creation.ones, creation.empty, creation.full)
    },
    "clamp_min": lambda self, min: ops.clamp(self, min),
    "clamp_max": lambda self, max: ops.clamp(self, max=max),
    "clamp_min_": lambda self, min: self.clamp_(min),
    "clamp_max_": lambda self, max: self.clamp_(max=max),
    "where": lambda self, condition, other: ops.where(condition, self, other),
    "unfold": unfold,
    "__getitem__": ops.getitem,
    "__contains__": contains,
    "__neg__": plain(ops.neg),
    "__pos__": lambda self: self,
    "__abs__": plain(ops.abs),
    "__invert__": plain(ops.bitwise_not),
}


def _attach() -> None:
    for name in METHODS:
        setattr(Tensor, name, _public(name))
    for name in SIZED:
        setattr(Tensor, name, sized(_public(name)))
    for name in IN_PLACE:
        setattr(Tensor, f"{name}_", in_place(_public(name), f"{name}_"))
    for name in RESHAPING:
        setattr(Tensor, f"{name}_", reshaping(_public(name), f"{name}_"))
    for name, op in OPERATORS.items():
        setattr(Tensor, f"__{name}__", operator(op))
        setattr(Tensor, f"__r{name}__", reflected(op))
        setattr(Tensor, f"__i{name}__", operator_in_place(op, f"__i{name}__"))
    for name, op in COMPARISONS.items():
        setattr(Tensor, f"__{name}__", operator(op))
    for table in (ABOUT, CONVERSIONS, GRAPH, WRITING, OTHERS):
        for name, method in table.items():
            setattr(Tensor, name, method)
    for name, get in PROPERTIES.items():
        setattr(Tensor, name, property(get))


_attach()
