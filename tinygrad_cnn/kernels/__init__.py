"""The stack of kernels: for each name the readable reference below, faster versions on top.

A kernel takes arrays and plain numbers and returns arrays; it knows nothing of Tensors. Callers write

    from ..kernels import kernel
    kernel.conv2d(input, weight, bias, stride, padding, dilation, groups)

and never ask which version runs: the last registered one whose guard accepts the arguments. A name
without a fast version is the reference function itself, at no cost.

Fast versions need Numba, whose import costs more than NumPy's. So calls with small arrays alone are left to the
reference, always, since the digits of a result are not to depend on what ran before; and a topic of `fast/` is
imported when one of its kernels is first called with more. Where Numba is not installed, or is told not to compile
(NUMBA_DISABLE_JIT), the reference stays; where it fails, a warning says so.

    TINYGRAD_CNN_KERNELS=reference      in the environment: readable kernels only
    with only_reference(): ...          the same for a block of code
    status()                            which kernels run, and why
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import threads
from .once import lock, undisturbed

# topic, a file of fast/: the kernels it has a faster version of
TOPICS = {
    "conv": ("conv2d", "conv2d_input", "conv2d_weight", "conv2d_relu"),
    "elementwise": ("relu", "relu_mask"),
    "layout": ("contiguous",),
    "linear": ("matmul", "linear", "linear_relu"),
    "norm": ("batch_norm", "batch_norm_backward", "batch_norm_relu", "batch_norm_relu_backward", "channel_sums"),
    "optim": ("sgd", "adam"),
    "pool": ("max_pool2d", "max_pool2d_place", "sum_pool2d", "sum_pool2d_spread"),
    "softmax": ("cross_entropy", "cross_entropy_backward"),
}
SMALL = 512  # numbers; with fewer in every array, a call is not worth importing Numba


class Unusable(RuntimeError):
    """A faster version cannot run on this machine; the reference does its work."""


class Unwanted(Unusable):
    """A faster version is not to run, which nobody needs to be told."""


class Kernels(SimpleNamespace):
    """The kernels by name, as they are to be called now."""

    def __getattr__(self, name: str) -> Callable:
        raise AttributeError(f"there is no kernel {name!r}; the kernels are {', '.join(sorted(vars(self)))}")


kernel = Kernels()
_reference: dict[str, Callable] = {}
_faster: dict[str, list[tuple[Callable | None, Callable]]] = {}
_wishes: list[only_reference] = []  # the innermost block is the last
_waiting = {name: topic for topic, names in TOPICS.items() for name in names}  # not imported so far
_failure = ""


def reference(f: Callable) -> Callable:
    """Register the readable version of a kernel, the law for every faster one."""
    _reference[f.__name__] = f
    _faster.setdefault(f.__name__, [])
    _choose(f.__name__)
    return f


def faster(when: Callable | None = None) -> Callable[[Callable], Callable]:
    """Register a faster version of the kernel of the same name and signature.

    `when(*arguments)` says whether it takes these arguments; without it, it takes all.
    """

    def register(f: Callable) -> Callable:
        name = f.__name__
        if name not in _reference:
            raise TypeError(f"kernel {name!r} has no reference version; write that first")
        mine, law = _parameters(f), _parameters(_reference[name])
        if mine != law:
            raise TypeError(f"kernel {name!r} takes {mine}, but its reference takes {law}; they must be equal")
        if when is not None and len(_parameters(when)) != len(law) and "args" not in _parameters(when):
            raise TypeError(f"the guard of kernel {name!r} takes {_parameters(when)}, the kernel takes {law}")
        _faster[name].append((when, f))
        _choose(name)
        return f

    return register


def _parameters(f: Callable) -> list[str]:
    return list(inspect.signature(f).parameters)


def _choose(name: str) -> None:
    """Put under `kernel.<name>` what is to run: the reference, or a chooser over the whole stack."""
    law, stack, topic = _reference[name], _faster[name][::-1], _waiting.get(name)
    if not (stack or topic):
        chosen = law
    elif topic:

        def chosen(*args):
            if _are_small(args) or (_wishes and _reference_is_wished()):
                return law(*args)
            _import(topic)
            return getattr(kernel, name)(*args)

    else:

        def chosen(*args):
            if _are_small(args) or (_wishes and _reference_is_wished()):
                return law(*args)
            for when, version in stack:
                if when is None or when(*args):
                    try:
                        return version(*args)
                    except Unusable as why:
                        _give_up(why)
            return law(*args)

    chosen.__name__ = name
    setattr(kernel, name, chosen)


def _are_small(args: tuple) -> bool:
    """Whether each array among the arguments is small, the arrays of a list taken together."""
    found = False
    for a in args:
        if isinstance(a, np.ndarray):
            found = True
            if a.size >= SMALL:
                return False
        elif isinstance(a, list):
            found = True
            if sum(x.size for x in a if x is not None) >= SMALL:
                return False
    return found


def _import(topic: str) -> None:
    """Register the faster versions of one topic, or give all of them up where Numba is not there or not good."""
    undisturbed(_import_now, topic)


def _import_now(topic: str) -> None:
    if topic not in _waiting.values():  # another thread has imported it
        return
    before = set(sys.modules)
    try:
        import_module(f"{__name__}.fast.{topic}")
    except BaseException as why:  # an import of Numba may fail in any way; the reference needs nothing of it
        _forget_import(before)
        if isinstance(why, MemoryError) or not isinstance(why, Exception):  # the next call tries again
            raise
        _give_up(why)
    for name in TOPICS[topic]:
        _waiting.pop(name, None)
        _choose(name)


def _forget_import(before: set[str]) -> None:
    """Undo an import that was broken off: halves of packages do not fit together with what is imported anew."""
    fast = f"{__name__}.fast"
    for name in set(sys.modules) - before:
        if name.startswith(fast) or (name.partition(".")[0] in ("numba", "llvmlite") and "numba" not in before):
            del sys.modules[name]
    for versions in _faster.values():
        versions[:] = [v for v in versions if v[1].__module__ in sys.modules or not v[1].__module__.startswith(fast)]


def _give_up(why: Exception) -> None:
    """Run on the reference from now on."""
    global _failure
    with lock:
        _failure = f"{type(why).__name__}: {why}"
        _waiting.clear()
        for name in _reference:
            _faster[name].clear()
            _choose(name)
    if not (isinstance(why, Unwanted) or (isinstance(why, ModuleNotFoundError) and why.name == "numba")):
        warnings.warn(
            f"the fast kernels cannot run, the NumPy kernels do their work: {_failure}", RuntimeWarning, stacklevel=2
        )


class only_reference(ContextDecorator):
    """Run the block, or the decorated function, on the readable kernels alone.

    >>> with only_reference():
    ...     pass  # everything in here runs on NumPy
    """

    def __init__(self, flag: bool = True):
        self.flag = flag

    def __enter__(self) -> None:
        wishes = _wishes
        wishes += [self]  # one instruction and no call: no interrupt comes between it and the block

    def __exit__(self, *exc: object) -> None:
        _wishes.remove(self)


def _reference_is_wished() -> bool:
    return any(wish.flag for wish in _wishes[-1:])


def stack(name: str) -> list[Callable]:
    """Every version of a kernel, the reference first."""
    _import_all()
    return [_reference[name], *(f for _, f in _faster[name])]


def guards(name: str) -> list[Callable | None]:
    """The guards of the faster versions, in the order of `stack(name)[1:]`."""
    _import_all()
    return [when for when, _ in _faster[name]]


def names() -> list[str]:
    """The names of all kernels."""
    return sorted(_reference)


def warmup() -> None:
    """Compile all fast kernels now, or load them where that has been done before."""
    _import_all()
    if not _failure:
        try:
            import_module(f"{__name__}.fast.compiled").warmup()
        except Unusable as why:
            _give_up(why)


def status() -> dict[str, Any]:
    """Which kernels run and why, with what they run on; imports Numba to find out."""
    found = {"kernels": "reference", "threads": threads.get_num_threads()}
    if _reference_is_wished():
        return {**found, "why": "asked for by TINYGRAD_CNN_KERNELS=reference or only_reference()"}
    _import_all()
    if _failure:
        return {**found, "why": _failure}
    more = import_module(f"{__name__}.fast.compiled").status()
    return {**found, "kernels": "fast", "why": "Numba is installed", **more}


def _import_all() -> None:
    for topic in sorted(set(_waiting.values())):
        _import(topic)


if os.environ.get("TINYGRAD_CNN_KERNELS", "").strip().lower() == "reference":
    only_reference().__enter__()

_decorator = reference
import_module(".reference", __name__)
reference = _decorator  # loading a room puts the module under the decorator's name
