"""How the backward hooks of a Module see gradients: its inputs and outputs pass through an identity.

    inputs -> [identity] -> forward -> [identity] -> outputs
                  ^ grad_input              ^ grad_output: pre-hooks, then kept

On the way back the second identity meets the gradients first. When they have reached the first one,
both are known, and the full backward hooks are called. Where no input needs a gradient, the second
identity is the end of the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..autograd import Function
from ..engine.modes import mode
from ..engine.tensor import Tensor


class Hook(NamedTuple):
    """A forward hook, and how it wants to be called."""

    function: Callable
    with_kwargs: bool = False
    always_call: bool = False

    def __call__(self, module: Any, args: tuple, kwargs: dict, *output: Any) -> Any:
        if self.with_kwargs:
            return self.function(module, args, kwargs, *output)
        return self.function(module, args, *output)


class _Watched(Function):
    """Tensors as they are; on the way back `meet(gradients)` sees, and may replace, their gradients."""

    @staticmethod
    def forward(ctx: Any, meet: Callable, *tensors: Tensor) -> tuple:
        ctx.meet = meet
        same = tuple(t.detach() for t in tensors)
        ctx.mark_non_differentiable(*(s for s, t in zip(same, tensors, strict=True) if not t.requires_grad))
        return same

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple:
        return (None, *ctx.meet(gradients))


class BackwardWatch:
    """The backward hooks of one call of a module."""

    def __init__(self, module: Any):
        self.module = module
        self.before = list(module._backward_pre_hooks.values())
        self.hooks = list(module._backward_hooks.values())
        self.n_inputs = 0
        self.inputs_watched = False
        self.grad_output: tuple | None = None

    def inputs(self, args: tuple) -> tuple:
        self.n_inputs = len(args)
        args, self.inputs_watched = self._watch(args, self._meet_inputs, self.hooks)
        return args

    def outputs(self, result: Any) -> Any:
        several = isinstance(result, tuple)
        watched, _ = self._watch(result if several else (result,), self._meet_outputs, self.before)
        return watched if several else watched[0]

    def _watch(self, values: tuple, meet: Callable, hooks: list[Callable]) -> tuple[tuple, bool]:
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not mode.grad or not any(values[i].requires_grad for i in places):
            return values, False

        def spread(gradients: tuple) -> list:
            """Among the values that are no Tensors, as the hooks see them, and back."""
            seen: list = [None] * len(values)
            for i, g in zip(places, gradients, strict=True):
                seen[i] = g
            seen = meet(tuple(seen))
            return [seen[i] for i in places]

        spread.hooks = hooks  # type: ignore[attr-defined]  # for whoever asks why a gradient ends here

        watched = list(values)
        for i, t in zip(places, _Watched.apply(spread, *(values[i] for i in places)), strict=True):
            watched[i] = t
        return tuple(watched), True

    def _meet_outputs(self, grad_output: tuple) -> tuple:
        for hook in self.before:
            grad_output = self._replaced(grad_output, hook(self.module, grad_output), "backward pre-hook")
        self.grad_output = grad_output
        if not self.inputs_watched:
            self._meet_inputs((None,) * self.n_inputs)
        return grad_output

    def _meet_inputs(self, grad_input: tuple) -> tuple:
        grad_output, self.grad_output = self.grad_output, None
        if grad_output is None:  # these gradients did not come through the module's output
            return grad_input
        for hook in self.hooks:
            given = hook(self.module, grad_input, grad_output)
            if given is not None and not self.inputs_watched and any(g is not None for g in _as_tuple(given)):
                raise RuntimeError(
                    f"backward hook of {type(self.module).__name__}: it returned a grad_input, but no input of the "
                    "module requires a gradient; return None"
                )
            grad_input = self._replaced(grad_input, given, "backward hook")
        return grad_input

    def _replaced(self, gradients: tuple, given: Any, what: str) -> tuple:
        if given is None:
            return gradients
        given = _as_tuple(given)
        if len(given) != len(gradients):
            raise RuntimeError(
                f"{what} of {type(self.module).__name__}: returned {len(given)} gradients, there are {len(gradients)}; "
                "return one for each, or None to change nothing"
            )
        return given


def _as_tuple(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)
