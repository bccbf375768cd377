"""L-BFGS: Newton's direction, guessed from the last steps and how the gradient changed over them.

It asks for the loss several times a step, so it takes a closure, and sees all parameters as one vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arrays.quiet import silent
from ..autograd.grad_mode import enable_grad
from ..engine.tensor import Tensor, wrap
from .optimizer import Optimizer, Params

ENOUGH, FLATTER = 1e-4, 0.9  # of Wolfe's conditions: how far the loss must fall, and how flat the line must be


class Point(NamedTuple):
    """A place on the line of a search: how far along it is, the loss there, its gradient, and its slope."""

    t: float
    loss: float
    grad: Any
    slope: float


class LBFGS(Optimizer):
    """p += t·d, d = -H·g, where H is made of the last `history_size` steps and changes of g (Nocedal, 1980).

    step(closure) makes up to max_iter such steps and max_eval (by default 5/4·max_iter) calls of the closure, which
    clears the gradients, computes the loss and its gradients, and returns the loss; so does step, the first of them. It
    ends where no element of g is above tolerance_grad, or where a step or what it gains is below tolerance_change.
    t is lr, at first lr / max(1, Σ|g|); line_search_fn="strong_wolfe" searches it (Nocedal and Wright, 2006, chapter
    3). There can be one group of parameters: ValueError for several.

    >>> import tinygrad_cnn as tg
    >>> w = tg.tensor([-1.0, 2.0], dtype=tg.float64, requires_grad=True)
    >>> opt = tg.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def rosenbrock():
    ...     opt.zero_grad()
    ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> losses = [opt.step(rosenbrock).item() for _ in range(4)]
    >>> [round(x, 4) for x in w.tolist()]
    [1.0, 1.0]
    """

    _of_other_shape = frozenset({"d", "prev_flat_grad", "old_dirs", "old_stps"})

    def __init__(
        self,
        params: Params,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups); give one list of Tensors")

    def check(self, group: dict[str, Any]) -> None:
        self._need(group, "lr", "learning rate")

    @silent
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Make up to max_iter steps. closure: computes the loss and its gradients again, and returns the loss."""
        if not callable(closure):
            raise TypeError(f"LBFGS.step: it needs a closure that returns the loss, got {type(closure).__name__}")
        if self._before:
            closure = self._announced(closure)
        (group,) = self.param_groups
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(f"LBFGS: only 'strong_wolfe' is supported for line_search_fn, got {search!r}")
        lr, tolerance, params = float(group["lr"]), group["tolerance_change"], group["params"]
        state = self.state[params[0]]
        first, loss, grad = self._evaluated(closure, params)
        evals = 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        memory = Memory(state)
        for i in range(group["max_iter"] if abs(grad).max(initial=0) > group["tolerance_grad"] else 0):
            state["n_iter"] += 1
            d = memory.direction(grad, group["history_size"])
            before, memory.grad = loss, grad
            t = lr * min(1.0, float(1 / abs(grad).sum())) if state["n_iter"] == 1 else lr
            slope = grad @ d
            memory.t, memory.loss = t, before
            if slope > -tolerance:
                break
            x, more = [p._array.copy() for p in params], 0
            if search:

                def at(t: float, x: list = x, d: np.ndarray = d) -> Point:
                    self._move(params, x, t, d)
                    _, loss, grad = self._evaluated(closure, params)
                    return Point(t, loss, grad, grad @ d)

                here = Point(0.0, loss, grad, slope)
                found, more = strong_wolfe(at, here, t, abs(d).max(), tolerance, group["max_eval"] - evals)
                t, loss, grad = found[:3]
                self._move(params, x, t, d)
            else:
                self._move(params, x, t, d)
                if i != group["max_iter"] - 1:  # nobody asks for the gradient behind the last step
                    _, loss, grad = self._evaluated(closure, params)
                    more = 1
            memory.t = t
            evals += more
            state["func_evals"] += more
            flat = abs(grad).max(initial=0) <= group["tolerance_grad"]
            if evals >= group["max_eval"] or flat or abs(d * t).max() <= tolerance or abs(loss - before) < tolerance:
                break
        memory.keep(state)
        self._opt_called = True
        self._done(closure)
        return first

    def _evaluated(self, closure: Callable, params: list[Tensor]) -> tuple[Any, float, np.ndarray]:
        """What the closure returns, as it is and as a number, and all gradients as one vector."""
        with enable_grad():
            loss = closure()
        for p in params:
            if p._grad is not None and (p._grad.shape != p.shape or p._grad.dtype != p.dtype):
                self._refuse(p)
        grads = [np.zeros(p.numel(), p.dtype) if p._grad is None else p._grad._array.ravel() for p in params]
        return loss, float(loss), np.concatenate(grads)

    def _move(self, params: list[Tensor], x: list[np.ndarray], t: float, d: np.ndarray) -> None:
        """Put the parameters at x + t·d."""
        done = 0
        for p, start in zip(params, x, strict=True):
            p.version().bump(self._change)
            p._array[...] = start + t * d[done : done + start.size].reshape(start.shape)
            done += start.size


class Memory:
    """The last steps s and changes y of the gradient, the newest last, and where the search stands."""

    def __init__(self, state: dict[str, Any]):
        vector = lambda t: None if t is None else t._array
        self.d: Any = vector(state.get("d"))
        self.grad: Any = vector(state.get("prev_flat_grad"))
        self.t, self.loss = float(state.get("t", 0.0)), state.get("prev_loss")
        self.changes: list[Any] = [vector(y) for y in state.get("old_dirs", [])]
        self.steps: list[Any] = [vector(s) for s in state.get("old_stps", [])]
        self.inverse = [float(r) for r in state.get("ro", [])]  # 1 / (y·s)
        self.scale = float(state.get("H_diag", 1))  # of H before the memory is worked in

    def keep(self, state: dict[str, Any]) -> None:
        """Put it into a state, under PyTorch's names."""
        if self.d is not None:
            state.update(d=wrap(self.d), t=self.t, old_dirs=[*map(wrap, self.changes)])
            state.update(old_stps=[*map(wrap, self.steps)], ro=self.inverse, H_diag=self.scale)
            state.update(prev_flat_grad=wrap(self.grad), prev_loss=self.loss)

    def direction(self, grad: np.ndarray, size: int) -> np.ndarray:
        """-H·grad, by the two loops of Nocedal (1980), when the last step has been taken into memory."""
        if self.d is not None:
            y, s = grad - self.grad, self.d * self.t
            ys = y @ s
            if ys > 1e-10:  # else the curve is not one of a minimum
                for kept, new in ((self.changes, y), (self.steps, s), (self.inverse, float(1 / ys))):
                    if len(kept) == size:
                        del kept[0]
                    kept.append(new)
                self.scale = float(ys / (y @ y))
        d, taken = -grad, []
        for y, s, r in zip(reversed(self.changes), reversed(self.steps), reversed(self.inverse), strict=True):
            taken.append(s @ d * r)
            d = d - taken[-1] * y
        d = d * self.scale
        for y, s, r in zip(self.changes, self.steps, self.inverse, strict=True):
            d = d + (taken.pop() - y @ d * r) * s
        self.d = d
        return d


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, tries: int
) -> tuple[Point, int]:
    """A point on a line that is low and flat enough by Wolfe's conditions, and how many points were looked at.

    start: where the line begins; t: where to look first; longest: the largest element of a step of t = 1; tolerance:
    how small a step may be. It goes on until two points have one between them, and then narrows them.
    """
    too_high = lambda p: p.loss > start.loss + ENOUGH * p.t * start.slope
    flat = lambda p: abs(p.slope) <= -FLATTER * start.slope
    before, here, tried = start, at(t), 0
    while tried < tries:
        if too_high(here) or (tried > 1 and here.loss >= before.loss):
            break
        if flat(here):
            return here, tried + 1
        if here.slope >= 0:
            break
        t = cubic(before, here, here.t + 0.01 * (here.t - before.t), here.t * 10)
        before, here = here, at(t)
        tried += 1
    ends = [start if tried == tries else before, here]
    low = 0 if ends[0].loss <= ends[1].loss else 1
    at_the_border = False  # whether the last cubic had its minimum there
    while tried < tries and abs(ends[1].t - ends[0].t) * longest >= tolerance:
        least, most = sorted(end.t for end in ends)
        t, border = cubic(ends[0], ends[1], least, most), 0.1 * (most - least)
        near = min(most - t, t - least) < border
        if near and (at_the_border or t >= most or t <= least):
            t, near = most - border if abs(t - most) < abs(t - least) else least + border, False
        at_the_border = near
        new = at(t)
        tried += 1
        if too_high(new) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        done = flat(new)
        if not done and new.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
        if done:
            break
    return ends[low], tried + 1


def cubic(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic with the losses and slopes of two points has its minimum, within bounds; else their middle."""
    if a.t == b.t:
        return (least + most) / 2
    if a.t > b.t:
        a, b = b, a
    bend = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = math.sqrt(square)
    return min(max(b.t - (b.t - a.t) * ((b.slope + root - bend) / (b.slope - a.slope + 2 * root)), least), most)
