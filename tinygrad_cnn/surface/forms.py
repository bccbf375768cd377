"""What becomes of a function that is declared: a function of a module, a method of Tensor, one that works in place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps
from inspect import unwrap
from typing import Any

from ..arrays.arguments import forgiving
from ..engine.inplace import change
from ..engine.memory import put_in_order
from ..engine.modes import Setting
from ..engine.tensor import Tensor, refuse_change
from ..ops.declared import Declaration
from .native import native
from .out import accepts_out


@cache
def plain(declaration: Declaration) -> Callable:
    """The function without `out=`, which no method takes."""
    f = declaration.function
    return f if hasattr(f, "op") else forgiving(f, Tensor)  # an op is so by itself


@cache
def function(declaration: Declaration) -> Callable:
    f = plain(declaration)
    return accepts_out(f, "exact" in declaration.words) if "out" in declaration.words else f


def of_package(declaration: Declaration) -> dict[str, Callable]:
    """The functions that a declaration gives the package, by name."""
    words, names = declaration.words, declaration.names
    found: dict[str, Callable] = {}
    if "function" in words:
        form = function(declaration)
        found.update(dict.fromkeys(names, native(form) if "functional" in words else form))
    if "function_" in words:
        form = in_shape if "in_shape" in words else in_place
        found.update({f"{name}_": form(plain(declaration), f"{name}_") for name in names})
    return found


def of_functional(declaration: Declaration) -> dict[str, Callable]:
    """The functions that a declaration gives `nn.functional`, by name."""
    words, names = declaration.words, declaration.names
    found: dict[str, Callable] = {}
    if "functional" in words:
        found.update(dict.fromkeys(names, function(declaration)))
    if "inplace" in words:
        found.update(dict.fromkeys(names, takes_inplace(plain(declaration))))
    if "inplace_" in words:
        found.update({f"{name}_": in_place(plain(declaration), f"{name}_") for name in names})
    return found


def of_linalg(declaration: Declaration) -> dict[str, Callable]:
    """The functions that a declaration gives `linalg`, by name."""
    return dict.fromkeys(declaration.names, function(declaration)) if "linalg" in declaration.words else {}


def of_tensor(declaration: Declaration) -> dict[str, Callable]:
    """The methods that a declaration gives Tensor, by name."""
    words, names = declaration.words, declaration.names
    found: dict[str, Callable] = {}
    if "method" in words:
        found.update(dict.fromkeys(names, plain(declaration)))
    if "sizes" in words:
        found.update(dict.fromkeys(names, sized(plain(declaration))))
    if "in_place" in words:
        found.update({f"{name}_": in_place(plain(declaration), f"{name}_") for name in names})
    if "in_shape" in words:
        found.update({f"{name}_": in_shape(plain(declaration), f"{name}_") for name in names})
    return found


def sized(f: Callable) -> Callable:
    @wraps(f)
    def method(self: Tensor, *sizes: Any, **named: Any) -> Tensor:
        if named or not sizes:  # none at all is for f to refuse
            return f(self, *sizes, **named)
        return f(self, sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes)

    return method


def in_place(f: Callable, name: str) -> Callable:
    @wraps(unwrap(f))  # not f, which may stand in a module already: `declared` says where this one does
    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return change(input, name, lambda t: f(t, *args, **kwargs))

    method.__name__ = name
    method.__doc__ = told(f"In place: the tensor becomes its `{name[:-1]}`.", f)
    return method


def in_shape(f: Callable, name: str) -> Callable:
    """A method that gives the tensor itself another shape: its memory stays, seen as the op's view."""

    @wraps(f)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        refuse_change(self, name)
        put_in_order(self)
        # Its values stay, and so does what they were computed from.
        out = Setting(grad=True).during(f, self, *args, **kwargs)
        view = self._view and out._view
        if self.is_leaf:
            self.data = out
        else:
            self._array, self._node = out._array, out._node
        self._view = view
        return self

    method.__name__ = name
    method.__doc__ = told(f"In place: the tensor itself gets the shape of its `{name[:-1]}`.", f)
    return method


def told(form: str, f: Callable) -> str:
    """What a form of a function says: its own line, and then all that the function says."""
    doc = f.__doc__ or ""
    indent = "    " if "\n    " in doc else ""  # as all lines of it but the first have
    return f"{form}\n\n{indent}`{f.__name__}`: {doc}"


def takes_inplace(f: Callable) -> Callable:
    """The same function, which also takes `inplace=`: with True, the input itself becomes the result."""
    whole: Any = unwrap(f)
    last, name = whole.__code__.co_argcount, f"{f.__name__}_"

    def of_one(input: Tensor, inplace: bool = False) -> Any:
        return change(input, name, f) if inplace else f(input)

    def of_several(*args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if len(args) > last:
            *args, inplace = args  # type: ignore[assignment]
        if not inplace:
            return f(*args, **kwargs)
        input = args[0] if args else kwargs.pop("input")
        return change(input, name, lambda t: f(t, *args[1:], **kwargs))

    g = wraps(whole)(of_one if last == 1 else of_several)
    g.__doc__ = f"{inspect.getdoc(f)}\n\nWith `inplace=True` the input itself becomes the result."
    signature = inspect.signature(f)
    flag = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False, annotation="bool")
    g.__signature__ = signature.replace(parameters=[*signature.parameters.values(), flag])  # type: ignore[attr-defined]
    return g
