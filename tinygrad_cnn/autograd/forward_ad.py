"""Forward mode: dual tensors x + ε·t carry a tangent t along, which every op moves as it moves the values.

    f(x + ε·t) = f(x) + ε·J t        ε² = 0

    with dual_level():
        y = f(make_dual(x, t))
        primal, tangent = unpack_dual(y)     # f(x), J t

Nothing is recorded for it: an op that meets a dual is run as always, and then its rules give the tangent of the result
(`func/forward.py`). So it also goes through `no_grad`, and what is not needed any more is freed. `func.jvp` does the
same for a function. (Wengert 1964; Griewank and Walther, Evaluating Derivatives, chapter 3.)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..engine.call import Op
from ..engine.inplace import change
from ..engine.modes import Setting, mode
from ..engine.node import Node
from ..engine.tensor import Tensor
from ..func.forward import push
from ..func.interpreter import Interpreter, again, tensors_in
from ..func.reverse import like
from ..ops.index import setitem
from ..ops.shape import view_as
from ..pytorch.absent import explains

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A dual tensor in its parts; the tangent is None where there is none."""

    primal: Tensor
    tangent: Tensor | None


class Duals(Interpreter):
    """A level at which tensors have tangents: runs ops, and moves the tangents along."""

    def __init__(self) -> None:
        super().__init__()
        self.before = mode.tracer
        # By id, each for as long as it is there. A walk back through the graph makes tensors anew of what was saved:
        # they are known by their nodes.
        self.held: dict[int, tuple[weakref.ref, Tensor | None]] = {}
        self.nodes: dict[int, tuple[weakref.ref, Tensor | None]] = {}

    def tangent(self, t: Any) -> Tensor | None:
        """How t moves; None where it does not. A view moves as its base does."""
        if not isinstance(t, Tensor):
            return None
        known = self.held.get(id(t))
        if known is not None:
            return known[1]
        if t._view is not None:
            of_base = self.tangent(t._view.base)
            return of_base if of_base is None else t._view.replay(of_base)
        known = self.nodes.get(id(t._node))
        return known[1] if known is not None else None

    def let(self, t: Tensor, tangent: Tensor | None) -> None:
        """Let t move so."""
        self.held[id(t)] = weakref.ref(t, partial(self.held.pop, id(t))), tangent
        if tangent is not None:
            self._let_node(t._node, tangent)

    def _let_node(self, node: Node | None, tangent: Tensor | None) -> None:
        if node is not None:
            self.nodes[id(node)] = weakref.ref(node, partial(self.nodes.pop, id(node))), tangent

    def run(self, op: Any, args: Sequence) -> Any:
        tangents = [self.tangent(a) for a in args]
        if all(t is None for t in tangents):
            return again(op, args)
        if not isinstance(op, Op):
            return self.function(op, args, tangents)
        out = again(op, args)
        results = out if isinstance(out, tuple) else (out,)
        if op.view and all(isinstance(t, Tensor) and t._view is not None for t in results):
            for t in results:
                self._let_node(t._node, self.tangent(t))
            return out
        if any(isinstance(t, Tensor) and t._array.dtype.kind == "f" for t in results):
            mirror, moves = self._apart(args, tangents)
            seen = Setting(grad=True).during(again, op, mirror)
            self._move(results, seen if isinstance(seen, tuple) else (seen,), moves)
        return out

    def function(self, function: Any, args: Sequence, tangents: Sequence) -> Any:
        """A Function, which runs once, and may be told how it moves by its `jvp`."""
        mirror, moves = self._apart(args, tangents)
        seen = Setting(grad=True).during(again, function, mirror)
        kept = mode.grad and any(t.requires_grad for t in tensors_in(args))
        whole = seen if isinstance(seen, tuple) else (seen,)
        results = tuple([t if kept or not isinstance(t, Tensor) else t.detach() for t in whole])
        self._move(results, whole, moves)
        return results if isinstance(seen, tuple) else results[0]

    def _apart(self, args: Sequence, tangents: Sequence) -> tuple[list, dict[Node, Tensor]]:
        """The arguments, where those that move are leaves, or tensors with the same history; how their nodes move."""
        mirror, moves = list(args), {}
        for i, t in enumerate(tangents):
            if t is not None:
                a = args[i]
                if mode.grad and a.requires_grad:
                    mirror[i] = view_as(a, a)
                else:
                    mirror[i] = a.detach()
                    mirror[i].requires_grad = True
                moves[mirror[i].accumulator()] = t
        return mirror, moves

    def _move(self, results: Sequence, seen: Sequence, moves: dict[Node, Tensor]) -> None:
        """Let the results move as they do that were recorded."""
        graph = mode.grad and any(t.requires_grad for t in (*moves.values(), *results) if isinstance(t, Tensor))
        pairs = [(t, s) for t, s in zip(results, seen, strict=True) if isinstance(s, Tensor) and s.requires_grad]
        for (t, _), moved in zip(pairs, push([s.accumulator() for _, s in pairs], moves, graph), strict=True):
            self.let(t, like(np.zeros, t) if moved is None else moved if graph else moved.detach())

    def changing(self, t: Tensor, name: str, make: Callable) -> Any:
        made: list = []

        def remade(_: Tensor) -> Any:
            made.append(self.during(make, t))
            return made[0]

        self.outside(change, t, name, remade)
        self.outside(self._changed, t, self.tangent(made[0]))
        return t

    def _changed(self, t: Tensor, tangent: Tensor | None) -> None:
        """t became what moves so; if it is a view, a part of its base did."""
        view = t._view
        if view is None or id(t) in self.held:
            if tangent is not None or self.tangent(t) is not None:
                self.let(t, like(np.zeros, t) if tangent is None else tangent)
            return
        base, of_base = view.base, self.tangent(view.base)
        if tangent is None and of_base is None:
            return
        places = np.arange(base._array.size).reshape(base._array.shape)
        index = np.unravel_index(view.replay(places), base._array.shape) if base._array.ndim else ...
        whole = like(np.zeros, base) if of_base is None else of_base
        self.let(base, setitem(whole, like(np.zeros, t) if tangent is None else tangent, index))


def _level() -> Duals | None:
    level = mode.tracer
    while isinstance(level, Interpreter) and not isinstance(level, Duals):
        level = level.outer
    return level if isinstance(level, Duals) else None


def enter_dual_level() -> int:
    """Begin a level at which tensors have tangents; `exit_dual_level` ends it. RuntimeError within another one."""
    if _level() is not None:
        raise RuntimeError("enter_dual_level: nested forward mode AD is not supported; use func.jvp, which nests")
    mode.tracer = Duals()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its tangents are gone. RuntimeError where there is none."""
    if not isinstance(mode.tracer, Duals) or level not in (None, 0):
        raise RuntimeError("exit_dual_level: there is no such forward AD level that was the last to be entered")
    mode.tracer = mode.tracer.before


@contextmanager
def dual_level() -> Iterator[int]:
    """A level at which tensors have tangents, for a `with` block.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.autograd import forward_ad
    >>> x, t = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0])
    >>> with forward_ad.dual_level():
    ...     y = forward_ad.make_dual(x, t) ** 2
    ...     forward_ad.unpack_dual(y).tangent.tolist()
    [2.0, 40.0]
    """
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """The dual tensor + ε·tangent, on the memory of `tensor`.

    RuntimeError outside of a level, for a tangent of another shape, and for what has one; ValueError for integers.
    """
    duals = _level()
    if duals is None:
        raise RuntimeError("make_dual: there is no forward AD level; enter one: with forward_ad.dual_level(): ...")
    for what, t in (("primal", tensor), ("tangent", tangent)):
        if t.dtype.kind != "f":
            raise ValueError(f"make_dual: expected the {what} to be floating point, got {t.dtype}")
    if tensor._array.shape != tangent._array.shape:
        raise RuntimeError(
            f"make_dual: a tangent of shape {tangent._array.shape} for a tensor of shape {tensor._array.shape}"
        )
    if duals.tangent(tensor) is not None:
        raise RuntimeError("make_dual: the tensor has a tangent at this level; unpack it first")
    out = _same(duals, tensor)
    duals.let(out, tangent)
    return out


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """(primal, tangent) of a tensor; the primal is it without its tangent, which is None where there is none."""
    duals = _level()
    if duals is None:
        return UnpackedDualTensor(tensor, None)
    tangent = duals.tangent(tensor)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    primal = _same(duals, tensor)
    duals.let(primal, None)
    return UnpackedDualTensor(primal, tangent)


def _same(duals: Duals, t: Tensor) -> Tensor:
    """The same memory and history, as a tensor of its own."""
    out = duals.outside(view_as, t, t)
    out._view = None
    return out


explains(__name__)
