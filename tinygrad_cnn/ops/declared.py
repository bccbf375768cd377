"""Where a function appears is said once, over its definition.

    @appears("function method in_place out", aliases="absolute")
    @op
    def abs(input: Array) -> Array: ...

That gives `tinygrad_cnn.abs(x, out=y)`, `x.abs()` and `x.abs_()`, all of them as `absolute` too. Ops know nothing of
Tensor's methods or of `out=`: the rooms above, which make them, are the places here, and are told of every
declaration, earlier or later. What is not declared is internal.

Files of ops that few programs use are opened when one of their names is first asked for (`names.py` says which).
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ..pytorch.absent import find
from .names import NAMES

F = TypeVar("F", bound=Callable)

# Each word, and those of which it needs one beside it.
WORDS: dict[str, tuple[str, ...]] = {
    "function": (),
    "method": (),
    "sizes": (),
    "in_place": (),
    "in_shape": (),
    "function_": ("in_place", "in_shape", "inplace"),
    "functional": (),
    "linalg": (),
    "out": ("function", "functional", "linalg"),
    "exact": ("out",),
    "inplace": ("functional",),
    "inplace_": ("inplace",),
}


class Declaration(NamedTuple):
    """A function, the words for where it appears, its names, first its own, and what `flags` say of its result."""

    function: Callable
    words: frozenset[str]
    names: tuple[str, ...]
    flags: str = ""

    def again(self, other: Declaration) -> bool:
        """Whether both were declared by the same lines of a script or a notebook, run twice."""
        mine, theirs = self.function, other.function
        return (mine.__module__, mine.__qualname__) == (theirs.__module__, theirs.__qualname__)


Forms = Callable[[Declaration], dict[str, Callable]]

declared: list[Declaration] = []
places: list[tuple[Any, Forms]] = []
# By word: what opens a room that has not been asked for, before something appears in it.
later: dict[str, Callable[[], Any]] = {}


def open_place(home: Any, forms: Forms) -> list[str]:
    """Let all functions appear in a module or a class: those declared so far, and those to come.

    forms: what a declaration gives this place, by name. Returns the names.
    """
    names: list[str] = []
    waiting = awaited(home.__name__)
    if isinstance(home, type):
        for name, file in waiting.items():
            setattr(home, name, Awaited(name, file))
    for declaration in declared:
        found = forms(declaration)
        _put(home, found, declaration)
        names += found
    places.append((home, forms))
    return sorted({*names, *waiting})


@functools.cache
def awaited(place: str) -> dict[str, str]:
    """The names that a place has from files which open when they are asked for, and these files."""
    return {name: file for file, places in NAMES.items() for name in places.get(place, "").split()}


class Awaited:
    """Stands in a class for a function of a file that is not open; asked for, it opens it, and makes way for it."""

    def __init__(self, name: str, file: str):
        self.name, self.file = name, file

    def __get__(self, instance: Any, owner: type) -> Any:
        importlib.import_module(f".{self.file}", __package__)
        return getattr(owner if instance is None else instance, self.name)


def asked(home: str, name: str) -> Any:
    """What a module answers when it is asked for a name that it does not have: it opens the file where that is.

    AttributeError where no file has the name, with what is to be said of it.
    """
    module = sys.modules[home]
    if file := awaited(home).get(name):
        importlib.import_module(f".{file}", __package__)
    return vars(module)[name] if name in vars(module) else find(home, name)


def _put(home: Any, forms: dict[str, Callable], declaration: Declaration) -> None:
    """Let these functions stand in a module or a class. One that was made for it is known by it, also to pickle."""
    function = declaration.function
    for name, form in forms.items():
        setattr(home, name, form)
        if form is not function and form.__module__ == function.__module__:
            is_class = isinstance(home, type)
            form.__module__ = home.__module__ if is_class else home.__name__
            form.__qualname__ = f"{home.__qualname__}.{name}" if is_class else name


def appears(where: str, *, aliases: str = "", flags: str = "") -> Callable[[F], F]:
    """Let a function appear under its own name, and under its aliases, in the places that these words name.

        function     tinygrad_cnn.name(x)
        method       x.name()
        sizes        x.name(2, 3): a method that takes its sizes one by one, or as one tuple
        in_place     x.name_(): the tensor becomes the result
        in_shape     x.name_(): the tensor itself gets the shape of the result
        function_    tinygrad_cnn.name_(x) as well, for what works in place
        functional   tinygrad_cnn.nn.functional.name(x)
        linalg       tinygrad_cnn.linalg.name(x)
        out          the function takes out=, a tensor for the result
        exact        and of its dtype; else of one of the same kind or a higher one
        inplace      the function of nn.functional takes inplace=, a flag: the tensor becomes the result
        inplace_     nn.functional.name_(x) as well, which has that flag set

    flags: "return_indices -> tuple[Array, Array]", for editors: with this flag set, the result is another.

    It stands over `@op`, or over a function that is made of ops, with the tensor as first argument. Raises a
    ValueError for other words, and where a name is taken; nothing is changed then.

    >>> import tinygrad_cnn as tg
    >>> tg.appears("method out")
    Traceback (most recent call last):
        ...
    ValueError: appears: the word out needs function or functional or linalg beside it; got 'method out'
    """
    words = frozenset(where.split())
    if not words or not words <= WORDS.keys():
        raise ValueError(f"appears: expected some of the words {', '.join(WORDS)}; got {where!r}")
    for word in words:
        if WORDS[word] and not words.intersection(WORDS[word]):
            raise ValueError(f"appears: the word {word} needs {' or '.join(WORDS[word])} beside it; got {where!r}")

    def declare(function: F) -> F:
        for word in words & later.keys():
            later[word]()
        new = Declaration(function, words, (function.__name__, *aliases.split()), flags)
        old = next((d for d in declared if d.again(new)), None) if places else None
        made = [(home, forms(new), forms(old) if old else {}) for home, forms in places]
        for home, found, before in made:
            free = awaited(home.__name__) if function.__module__.startswith(f"{__package__}.") else {}
            names = [n for n in found if n not in before and n not in free]
            if taken := [n for n in names if hasattr(home, n)]:
                raise ValueError(f"appears: {home.__name__} has a {taken[0]!r} already; this needs another name")
        if old:
            declared.remove(old)
        declared.append(new)
        for home, found, _ in made:
            _put(home, found, new)
        return function

    return declare
