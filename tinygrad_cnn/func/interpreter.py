"""An interpreter: it hears of every call of an op before it runs, and says what is done instead.

`vmap` runs the op on whole batches, forward mode runs it and moves its tangents along. Interpreters stand one around
the other, as the functions do that one transforms: what an inner one does is done in ops, which the one around it hears
of in turn, and last of all the engine, which runs and records them. So `vmap(grad(f))`, `jacfwd(jacrev(f))` and all
other nestings need no code of their own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from ..engine.call import Op
from ..engine.modes import Setting, mode
from ..engine.tensor import Tensor
from ..engine.watch import Tracer

_levels = count(1).__next__


class Interpreter(Tracer):
    """What runs the ops that are called in `self.during(f, ...)`; `level` is greater the further inside it stands."""

    plain = rewrites = True

    def __init__(self) -> None:
        self.level = _levels()
        self.outer: Any = mode.tracer

    def during(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """f(*args, **kwargs), with its ops interpreted."""
        return Setting(tracer=self).during(f, *args, **kwargs)

    def outside(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """f(*args, **kwargs), with its ops left to the interpreters around this one."""
        return Setting(tracer=self.outer).during(f, *args, **kwargs)

    def run(self, op: Any, args: Sequence) -> Any:
        """The result of an op, or of an `autograd.Function`, on these arguments."""
        raise NotImplementedError

    def calling(self, op: Any, args: Any) -> Any:
        return self.outside(self.run, op, args)

    def walk(self, roots: list, retain_graph: bool, ends: list | None) -> Interpreter:
        twin = copy.copy(self)
        twin.outer = self.outer and self.outer.walk(roots, retain_graph, ends)
        return twin

    def through(self, pull: Callable, arrive: Callable, stops: set) -> tuple[Callable, Callable]:
        return self.outer.through(pull, arrive, stops) if self.outer else (pull, arrive)


def _handed_on(name: str) -> Callable:
    def tell(self: Interpreter, *args: Any) -> None:
        if self.outer is not None:
            getattr(self.outer, name)(*args)

    return tell


for _name in ("wrote", "detached", "taken", "moved", "stepping", "stepped"):
    setattr(Interpreter, _name, _handed_on(_name))


def again(op: Any, args: Sequence) -> Any:
    """Call an op, or a Function, with the values of all its parameters, as an interpreter is given them."""
    if not isinstance(op, Op):
        return op.apply(*args)
    n = len(args) - len(op.keyword_only)
    return op.call(*args[:n], **dict(zip(op.keyword_only, args[n:], strict=True)))


def tensors_in(args: Any) -> list[Tensor]:
    """The tensors among arguments, also those in lists, as in an index."""
    found: list[Tensor] = []
    for a in args:
        if isinstance(a, Tensor):
            found.append(a)
        elif isinstance(a, tuple | list):
            found += tensors_in(a)
    return found
