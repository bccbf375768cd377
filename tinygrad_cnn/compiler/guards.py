"""What has to be as it was for a program to be right, as one expression in Python that is evaluated before each call.

A function depends on its arguments, and on what it finds outside: closure cells and globals, modules with their
settings, parameters and hooks, attributes of objects. What of that is looked at is known from the code that ran: the
names in it. A program is right while all of them are what they were; a change during the capture itself is an effect
that a program would not repeat, so the same expression is evaluated once behind it.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..arrays.lines import PACKAGE
from ..engine.modes import mode
from ..engine.tensor import Tensor
from ..kernels import kernel
from ..nn.hooks import EVERYWHERE, OF_CALLS
from ..nn.module import Module
from ..optim import Optimizer

MANY = 200  # elements of a list or a dict that are looked at
PLAIN = (int, float, complex, str, bytes, type(None), np.generic, np.dtype, range, slice, type(...))


class Guards:
    """Facts, each an expression in Python over `scope`, and what is to be said where it does not hold."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.scope: dict[str, Any] = {"mode": mode, "kernel": kernel, "same_form": _same_form, "__builtins__": builtins}
        self.tensors: dict[int, tuple[Tensor, str]] = {}  # by the id of its array
        self.trouble: str | None = None  # why no guard can be given
        self._names: dict[int, str] = {}  # of objects in the scope
        self._seen: set[Any] = set()
        self._objects: list[tuple[Any, str]] = []  # whose attributes may be looked at
        self._words: set[str] = set()  # names in the code that ran
        for name in ("grad", "inference"):
            self.fact(f"mode.{name} is {getattr(mode, name)}", f"mode.{name}")
        self.fact(f"kernel.__dict__ is {self.held(kernel.__dict__)}", "which kernels are used")

    def fact(self, expression: str, what: str) -> None:
        self.facts.setdefault(expression, what)

    def held(self, thing: Any) -> str:
        """A name in the scope for an object, which lives as long as the guards."""
        name = self._names.get(id(thing))
        if name is None:
            name = self._names[id(thing)] = f"k{len(self._names)}"
            self.scope[name] = thing
        return name

    def expression(self) -> str:
        return "\n    and ".join(self.facts) or "True"

    def test(self) -> Callable[[tuple, dict], bool]:
        """The guards as a function of the arguments of a call."""
        lines = [
            "def fits(args, named):",
            "  try:",
            f"    return ({self.expression()})",
            "  except Exception:",
            "    return 0",
        ]
        exec("\n".join(lines), self.scope)
        return self.scope.pop("fits")  # a function that is among its own globals would hold itself

    def broken(self, args: tuple, named: dict) -> str | None:
        """What is not as it was."""
        for expression, what in self.facts.items():
            try:
                holds = eval(expression, self.scope, {"args": args, "named": named})
            except Exception:
                holds = False
            if not holds:
                return what
        return None

    # what a function is given

    def argument(self, path: str, value: Any, what: str, given: list[tuple[Tensor, str]]) -> None:
        """An argument, or a part of one; Tensors are put into the list `given`, with their paths."""
        if isinstance(value, Tensor):
            given.append((value, path))
            a = value._array
            dtype = self.held(a.dtype)
            self.fact(f"type({path}) is {self.held(type(value))}", f"the type of {what}")
            if value._view is not None:
                value._view.refresh(value)
            self.fact(
                f"{path}._array.shape == {a.shape} and {path}._array.dtype == {dtype} "
                f"and {path}._array.strides == {a.strides}",
                f"shape, dtype or strides of {what}",
            )
            self.fact(
                f"({path}.requires_grad if {path}._view else {path}._requires_grad) is {value._requires_grad}",
                f"requires_grad of {what}",
            )
            if value._requires_grad:
                self.fact(f"({path}.grad_fn is None) is {value.grad_fn is None}", f"whether {what} is a leaf")
        elif type(value) in (tuple, list) or (isinstance(value, tuple) and hasattr(value, "_fields")):
            kind = self.held(type(value))
            self.fact(f"type({path}) is {kind} and len({path}) == {len(value)}", f"the length of {what}")
            for i, part in enumerate(value):
                self.argument(f"{path}[{i}]", part, f"{what}[{i}]", given)
        elif type(value) is dict and all(isinstance(key, str | int) for key in value):
            keys = self.held(tuple(value))
            self.fact(f"type({path}) is dict and tuple({path}) == {keys}", f"the keys of {what}")
            for key, part in value.items():
                self.argument(f"{path}[{key!r}]", part, f"{what}[{key!r}]", given)
        else:
            self.value(path, value, what)

    def knows(self, code: CodeType, scope: dict) -> bool:
        return (id(code), id(scope)) in self._seen

    # what it finds outside

    def function(self, f: Callable, what: str) -> None:
        """Cells and globals of a function of the user's."""
        if isinstance(f, MethodType):
            self.value(self.held(f.__self__), f.__self__, what)
            self.function(f.__func__, what)
            return
        key = "f", id(f)
        if not isinstance(f, FunctionType) or key in self._seen or f.__code__.co_filename.startswith(PACKAGE):
            return
        self._seen.add(key)
        self.held(f)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                found = cell.cell_contents
            except ValueError:  # not filled so far
                continue
            self.value(f"{self.held(cell)}.cell_contents", found, name)
        for default in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            self.value(self.held(default), default, what)
        self.code(f.__code__, f.__globals__)

    def code(self, code: CodeType, scope: dict) -> None:
        """The names in a piece of code, as globals and as attributes of what was found."""
        if (id(code), id(scope)) in self._seen:
            return
        self._seen.add((id(code), id(scope)))
        self.scope.setdefault(f"code{id(code)}", code)
        new = set(code.co_names) - self._words
        self._words |= new
        for name in code.co_names:
            if name in scope:
                self.value(f"{self.held(scope)}[{name!r}]", scope[name], name)
        for thing, what in list(self._objects):
            self._attributes(thing, what, new)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.code(constant, scope)

    def root(self, f: Any, what: str) -> None:
        """The function itself, or the module, and all that it finds."""
        self._thing(f, what)

    def everything(self) -> None:
        """Look at all attributes, for names are made while the code runs."""
        for thing, what in list(self._objects):
            self._attributes(thing, what, set(vars(thing)))

    def value(self, path: str, value: Any, what: str) -> None:
        """Something that was found at a path: what it is, and what may be looked at of it."""
        if value is None or isinstance(value, bool):
            self.fact(f"{path} is {value}", what)
        elif isinstance(value, PLAIN):
            name = self.held(value)
            self.fact(f"({path} is {name} or (type({path}) is type({name}) and {path} == {name}))", what)
        elif type(value) in (list, tuple, dict, set, frozenset):
            self._container(path, value, what)
        else:
            self.fact(f"{path} is {self.held(value)}", what)
            if id(value) not in self._seen:
                self._thing(value, what)

    def _container(self, path: str, value: Any, what: str) -> None:
        kind = self.held(type(value))
        self.fact(f"type({path}) is {kind} and len({path}) == {len(value)}", f"the length of {what}")
        if len(value) > MANY:
            self.trouble = self.trouble or f"{what} has {len(value)} elements, too many to look at before each call"
        elif isinstance(value, dict):
            for key, part in value.items():
                if isinstance(key, str | int):
                    self.value(f"{path}[{key!r}]", part, f"{what}[{key!r}]")
                else:
                    self.value(f"{path}[{self.held(key)}]", part, f"a value of {what}")
        elif isinstance(value, list | tuple):
            for i, part in enumerate(value):
                self.value(f"{path}[{i}]", part, f"{what}[{i}]")
        else:
            self.fact(f"{path} == {self.held(type(value)(value))}", what)

    def _thing(self, thing: Any, what: str) -> None:
        self._seen.add(id(thing))
        self.held(thing)
        if isinstance(thing, Tensor):
            self.tensors.setdefault(id(thing._array), (thing, what))
        elif isinstance(thing, Module):
            for path, module in thing.named_modules():
                self._module(module, f"{what}.{path}" if path else what)
        elif isinstance(thing, Optimizer):
            for group in thing.param_groups:
                for i, p in enumerate(group["params"]):
                    self._thing(p, f"p{i}")
        elif isinstance(thing, FunctionType | MethodType):
            self.function(thing, what)
        elif isinstance(thing, ModuleType | type):
            if _is_users(thing):
                self._look_into(thing, what)
        elif not isinstance(thing, BuiltinFunctionType) and (hasattr(thing, "__dict__") or _is_users(type(thing))):
            self._look_into(thing, what)

    def _look_into(self, thing: Any, what: str) -> None:
        self._objects.append((thing, what))
        self._attributes(thing, what, self._words)

    def _attributes(self, thing: Any, what: str, names: set[str]) -> None:
        """Attributes of these names, those of the user's classes and slots among them; `__x__` are the language's."""
        kinds = (thing if isinstance(thing, type) else type(thing)).__mro__
        classes = [kind for kind in kinds if kind is not thing and _is_users(kind)]
        places = [thing, *classes] if hasattr(thing, "__dict__") else classes
        for name in tuple(names):
            place = next((place for place in places if name in vars(place)), None)
            if place is None or (name.startswith("__") and name.endswith("__")):
                continue
            for nearer in places[: places.index(place)]:
                self.fact(f"{name!r} not in {self.held(nearer)}.__dict__", f"{what}.{name}")
            found, path = vars(place)[name], f"{self.held(place)}.__dict__[{name!r}]"
            if isinstance(found, MemberDescriptorType) and not isinstance(thing, type):
                found, path = getattr(thing, name, None), f"getattr({self.held(thing)}, {name!r}, None)"
            self.value(path, found, f"{what}.{name}")

    def _module(self, module: Module, what: str) -> None:
        """A module's own attributes, that it has no hooks, and its parameters, buffers and children."""
        mine, name = vars(module), self.held(vars(module))
        rooms = ("_parameters", "_buffers", "_modules")
        self.fact(f"{name} == {self.held(dict(mine))}", f"an attribute of {what}")
        hooks = " or ".join(self.held(found) for found in (EVERYWHERE, *(mine[kind] for kind in OF_CALLS)))
        self.fact(f"not ({hooks})", f"the hooks of {what}")
        if EVERYWHERE or any(mine[kind] for kind in OF_CALLS):
            self.trouble = self.trouble or f"{what} has hooks, which are called with its values"
        for room in rooms:
            found = mine[room]
            self.fact(f"len({self.held(found)}) == {len(found)}", f"{what}{room}")
            for key, thing in found.items():
                inner = f"{what}.{key}"
                self.fact(f"{self.held(found)}[{key!r}] is {self.held(thing)}", inner)
                if isinstance(thing, Tensor):
                    self.tensors.setdefault(id(thing._array), (thing, inner))
        self._seen.add(id(module))
        if type(module).__module__.partition(".")[0] != "tinygrad_cnn":
            self._look_into(module, what)

    def used(self, t: Tensor, what: str, hooks: bool) -> None:
        """A tensor from outside that a program takes the array of. hooks: whether it must have none."""
        name = self.held(t)
        self.fact(
            f"({name}._array is {self.held(t._array)} or same_form({name}._array, {self.held(t._array)})) "
            f"and {name}._requires_grad is {t._requires_grad}",
            f"memory or requires_grad of {what}",
        )
        if hooks:
            self.fact(f"not ({name}._node and {name}._node.hooks)", f"the hooks of {what}")


_NUMPY, _PYTHON = (os.path.dirname(str(module.__file__)) + os.sep for module in (np, os))


def is_library(file: str) -> bool:
    """Whether this is NumPy's code, or Python's own; what else is installed is as the user's."""
    return file.startswith(_NUMPY) or (file.startswith(_PYTHON) and "site-packages" not in file)


def _is_users(thing: Any) -> bool:
    """Whether a module or a class is neither of this package nor of Python; what was typed in has no file."""
    name = thing.__name__ if isinstance(thing, ModuleType) else thing.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    return not (file.startswith(PACKAGE) or is_library(file)) if file else name not in sys.builtin_module_names


def _same_form(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides
