"""What PyTorch's functions take as well, and what is said of arguments that nothing can be made of.

Not every argument is looked at before the work begins: where Python or NumPy stumbles over one, in words that do not
say over which and of what function, `refusal` says so, and `misfit` what the signature expects.
"""

from __future__ import annotations

import operator
import os
import re
import sys
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from functools import cache, wraps
from inspect import Parameter, signature, unwrap
from types import MethodType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from .device import layout
from .lines import PACKAGE, user_level
from .older import scales_by_name
from .types import Array

P = ParamSpec("P")
R = TypeVar("R")

STUMBLING = (AttributeError, LookupError, OverflowError, TypeError, ValueError, ZeroDivisionError)
# What a parameter may be called as well: by NumPy's names, and as PyTorch's overloads and its C++ call it.
ALSO = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other", "input": "A x",
        "split_size": "split_size_or_sections", "sections": "indices_or_sections", "indices": "indices_or_sections",
        "train": "training"}  # fmt: skip
OF_DEVICES = {"layout": (layout, type(None)), "pin_memory": (bool, type(None))}
NUMPY: set[type] = {np.dtype(char).type for char in "?bBhHiIlLqQefd"}
INTEGERS: set[type] = {int, *(t for t in NUMPY if issubclass(t, np.integer))}
SCALARS: set[type] = {int, float, bool, *NUMPY}
PLAIN: frozenset[type] = frozenset(
    [int, float, complex, bool, str, type(None), list, tuple, dict, set, object, np.ndarray, *NUMPY]
)
SEVERAL = ("an int or a tuple of ints", {list, tuple, *INTEGERS})
# By the words of annotations: how they are said, and the types of those of the plain values that they take.
TAKES: dict[str, tuple[str, set[type]]] = {
    "Array": ("a Tensor", {np.ndarray}),
    "Number": ("a number", {complex, *SCALARS}),
    "float": ("a float", SCALARS),
    "int": ("an int", INTEGERS),
    "bool": ("a bool", {bool}),
    "str": ("a str", {str}),
    "dict": ("a dict", {dict}),
    "None": ("None", {type(None)}),
    "DType": ("a dtype", {str}),
    "Sequence[int]": ("a tuple of ints", {list, tuple}),
    "Sequence[Array]": ("a tuple of Tensors", {list, tuple}),
    "Tensor": ("a Tensor", {np.ndarray}),
    **dict.fromkeys(["Axis", "Shape", "Window"], SEVERAL),
}
MISSING = ...  # no argument has this type
NUMBERS = {bool: "__bool__", int: "__index__", float: "__float__", complex: "__float__"}  # what makes one of a thing


class ByExample(RuntimeError):
    """What is raised where a function looks at numbers that differ from example to example, as in `vmap`.

    drawn: it was for random numbers.
    """

    drawn = False

    @staticmethod
    def each(f: Callable, args: tuple, kwargs: dict, error: Exception) -> Any:
        """f example by example, after it failed on a batch; NotImplemented where there is none. Set by who has them."""
        return NotImplemented


def in_pytorch(kwargs: dict, known: Container[str]) -> dict:
    """Keyword arguments by the names that a function knows, where they have others too."""

    def meant(name: str) -> str:
        return name if name in known else next((n for n in ALSO.get(name, "").split() if n in known), name)

    return {meant(name): value for name, value in kwargs.items()}


def without_devices(name: str, kwargs: dict) -> dict:
    """Keyword arguments without those that tell nothing of a tensor on a CPU; a TypeError where they want another."""
    for word, kinds in OF_DEVICES.items():
        if word in kwargs and not isinstance(kwargs[word], kinds):
            raise TypeError(f"{name}: {word} must be {kinds[0].__name__}, not {type(kwargs[word]).__name__}")
    return {word: value for word, value in kwargs.items() if word not in OF_DEVICES}


def forgiving(f: Callable[P, R], tensor: type | None = None) -> Callable[P, R]:
    """A composition of ops as an op is by itself (`engine/op.py`).

    It takes `axis=` for dim, `x=` for input and the like too (`ALSO`), and `layout=` and `pin_memory=` where it takes
    `device=`.
    It says by its own name that it was given what is no tensor, or no number; with `tensor`, the class of tensors, it
    looks before it is called.
    """

    checked = strict_places(f, tensor) if tensor else []

    @wraps(f)
    def g(*args: Any, **kwargs: Any) -> Any:
        try:
            for place, name, types in checked:
                value = args[place] if place < len(args) else kwargs.get(name, MISSING)
                if type(value) in types:
                    look(f, name, value)
            return f(*args, **kwargs)
        except (RuntimeError, *STUMBLING) as error:
            found = ByExample.each(g, args, kwargs, error)
            if found is not NotImplemented:
                return found
            if isinstance(error, RuntimeError):
                raise
            known = signature(f).parameters if isinstance(error, TypeError) and kwargs else {}
            if (named := in_pytorch(kwargs, known)).keys() != kwargs.keys():
                return g(*args, **named)
            if isinstance(error, TypeError) and (now := scales_by_name(f, args)) and not now[1].keys() & kwargs.keys():
                tensors, scales = now
                warnings.warn(
                    f"{f.__name__}: say {', '.join(scales)} by name, behind the tensors", stacklevel=user_level()
                )
                return g(*tensors, **scales, **kwargs)
            if "device" in known and not kwargs.keys().isdisjoint(OF_DEVICES):
                return g(*args, **without_devices(f.__name__, kwargs))
            if (better := refusal(f.__name__, error, args, kwargs, f)) is None:
                raise
            raise better from None

    return g


@cache
def refused(hint: str) -> frozenset[type]:
    """The types of the plain values that a parameter of this annotation does not take; none where it cannot be told.

    >>> float in refused("int | None"), type(None) in refused("int | None"), refused("Any")
    (True, False, frozenset())
    """
    words = _words(hint)
    return PLAIN.difference(*[TAKES[word][1] for word in words]) if TAKES.keys() >= {*words} else frozenset()


def _words(hint: str) -> list[str]:
    return hint.replace("builtins.", "").split(" | ")


def strict_types(parameters: list[str], annotations: dict[str, str]) -> dict[int, frozenset[type]]:
    """By a bit for each parameter of an op that does not take all plain values: the types of those that it does not."""
    found = {1 << i: refused(annotations.get(name, "")) for i, name in enumerate(parameters)}
    return {bit: types for bit, types in found.items() if types}


def strict_places(f: Callable, tensor: type) -> list[tuple[int, str, frozenset[type]]]:
    """The parameters of a function that do not take all values: place, name, the types of those that they do not."""
    whole: Any = unwrap(f)
    code, hints = whole.__code__, whole.__annotations__
    places = [*range(code.co_argcount), *[sys.maxsize] * code.co_kwonlyargcount]  # which are given by name alone
    found = [(i, name, refused(hints.get(name, ""))) for i, name in zip(places, code.co_varnames)]
    return [(i, name, types | {tensor} if np.ndarray in types else types) for i, name, types in found if types]


def look_at(op: Any, values: Sequence) -> None:
    """Raise a TypeError for the first of these values that its parameter of an op does not take."""
    for i, value in enumerate(values):
        if type(value) in op.strict.get(1 << i, ()):
            look(op.forward, op.parameters[i], value)


def look(f: Callable, parameter: str, value: Any) -> None:
    """Raise a TypeError for a value of a type that a parameter does not take; a tensor without axes is a number."""
    whole: Any = unwrap(f)
    words = _words(whole.__annotations__[parameter])
    kinds = "biuf" if {"float", "Number"} & {*words} else "iu" if {"int", "Axis", "Shape", "Window"} & {*words} else ""
    if getattr(value, "ndim", None) == 0 and value.dtype.kind in kinds and type(value) not in NUMPY:
        return
    array, kind = isinstance(value, np.ndarray) or hasattr(value, "requires_grad"), type(value).__name__
    got = _shown(value) if array else kind if "Array" in words else f"{value!r:.60} of type {kind}"
    cure = "; several axes are one tuple, dim=(0, 1)" if parameter == "keepdim" else ""
    expected = " or ".join([TAKES[word][0] for word in words])
    raise TypeError(f"{f.__name__}: {parameter} must be {expected}, got {got}{cure}")


def truth(name: str, parameter: str, value: Any) -> bool:
    """A flag as PyTorch's engine takes it: a bool, or an integer of any kind; a TypeError for everything else."""
    try:
        return bool(operator.index(value))
    except (RuntimeError, TypeError, ValueError):
        raise TypeError(f"{name}: {parameter} must be a bool, got {type(value).__name__}") from None


def names_itself(cls: type) -> None:
    """Let the constructor of a class, if it is of this package, say by the name of the class what it was given."""
    if "__init__" not in vars(cls) or cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        return
    init: Any = vars(cls)["__init__"]

    @wraps(init)
    def g(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except STUMBLING as error:
            outer = next(f for k in type(self).__mro__ if hasattr(f := vars(k).get("__init__"), "__wrapped__"))
            name, whole = type(self).__name__, MethodType(init, self)
            if outer is not g or (better := refusal(name, error, args, kwargs, whole)) is None:
                raise
            raise better from None

    cls.__init__ = g  # type: ignore[misc]


def refusal(
    name: str, error: Exception, args: Sequence, kwargs: Mapping[str, Any], f: Callable | None = None
) -> Exception | None:
    """The same error in words that name the function and what it was given; None for one that names it already.

    f: the function itself, to be asked what it expects. What a function of the user's raised, that was called in it,
    stays as it is.
    """
    said = str(error)
    if name in said or not _of_package(error):
        return None
    wrong = ""
    if f is not None:
        if isinstance(error, AttributeError):
            given = [*args, *kwargs.values()]
            given += [x for a in given if isinstance(a, list | tuple) for x in a]
            if not (error.name and any(error.obj is a for a in given)) or hasattr(error.obj, "requires_grad"):
                return None
            wrong = f"expected a Tensor, got {type(error.obj).__name__}"
        wrong = misfit(f, args, kwargs) or wrong
    if not wrong and re.match(r"[\w.]+: ", said):
        return None
    words = f"{name}: {wrong or said or type(error).__name__}"
    if not wrong:
        words += f"; this is what it was given: {_listed(args, kwargs)}"
    if "broadcast" in said or "truth value" in said:  # NumPy's words for shapes that do not fit
        return RuntimeError(words)
    for kind in (IndexError, KeyError) if wrong else (IndexError, KeyError, ValueError):
        if isinstance(error, kind):
            return kind(words)
    return RuntimeError(words) if isinstance(error, ArithmeticError) else TypeError(words)


def _of_package(error: Exception) -> bool:
    """Whether nobody had a part in it but this package, NumPy and Numba."""
    numba = sys.modules.get("numba", np).__path__[0]
    trace, here = error.__traceback__, (PACKAGE, np.__path__[0], f"numpy{os.sep}", numba)  # the third is how C calls it
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    return trace is None


def misfit(f: Callable, args: Sequence, kwargs: Mapping[str, Any]) -> str:
    """The first argument that is not what the signature of f says, in words; "" where all may be.

    >>> def f(n: int, share: float | None = None): ...
    >>> misfit(f, (3,), {"share": "x"})
    "share must be float | None, got 'x' of type str"
    """
    try:
        whole, hints = signature(f), get_type_hints(f)
        given = whole.bind(*args, **kwargs).arguments
    except (NameError, TypeError):  # a type that checkers alone know, or a call that binds to nothing
        return ""
    for name, value in given.items():
        hint, kind = hints.get(name, Any), whole.parameters[name].kind
        if kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) and not _fits(value, hint):
            plain = isinstance(hint, type) and not get_args(hint)
            expected = re.sub(r"\b(\w+\.)+", "", hint.__name__ if plain else str(hint))
            return f"{name} must be {expected}, got {_shown(value)} of type {type(value).__name__}"
    return ""


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value may be what a hint says, as far as that can be told."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if kind in NUMBERS:  # a tensor may be one
        return hasattr(value, NUMBERS[kind])
    if kind is Any or kind is Array or not isinstance(kind, type):
        return True
    if not isinstance(value, kind) or (isinstance(value, str) and kind is not str):
        return False
    return not (inner and isinstance(value, list | tuple)) or all(any(_fits(v, h) for h in inner) for v in value)


def _listed(args: Sequence, kwargs: Mapping[str, Any]) -> str:
    """Arguments as a call shows them."""
    return ", ".join([*map(_shown, args), *(f"{name}={_shown(a)}" for name, a in kwargs.items())])


def _shown(a: Any) -> str:
    """A tensor by its shape, and what takes several lines by its type."""
    shape = getattr(a, "shape", None)
    if isinstance(shape, tuple):
        return f"Tensor {tuple(shape)}"
    if isinstance(a, list) and any(isinstance(getattr(x, "shape", None), tuple) for x in a):
        return f"[{', '.join(map(_shown, a[:5]))}{', ...' * (len(a) > 5)}]"
    text = f"{a!r:.100}"
    return type(a).__name__ if "\n" in text else text
