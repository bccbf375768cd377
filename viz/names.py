"""What things are called: module paths, parameter names, source lines. Nothing here depends on addresses."""

from __future__ import annotations

import linecache
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

LONGEST_SOURCE = 200_000


def printable(text: str) -> str:
    """The text without control characters and half characters, which no picture, page or terminal can show."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class Names:
    """The names of modules, parameters and buffers, found in `model` or in the modules that were running.

    The model's own path is "". Without a model, the outermost running module that has parameters is it;
    other outermost modules (a loss, say) are named by their class.
    """

    def __init__(self, model: Any = None, names: dict[str, Any] | None = None):
        self.paths: dict[int, str] = {}
        self.classes: dict[str, str] = {}
        self.parameters: dict[int, list[str]] = {}
        self.buffers: dict[int, str] = {}
        self.given: dict[int, str] = {}
        self.arrays: dict[int, str] = {}
        self.kept: list[Any] = []  # so that no address is used again while its name is in use
        self.adopted: list[Any] = []
        self.scopes: dict[
            int, tuple[int, Any]
        ] = {}  # by id: the time at which a call of a module was first met, and it
        self.model: Any = None
        self.roots: Counter = Counter()
        if model is not None:
            self._adopt(model, "")
            self.model = model
        for name, t in (names or {}).items():
            self.give(str(name), t)

    def give(self, name: str, t: Any) -> None:
        """Call this tensor, and its array where an op is handed that alone, by this name."""
        self.given.setdefault(id(t), name)
        self.arrays.setdefault(id(t._array), name)
        self.kept.append(t)

    def _adopt(self, root: Any, prefix: str) -> None:
        def join(*parts: str) -> str:
            return ".".join(part for part in parts if part)

        self.kept.append(root)
        for path, module in root.named_modules():
            self.paths.setdefault(id(module), join(prefix, path))
            self.classes.setdefault(join(prefix, path), type(module).__name__)
        for path, p in root.named_parameters(remove_duplicate=False):
            self.parameters.setdefault(id(p), []).append(join(prefix, path))
        for path, b in root.named_buffers():
            self.buffers.setdefault(id(b), join(prefix, path))
        self.adopted.append(root)

    def module(self, scope: Any) -> str:
        """The path of the module that a scope stands for; "" outside of all modules."""
        if scope is None:
            return ""
        path = self.paths.get(id(scope.module))
        if path is None:
            root = scope
            while root.outer is not None:
                root = root.outer
            if id(root.module) not in self.paths:
                name = type(root.module).__name__
                if self.model is None and next(iter(root.module.parameters()), None) is not None:
                    self.model = root.module
                    self._adopt(root.module, "")
                else:
                    self.roots[name] += 1
                    self._adopt(root.module, name if self.roots[name] == 1 else f"{name}_{self.roots[name]}")
            path = self.paths.get(id(scope.module))
            if path is None:  # a module that its parent does not own
                path = f"{self.module(scope.outer)}.{type(scope.module).__name__}".lstrip(".")
                self.paths[id(scope.module)] = path
                self.classes.setdefault(path, type(scope.module).__name__)
                self.kept.append(scope.module)
        return path

    def entered(self, scope: Any, time: int) -> None:
        """Something was computed in this call of a module, and in those around it."""
        while scope is not None and self.scopes.get(id(scope), (time + 1,))[0] > time:
            self.scopes[id(scope)] = time, scope
            scope = scope.outer

    def numbers(self) -> dict[int, int]:
        """By the id of a scope: which call of its module it is, 1, 2, ..."""
        count: Counter = Counter()
        found = {}
        for key, (_, scope) in sorted(self.scopes.items(), key=lambda item: (item[1][0], _depth(item[1][1]))):
            count[id(scope.module)] += 1
            found[key] = count[id(scope.module)]
        return found

    def calls(self, scopes: Iterable[Any]) -> list[dict]:
        """The calls of modules that these scopes stand for and lie in, in order, outer ones first."""
        met: dict[int, Any] = {}
        for scope in scopes:
            while scope is not None and id(scope) not in met:
                met[id(scope)] = scope
                scope = scope.outer
        numbers = self.numbers()
        rows: list[dict] = []
        row_of: dict[int, int] = {}
        for key in numbers:
            scope = met.get(key)
            if scope is None or not self.module(scope):
                continue
            outer = scope.outer
            while outer is not None and not self.module(outer):
                outer = outer.outer
            row_of[key] = len(rows)
            rows.append({"module": self.module(scope), "call": numbers[key], "within": row_of.get(id(outer))})
        return rows

    def meet(self) -> None:
        """Name every module that ran, though the result may not come from it."""
        for _, scope in sorted(self.scopes.values(), key=lambda met: met[0]):
            with suppress(Exception):  # one that refuses to be looked at has no names
                self.module(scope)

    def all_parameters(self) -> Iterator[tuple[str, Any]]:
        """The parameters of all models, each once, with its name."""
        seen = set()
        for root in self.adopted:
            for p in root.parameters():
                if id(p) not in seen:
                    seen.add(id(p))
                    yield self.parameters[id(p)][0], p

    def tensor(self, t: Any) -> list[str]:
        """The names of a leaf or constant; a shared parameter has several."""
        if t is None:
            return []
        own = self.parameters.get(id(t)) or ([self.buffers[id(t)]] if id(t) in self.buffers else [])
        return own or ([self.given[id(t)]] if id(t) in self.given else [])

    def asked(self, array: Any) -> list[str]:
        """What the outermost `forward` that is running calls what has this array: `src`, or `hx[0]` of several."""
        found: list[str] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name == "forward":
                found = next(_held(frame.f_locals, array), found)
            frame = frame.f_back
        return found

    def array(self, array: Any) -> list[str]:
        """The name of an array of a tensor whose name was given."""
        return [self.arrays[id(array)]] if id(array) in self.arrays else []

    def is_parameter(self, t: Any) -> bool:
        return id(t) in self.parameters or type(t).__name__ == "Parameter"

    def modules(self, used: list[str]) -> list[dict]:
        """The modules of these paths and all around them, outer ones first, in order of first use."""
        order: dict[str, None] = {}
        for path in used:
            parts = path.split(".") if path else []
            for depth in range(1, len(parts) + 1):
                order.setdefault(".".join(parts[:depth]))
        calls = Counter(self.paths.get(id(scope.module)) for _, scope in self.scopes.values())
        return [{"path": p, "class": self.classes.get(p, ""), "calls": calls[p]} for p in order]


def _held(names: dict[str, Any], array: Any) -> Iterator[list[str]]:
    """The names that stand for this array, alone or in a tuple or list."""
    for name, value in names.items():
        if getattr(value, "_array", None) is array:
            yield [name]
        elif type(value) in (tuple, list):
            yield from ([f"{name}[{i}]"] for i, one in enumerate(value) if getattr(one, "_array", None) is array)


def _depth(scope: Any) -> int:
    depth = 0
    while scope.outer is not None:
        scope, depth = scope.outer, depth + 1
    return depth


class Sources:
    """The user's files that the nodes come from, by a short name."""

    def __init__(self) -> None:
        self.short: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {}

    def where(self, place: tuple[str, int, str] | None) -> dict[str, Any] | None:
        """A place in a script as plain data; the file's text is kept for the page."""
        if place is None:
            return None
        file, line, function = place
        if file not in self.short:
            short = os.path.relpath(file) if file.startswith(os.getcwd() + os.sep) else os.path.basename(file)
            short = short.replace(os.sep, "/")
            while short in self.lines:
                short = "~" + short
            self.short[file] = short
            lines = [text.rstrip("\n") for text in linecache.getlines(file)]
            self.lines[short] = lines if sum(map(len, lines)) <= LONGEST_SOURCE else []
        short = self.short[file]
        lines = self.lines[short]
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return {"file": short, "line": line, "function": function, "text": text}
