"""What is said when a name is asked for that is not here: why it is not, or what it may have been meant to be.

No sentence is read before something is missed. A room says `explains(__name__)` in its last line; those that look
for names themselves return `find(__name__, name)` at the end. A `Finder` is asked for modules that nobody has, so that
`from tinygrad_cnn import fft` says the same.

Tensor has no `__getattr__`: with one, each access to an attribute takes longer, also of those that are there (an
addition by a tenth). Instead the names that PyTorch's has and ours has not stand in the class, as something that
raises the error: `hasattr` is False, and no `dir()` of a tensor has them.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import Any, NoReturn

FIRST = "tinygrad_cnn."


def missing(home: str, name: str) -> AttributeError:
    """The error for a name that a module or a class does not have, both by their dotted names."""
    said = words(home, name) if name[0] != "_" else ""
    return AttributeError(said or f"module {home!r} has no attribute {name!r}", name=name, obj=None)


@cache
def words(home: str, name: str) -> str:
    """Why a name is not here, or another one that may have been meant; "" where nothing is known of it."""
    from . import sentences
    from .names import names, theirs

    space = theirs(home)
    path = f"{space}.{name}"
    said = sentences.first(sentences.NOT_HERE, path)
    if said and name in names().get(space, ()):
        return f"{path} is not in tinygrad_cnn: {said}"
    if meant := _nearest(home, name):
        return f"module {home!r} has no attribute {name!r}; did you mean {meant!r}?"
    # Of a module that is here all names are known: another one is not PyTorch's, and no sentence speaks of it.
    return f"{path} is not in tinygrad_cnn: {said}" if said and space not in names() else ""


def _nearest(home: str, name: str) -> str | None:
    from difflib import get_close_matches

    there = [n for n in dir(sys.modules.get(home)) if n[0] != "_"]
    return next(iter(get_close_matches(name, there, 1, 0.75)), None)


def find(home: str, name: str) -> Any:
    """What stands in for a name that a module does not have; raises the error where nothing does."""
    from . import standins

    if (found := standins.get(home, name)) is None:
        raise missing(home, name)
    return found


def explains(room: str) -> None:
    """Let a module, and those of PyTorch's names below it, say more of names that they do not have."""
    from .names import names, ours

    for home in [room, *(home for home in map(ours, names()) if home.startswith(f"{room}."))]:
        module: Any = sys.modules.get(home)
        if module is None:  # a class, or not open yet
            continue
        if not hasattr(module, "__getattr__"):
            module.__getattr__ = partial(find, home)
        if not hasattr(module, "__path__"):
            module.__path__ = []  # so that `from home import name` asks the Finder as well


class Finder:
    """The last of those whom `import` asks: finds stand-ins, and says what there is to say of all else."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
        if not fullname.startswith(FIRST):
            return None
        from . import standins

        if (spec := standins.spec(fullname)) is not None:
            return spec
        home, _, name = fullname.rpartition(".")
        imports = path is not None and path is getattr(sys.modules.get(home), "__path__", None)  # no tool that looks
        if imports and name[0] != "_" and (said := words(home, name)):
            raise ModuleNotFoundError(said)  # one with `name=` would be ignored by `from home import name`
        return None


def install() -> None:
    """Let `import` ask the Finder: once, also where the package is loaded anew."""
    mine = Finder.__module__, Finder.__name__
    others = [f for f in sys.meta_path if (getattr(f, "__module__", ""), getattr(f, "__name__", "")) != mine]
    sys.meta_path[:] = [*others, Finder]


class Absent:
    """Stands in a class for a name that it does not have."""

    def __init__(self, home: str, name: str):
        self.home, self.name = home, name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise missing(self.home, self.name)


def explain_class(cls: type, home: str) -> None:
    """Let a class say more of names that PyTorch's class has and it has not."""
    from .names import names

    there = vars(cls)
    for name in names()[home]:
        if name not in there:
            setattr(cls, name, Absent(home, name))
    setattr(cls, "__dir__", _dir)  # noqa: B010


def _dir(self: Any) -> list[str]:
    absent = {name for cls in type(self).__mro__ for name, value in vars(cls).items() if type(value) is Absent}
    return [name for name in object.__dir__(self) if name not in absent]
