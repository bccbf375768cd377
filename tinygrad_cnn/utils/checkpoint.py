"""Less memory for more time: a part of a network keeps nothing for backward, and is computed again when it is needed.

    h = checkpoint(block, x, use_reentrant=False)

Of `block` only its input is kept. When backward comes to the first node of it, the block runs once more, with the same
random numbers, and what its nodes would have saved is there until backward has freed them. So the peak of memory is
what one block saves and not what all do, for one more forward pass.

`use_reentrant=True` does it as a whole: the block is one node, whose backward runs it with a graph of its own, and that
graph's backward. It is PyTorch's older way, and has its limits: an input must require a gradient, and there is no
second derivative.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import autograd
from ..autograd.graph import saved_tensors_hooks
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..pytorch.absent import explains
from ..random import default_generator

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_early_stop",
    "set_device_states",
]


class CheckpointError(RuntimeError):
    """What a part saved when it ran again is not what it saved before."""


class _Enough(Exception):
    """All that was asked for is there."""


_early_stop = True


def noop_context_fn() -> tuple[Any, Any]:
    """Two blocks that do nothing: the first is around the run, the second around the one that repeats it."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether what runs again ends where all that was asked for is there, or at its own end."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


def checkpoint(
    function: Callable, *args: Any, use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default",
    debug: bool = False, early_stop: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """function(*args, **kwargs), which saves nothing for backward and runs again when its gradients are needed

    Say `use_reentrant=False`: without a word it is True, as in PyTorch, with a warning. `preserve_rng_state=False` lets
    what runs again draw other random numbers. determinism_check: "none" for no comparison of what was saved.
    ValueError for other keywords where use_reentrant is True, and where determinism_check is another word;
    CheckpointError, in backward, where the second run saves other shapes than the first.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.utils.checkpoint import checkpoint
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).sum().backward()
    >>> x.grad.allclose(2 * x * (x * x).exp())
    True
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; it is True for now. "
            "use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of 'default', 'none', but got {determinism_check!r}")
    before, again = context_fn()
    part = _Part(function, args, kwargs, preserve, again, determinism_check == "default", early_stop)
    with before, saved_tensors_hooks(part.note, part.fetch):
        return function(*args, **kwargs)


class _Part:
    """One run of a function: how to repeat it, what it saved by number, and what of that is there."""

    def __init__(
        self, function: Callable, args: tuple, kwargs: dict, preserve: bool, context: Any, compares: bool, early: bool
    ):
        self.function, self.args, self.kwargs, self.context = function, args, kwargs, context
        self.random = _random() if preserve else None
        self.compares, self.early = compares, early
        self.saved: list[tuple] = []  # shape and dtype
        self.there: dict[int, Tensor] = {}

    def note(self, t: Tensor) -> int:
        self.saved.append((t.shape, t.dtype))
        return len(self.saved) - 1

    def fetch(self, number: int) -> Tensor:
        if number not in self.there:
            self.run_again()
        return self.there[number]

    def run_again(self) -> None:
        found: list[Tensor] = []

        def keep(t: Tensor) -> int:
            found.append(t.detach())
            if len(found) == len(self.saved) and self.early and _early_stop:
                raise _Enough
            return len(found) - 1

        around = (_randomness(self.random), autograd.enable_grad(), self.context)
        with contextlib.ExitStack() as stack:
            for block in (contextlib.suppress(_Enough), *around, saved_tensors_hooks(keep, found.__getitem__)):
                stack.enter_context(block)
            self.function(*detach_variable(self.args), **self.kwargs)
        kinds = [(t.shape, t.dtype) for t in found]
        if len(kinds) < len(self.saved) or (self.compares and kinds != self.saved):
            raise CheckpointError(
                "checkpoint: what is computed again must be what was computed first, but it saved "
                f"{len(kinds)} tensors {_shown(kinds)}, and before {len(self.saved)} {_shown(self.saved)}; "
                "does it depend on something that has changed?"
            )
        self.there = dict(enumerate(found))


def _shown(kinds: list[tuple]) -> str:
    return ", ".join(f"{dtype} {tuple(shape)}" for shape, dtype in kinds[:4]) + (" ..." if len(kinds) > 4 else "")


def _random() -> Any:
    return default_generator.get_state()


@contextlib.contextmanager
def _randomness(state: Any) -> Iterator[None]:
    """A block that draws the random numbers which follow this state, and leaves those of the program as they were."""
    if state is None:
        yield
        return
    before = _random()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The devices of these tensors but the CPU, and the states of their random numbers: there are none."""
    return [], []


def set_device_states(devices: Sequence[int], states: Sequence[Any], *, device_type: str | None = None) -> None:
    """Set the states that get_device_states has given: there are none."""


def detach_variable(inputs: tuple) -> tuple:
    """The same tensors as leaves, which require a gradient where those do; what is no tensor as it is."""
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Sequence[Any]) -> None:
    """Warn where no input requires a gradient: then there is none of what the function holds either."""
    if not any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class CheckpointFunction(Function):
    """A function as one node, whose backward runs it again with a graph."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable, preserve_rng_state: bool, *args: Any) -> Any:  # type: ignore[override]
        check_backward_validity(args)
        ctx.run, ctx.args = run_function, args
        ctx.random = _random() if preserve_rng_state else None
        ctx.tensors = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.tensors])
        ctx.args = [None if isinstance(x, Tensor) else x for x in args]
        with autograd.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # type: ignore[override]
        inputs = list(ctx.args)
        for i, x in zip(ctx.tensors, ctx.saved_tensors):
            inputs[i] = x
        leaves = detach_variable(tuple(inputs))
        with _randomness(ctx.random), autograd.enable_grad():
            outputs = ctx.run(*leaves)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        autograd.backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, *(x.grad if isinstance(x, Tensor) else None for x in leaves)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A Sequential, or a list of modules, in so many parts of equal length, each but the last as by `checkpoint`

    ValueError for keywords other than preserve_rng_state.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.utils.checkpoint import checkpoint_sequential
    >>> net = tg.nn.Sequential(*[tg.nn.Linear(3, 3) for _ in range(6)])
    >>> y = checkpoint_sequential(net, 3, tg.ones(2, 3), use_reentrant=False)
    >>> y.allclose(net(tg.ones(2, 3)))
    True
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: the use_reentrant parameter should be passed explicitly; it is True for now. "
            "use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start: int, end: int) -> Callable:
        def forward(x: Any) -> Any:
            for f in functions[start:end]:
                x = f(x)
            return x

        return forward

    length = len(functions) // segments
    start = 0
    for start in range(0, length * (segments - 1), length):
        input = checkpoint(run(start, start + length), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(length * (segments - 1), len(functions))(input)


explains(__name__)
