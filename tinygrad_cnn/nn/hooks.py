"""The hooks of a Module: what is called before and after its forward, its backward and the saving of its state.

Each kind is a dict of the module; those for all modules are in `EVERYWHERE`, and are called first. How backward hooks
see gradients: the inputs and outputs of the module pass through an identity.

    inputs -> [identity] -> forward -> [identity] -> outputs
                  ^ grad_input              ^ grad_output: pre-hooks, then kept

On the way back the second identity meets the gradients first. When they have reached the first one,
both are known, and the full backward hooks are called. Where no input needs a gradient, the second
identity is the end of the way.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from ..autograd import Function
from ..engine.modes import mode
from ..engine.node import Handle
from ..engine.tensor import Tensor

OF_CALLS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
OF_STATE = ("_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks")
# For all modules, each with its kind.
EVERYWHERE: OrderedDict[int, tuple[Callable, str]] = OrderedDict()


class Hook(NamedTuple):
    """A forward hook, and how it wants to be called; one that wants nothing is kept as it is."""

    function: Callable
    with_kwargs: bool = False
    always_call: bool = False

    def __call__(self, module: Any, args: tuple, kwargs: dict, *output: Any) -> Any:
        if self.with_kwargs:
            return self.function(module, args, kwargs, *output)
        return self.function(module, args, *output)


def as_hook(hook: Any) -> Hook:
    """A forward hook as it was kept, with how it wants to be called."""
    return hook if isinstance(hook, Hook) else Hook(hook)


def kept(hook: Hook) -> Any:
    """A forward hook as it is kept, so that who looks into the dict meets the function that was registered."""
    return hook if hook.with_kwargs or hook.always_call else hook.function


def hooks_of(module: Any, kind: str) -> list[Any]:
    """The hooks of one kind that a call meets, in order."""
    return [*(hook for hook, of in EVERYWHERE.values() if of == kind), *getattr(module, kind).values()]


class Hooked:
    """A module as far as it has hooks."""

    _forward_pre_hooks: OrderedDict
    _forward_hooks: OrderedDict
    _backward_pre_hooks: OrderedDict
    _backward_hooks: OrderedDict
    _state_dict_pre_hooks: OrderedDict
    _state_dict_hooks: OrderedDict
    _load_state_dict_pre_hooks: OrderedDict
    _load_state_dict_post_hooks: OrderedDict
    forward: Callable

    def _call_with_hooks(self, args: tuple, kwargs: dict) -> Any:
        for hook in map(as_hook, hooks_of(self, "_forward_pre_hooks")):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not hook.with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(
                    f"forward pre-hook of {type(self).__name__}: with with_kwargs=True it must return None or a tuple "
                    f"(args, kwargs), got {changed!r}"
                )
        watch = BackwardWatch(self)
        if watch.before or watch.hooks:
            args = watch.inputs(args)
        waiting = [as_hook(hook) for hook in hooks_of(self, "_forward_hooks")]
        result = None
        try:
            result = self.forward(*args, **kwargs)
            while waiting:
                changed = waiting.pop(0)(self, args, kwargs, result)
                if changed is not None:
                    result = changed
        except Exception:
            for hook in waiting:
                if hook.always_call:
                    self._call_anyway(hook, args, kwargs, result)
            raise
        return watch.outputs(result) if watch.before or watch.hooks else result

    def _call_anyway(self, hook: Hook, args: tuple, kwargs: dict, result: Any) -> None:
        try:
            hook(self, args, kwargs, result)
        except Exception as error:
            warnings.warn(
                f"a forward hook with always_call=True of {type(self).__name__} raised {error!r}, which is passed over "
                "because another error was raised before it",
                stacklevel=4,
            )

    def register_forward_pre_hook(self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call `hook(module, args)` before forward; what it returns replaces args.

        with_kwargs: call `hook(module, args, kwargs)`, which returns None or (args, kwargs).
        prepend: before the hooks that are there already.
        """
        return register(self._forward_pre_hooks, kept(Hook(hook, with_kwargs)), prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Handle:
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        with_kwargs: call `hook(module, args, kwargs, output)`. always_call: also when forward raised. An output that
        the hook keeps is kept with its graph, which holds the modules that made it: keep `output.detach()`.
        """
        return register(self._forward_hooks, kept(Hook(hook, with_kwargs, always_call)), prepend)

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are known; it may replace them."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the positional inputs are known.

        What it returns replaces grad_input. Both are tuples, None where there is no gradient.
        """
        return register(self._backward_hooks, hook, prepend)

    register_backward_hook = register_full_backward_hook

    def register_state_dict_pre_hook(self, hook: Callable) -> Handle:
        """Call `hook(module, prefix, keep_vars)` before the state of the module is put into a dict."""
        return register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable) -> Handle:
        """Call `hook(module, state_dict, prefix, local_metadata)` when the module's state is in the dict.

        It may change the dict; RuntimeError if it returns another one.
        """
        return register(self._state_dict_hooks, (hook, True))

    def _register_state_dict_hook(self, hook: Callable) -> Handle:
        """As `register_state_dict_post_hook`, but what it returns takes the place of the dict."""
        return register(self._state_dict_hooks, (hook, False))

    def register_load_state_dict_pre_hook(self, hook: Callable) -> Handle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`.

        It is called before the module loads its own part, and may change all that it is given.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Callable, with_module: bool = False) -> Handle:
        """As `register_load_state_dict_pre_hook`, without the module as first argument."""
        return register(self._load_state_dict_pre_hooks, (hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable) -> Handle:
        """Call `hook(module, incompatible_keys)` when the module and those in it have loaded their state.

        It may change both lists of keys, which say afterwards whether the state fits.
        """
        return register(self._load_state_dict_post_hooks, hook)


def register(hooks: OrderedDict, hook: Any, prepend: bool = False) -> Handle:
    """Put a hook, or a tuple that begins with one, into a dict of hooks."""
    function = hook
    while isinstance(function, tuple):
        function = function[0]
    if not callable(function):
        raise TypeError(f"a hook of a Module must be callable, got {type(function).__name__}")
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook: Callable) -> Handle:
    """Call `hook(module, args)` before the forward of every module; what it returns replaces args."""
    return register(EVERYWHERE, (hook, "_forward_pre_hooks"))


def register_module_forward_hook(hook: Callable, *, with_kwargs: bool = False, always_call: bool = False) -> Handle:
    """Call `hook(module, args, output)` after the forward of every module; what it returns replaces the output.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.nn.hooks import register_module_forward_hook
    >>> with register_module_forward_hook(lambda module, args, output: print(type(module).__name__)):
    ...     out = tg.nn.Sequential(tg.nn.ReLU(), tg.nn.Tanh())(tg.ones(1))
    ReLU
    Tanh
    Sequential
    """
    return register(EVERYWHERE, (Hook(hook, with_kwargs, always_call), "_forward_hooks"))


def register_module_full_backward_pre_hook(hook: Callable) -> Handle:
    """Call `hook(module, grad_output)` of every module when the gradients of its outputs are known."""
    return register(EVERYWHERE, (hook, "_backward_pre_hooks"))


def register_module_full_backward_hook(hook: Callable) -> Handle:
    """Call `hook(module, grad_input, grad_output)` of every module when the gradients of its inputs are known."""
    return register(EVERYWHERE, (hook, "_backward_hooks"))


register_module_backward_hook = register_module_full_backward_hook


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
        self.before = hooks_of(module, "_backward_pre_hooks")
        self.hooks = hooks_of(module, "_backward_hooks")
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
