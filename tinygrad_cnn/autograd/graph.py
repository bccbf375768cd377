"""What nodes have saved for backward: to be looked at, and to be kept in another form meanwhile.

    y = x.exp()
    y.grad_fn._saved_result             # what the rules of a node get, under PyTorch's names

    with saved_tensors_hooks(pack, unpack):
        loss = model(x).sum()           # pack(tensor) is kept in the place of each tensor
    loss.backward()                     # unpack(what was kept) comes back

The engine knows nothing of it. The hooks are a tracer, which is told of every node when it is made; a node whose
tensors were packed becomes one of a class whose `saved` unpacks them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.blocks import Ending
from ..engine.function import FunctionCtx
from ..engine.higher import _in_the_graph
from ..engine.modes import Setting, mode
from ..engine.node import AccumulateGrad, Handle, Node, Version, register_hook
from ..engine.record import OpNode
from ..engine.tensor import Tensor, wrap
from ..engine.watch import Tracer
from ..pytorch.absent import explains
from .grad_mode import no_grad

__all__ = ["Node", "disable_saved_tensors_hooks", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks"]

_disabled: list[str] = []  # the messages of the blocks in which there are no hooks

# Looking.

# PyTorch's names, and by which a value may be known here.
NAMES = {
    "self": ("self", "input", "x"),
    "result": ("out",),
    "mat2": ("mat2", "other"),
    "tensor": ("tensor", "other"),
    "indices": ("indices", "index", "choice"),
}


def saved(node: OpNode, name: str, raw: bool = False) -> Any:
    """What a node keeps under a name of PyTorch's, as a Tensor in its place of the graph; None for what it needs not.

    raw: as a SavedTensor.
    RuntimeError where it was freed, AttributeError for a name that the op does not know.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([3.0], requires_grad=True)
    >>> (x**2).grad_fn._saved_self is x, (x**2).grad_fn._saved_exponent
    (True, 2)
    """
    plan, op = node.plan, node.op
    known = [*op.parameters, "out", *op.keeps]
    for word in NAMES.get(name, (name,)):
        if word in known:
            number = plan.numbered.index(word) if word in plan.numbered else -1
            if word == "out":
                number = len(plan.names)
            if number in plan.keep and raw:
                return SavedTensor(node, plan.keep.index(number))
            if number in plan.keep:
                value = _in_the_graph(node)[plan.keep.index(number)]
                end = value._node if isinstance(value, Tensor) else None
                leaf = end.variable if isinstance(end, AccumulateGrad) else None
                return value if leaf is None else leaf
            if plan.n_inputs <= number < len(plan.names) and node.attributes:
                return node.attributes[number - plan.n_inputs]
            return None
    raise AttributeError(f"{node.name()} has no attribute '_saved_{name}'; {op.name} knows {', '.join(known)}")


class SavedTensor:
    """One of the values that a node keeps: `register_hooks` packs it now and unpacks it in backward.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([3.0], requires_grad=True)
    >>> y = x**2
    >>> y.grad_fn._raw_saved_self.register_hooks(lambda t: t.tolist(), tg.tensor)
    >>> y.backward()
    >>> x.grad.tolist()
    [6.0]
    """

    def __init__(self, node: OpNode, i: int):
        self.node, self.i = node, i

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """RuntimeError where the value was freed, or has hooks already."""
        values = _slot.__get__(self.node)
        if values is None:
            self.node.refuse_second()
        if type(values[self.i]) is Packed:
            raise RuntimeError("register_hooks: there are hooks for this saved tensor already")
        values[self.i] = packed(values[self.i], pack_hook, unpack_hook)
        self.node.__class__ = PackedOpNode


def names_saved(node: OpNode) -> list[str]:
    """The names under which a node keeps something: ["_saved_self", ...]."""
    numbered, theirs = node.plan.numbered, {"input": "self", "x": "self", "out": "result"}
    kept = [numbered[i] for i in node.plan.keep if isinstance(i, int) and i < len(numbered)]
    return [f"_saved_{theirs.get(word, word)}" for word in kept]


# Packing.


class Packed:
    """What a pack hook made of a tensor, and the hook that makes the tensor of it."""

    def __init__(self, array: np.ndarray, pack: Callable, unpack: Callable):
        t = wrap(array)
        self.kept, self.unpack = no_grad()(pack)(t), unpack
        if t._counter is not None and t._counter.changes:
            raise RuntimeError("A saved tensor pack hook is modifying its input in place; it must make a new tensor")

    def array(self) -> np.ndarray:
        t = no_grad()(self.unpack)(self.kept)
        if not isinstance(t, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}"
            )
        return t._array


def packed(value: Any, pack: Callable, unpack: Callable) -> Any:
    if type(value) in (list, tuple):
        return type(value)([packed(v, pack, unpack) for v in value])
    return Packed(value, pack, unpack) if type(value) is np.ndarray else value


def unpacked(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)([unpacked(v) for v in value])
    return value.array() if type(value) is Packed else value


_slot: Any = OpNode.__dict__["saved"]


class PackedOpNode(OpNode):
    """A node that unpacks what it saved whenever it is asked for it."""

    __slots__ = ()

    @property
    def saved(self) -> Any:  # type: ignore[override]
        return unpacked(_slot.__get__(self))

    def release(self) -> None:
        if any(type(v) is Packed for v in _slot.__get__(self) or ()):
            _slot.__set__(self, None)


class PackedFunctionCtx(FunctionCtx):
    """The same of a Function."""

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        held = self._saved
        try:
            self._saved = held and [entry and (unpacked(entry[0]), *entry[1:]) for entry in held]
            return super().saved_tensors
        finally:
            self._saved = held


class Packing(Tracer):
    """Packs what every node saves, and tells all that it is told to the tracer that was there before."""

    def __init__(self, pack: Callable, unpack: Callable, before: Tracer):
        self.pack, self.unpack, self.before = pack, unpack, before
        self.plain = before.plain

    def called(self, op: Any, args: Any, out: Any, node: Any) -> None:
        if isinstance(node, OpNode):
            node.saved = packed(node.saved, self.pack, self.unpack)
            node.guards, node.meant = [], ()  # a change of the original is no change of what was packed
            node.__class__ = PackedOpNode
        elif isinstance(node, FunctionCtx) and node._saved:
            node._saved = [e and (packed(e[0], self.pack, self.unpack), e[1], Version(), e[3]) for e in node._saved]
            node.__class__ = PackedFunctionCtx
        self.before.called(op, args, out, node)


def _told(name: str) -> Callable:
    return lambda self, *args: getattr(self.before, name)(*args)


for _name in ("calling", "changed", "wrote", "detached", "taken", "moved", "stepping", "stepped", "walk"):
    setattr(Packing, _name, _told(_name))


class saved_tensors_hooks(Setting):
    """A block in which pack_hook(tensor) is kept of each tensor that is saved, and unpack_hook of that comes back.

    Both run without a graph of their own. What pack_hook gives may be anything: a copy on disk, half precision, an
    index. Of blocks in blocks the innermost counts. TypeError, in backward, where unpack_hook gives no tensor;
    RuntimeError where pack_hook changes its tensor in place.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.tolist(), tg.tensor):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad.tolist()
    [2.0, 4.0]
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        super().__init__(tracer=None, watch=True)

    def __enter__(self) -> Any:
        if _disabled:
            raise RuntimeError(_disabled[-1])
        before = mode.tracer
        before = before.before if isinstance(before, Packing) else before or Tracer()
        self.values = {"tracer": Packing(self.pack_hook, self.unpack_hook, before), "watch": True}
        return super().__enter__()


class save_on_cpu(saved_tensors_hooks):
    """`saved_tensors_hooks` that keep tensors on the CPU: where they are anyway.

    >>> import tinygrad_cnn as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda t: t.cpu(), lambda kept: kept)  # type: ignore[attr-defined]


class disable_saved_tensors_hooks:
    """A block in which `saved_tensors_hooks` raise a RuntimeError with this message.

    >>> with disable_saved_tensors_hooks("not here"), saved_tensors_hooks(id, id):
    ...     pass
    Traceback (most recent call last):
    RuntimeError: not here
    """

    __exit__ = Ending(lambda self: [_disabled.pop])

    def __init__(self, error_message: str):
        self.error_message = error_message

    def __enter__(self) -> None:
        if isinstance(mode.tracer, Packing):
            raise RuntimeError(self.error_message)
        _disabled.append(self.error_message)


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[[Sequence], None], *, mode: str = "all") -> Any:
    """Call fn with the gradients of all these tensors, None for one that has none, when the last has been computed.

    mode: "any" calls fn(gradient) with the first. Returns a handle, whose `remove()` takes the hooks away.

    >>> import tinygrad_cnn as tg
    >>> x, y = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    >>> handle = register_multi_grad_hook([x, y], lambda grads: print([g.item() for g in grads]))
    >>> (x * y).backward()
    [3.0, 2.0]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: expects mode to be one of ('all', 'any'), got {mode!r}")
    found: list = [None] * len(tensors)
    seen = 0

    def hook_of(i: int) -> Callable:
        def hook(grad: Tensor) -> None:
            nonlocal seen
            found[i], seen = grad, seen + 1
            if mode == "any" and seen == 1:
                fn(grad)  # type: ignore[arg-type]
            if seen == len(tensors):
                gradients = found.copy()
                found[:], seen = [None] * len(tensors), 0
                if mode == "all":
                    fn(gradients)

        return hook

    return _Handles([register_hook(t.accumulator(), hook_of(i)) for i, t in enumerate(tensors)])


class _Handles:
    def __init__(self, handles: list[Handle]):
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


explains(__name__)
