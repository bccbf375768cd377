"""The stack of kernels: for each name the readable reference below, faster versions on top.

A kernel takes arrays and plain numbers and returns arrays; it knows nothing of Tensors. Callers write

    from ..kernels import kernel
    kernel.conv2d(input, weight, bias, stride, padding, dilation, groups)

and never ask which version runs: the last registered one whose guard accepts the arguments. A name
without a fast version is the reference function itself, at no cost.

    TINYGRAD_CNN_KERNELS=reference      in the environment: readable kernels only
    with only_reference(): ...          the same for a block of code
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace


class Kernels(SimpleNamespace):
    """The kernels by name, as they are to be called now."""

    def __getattr__(self, name: str) -> Callable:
        raise AttributeError(f"there is no kernel {name!r}; the kernels are {', '.join(sorted(vars(self)))}")


kernel = Kernels()
_reference: dict[str, Callable] = {}
_faster: dict[str, list[tuple[Callable | None, Callable]]] = {}
_only_reference = False


def reference(f: Callable) -> Callable:
    """Register the readable version of a kernel, the law for every faster one."""
    _reference[f.__name__] = f
    _faster.setdefault(f.__name__, [])
    _choose(f.__name__)
    return f


def fast(when: Callable | None = None) -> Callable[[Callable], Callable]:
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
    law, stack = _reference[name], _faster[name][::-1]
    if _only_reference or not stack:
        chosen = law
    elif stack[0][0] is None:
        chosen = stack[0][1]
    else:

        def chosen(*args):
            for when, version in stack:
                if when is None or when(*args):
                    return version(*args)
            return law(*args)

        chosen.__name__ = name
    setattr(kernel, name, chosen)


@contextmanager
def only_reference(flag: bool = True) -> Iterator[None]:
    """Run the block on the readable kernels alone.

    >>> with only_reference():
    ...     pass  # everything in here runs on NumPy
    """
    global _only_reference
    before, _only_reference = _only_reference, flag
    try:
        for name in _reference:
            _choose(name)
        yield
    finally:
        _only_reference = before
        for name in _reference:
            _choose(name)


def stack(name: str) -> list[Callable]:
    """Every version of a kernel, the reference first."""
    return [_reference[name], *(f for _, f in _faster[name])]


def guards(name: str) -> list[Callable | None]:
    """The guards of the faster versions, in the order of `stack(name)[1:]`."""
    return [when for when, _ in _faster[name]]


def names() -> list[str]:
    """The names of all kernels."""
    return sorted(_reference)


if os.environ.get("TINYGRAD_CNN_KERNELS", "").strip().lower() == "reference":
    _only_reference = True

_decorators = reference, fast
import_module(".reference", __name__)
reference, fast = _decorators  # loading a room puts the module under the decorator's name
