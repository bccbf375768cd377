"""Running a user's script to see what it makes: as `python script.py` does, but for its `__name__`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any


class Script:
    """A script that runs inside of a block, and what it has made is used there.

        with Script("net.py") as script:
            made = script.run()

    Within the block the script's folder is first on `sys.path`, `sys.argv` is the script and its `arguments`, and the
    script is a module like any other, named net; behind it all is as before, and what was imported from that folder is
    forgotten. So what stands under `if __name__ == "__main__":` is not run. `.files` are then those that it is made of,
    as far as it came: the script, the modules of its folder that it imported, and one that it looked for there.

    Raises a FileNotFoundError where there is no such file, and a ValueError of one line for an error in the script: one
    of its syntax at once, one that it raises, or a SystemExit, when it leaves the block.
    """

    def __init__(self, path: str, arguments: Sequence[str] = ()):
        self.path, self.arguments = path, arguments
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: there is no such script")
        self.folder = Path(path).resolve().parent
        self.files = {os.path.abspath(path)}
        self.code = self._compiled()

    def _compiled(self) -> CodeType:
        try:
            return compile(Path(self.path).read_bytes(), self.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:  # a ValueError: null bytes
            raise self._mistake(error, getattr(error, "lineno", None)) from error

    def __enter__(self) -> Script:
        self.module = ModuleType(Path(self.path).stem)
        self.module.__file__ = os.path.abspath(self.path)
        self.before = list(sys.path), sys.argv, dict(sys.modules)
        sys.path.insert(0, str(self.folder))
        sys.argv = [self.path, *self.arguments]
        sys.modules[self.module.__name__] = self.module
        return self

    def run(self) -> dict[str, Any]:
        """Run it from its first line to its last; returns its global names."""
        exec(self.code, vars(self.module))
        return vars(self.module)

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        sys.path[:], sys.argv, modules = self.before
        own = self.module.__name__
        beside = [name for name in sys.modules if name not in modules and self._is_beside(name, modules)]
        self.files.update(file for name in beside if (file := getattr(sys.modules[name], "__file__", None)))
        self.files.update(self._named(error, trace))
        for name in {own, *beside}:
            sys.modules.pop(name, None)
        if own in modules:
            sys.modules[own] = modules[own]
        if isinstance(error, SystemExit):
            raise ValueError(f"{self.path}: it ended itself (SystemExit) before it was done") from error
        frames = self.frames(trace)
        if frames and isinstance(error, Exception) and not isinstance(error, BrokenPipeError):
            raise self._mistake(error, frames[-1][1]) from error

    def frames(self, trace: TracebackType | None) -> list[tuple[FrameType, int]]:
        """The calls in the script that an error came through, outer ones first, and the line of each."""
        return [(frame, line) for frame, line in walk_tb(trace) if frame.f_code.co_filename == self.path]

    def _is_beside(self, name: str, before: dict[str, ModuleType]) -> bool:
        """Whether a module, or the package that it is in, was imported from the script's folder."""
        top = name.partition(".")[0]
        module = sys.modules.get(top)
        file = getattr(module, "__file__", None)
        places = [file] if file else list(getattr(module, "__path__", ()))  # a package without __init__.py has no file
        here = self.folder / f"{top}.py", self.folder / top / "__init__.py", self.folder / top
        return top not in before and any(Path(place).resolve() in here for place in places)

    def _named(self, error: BaseException | None, trace: TracebackType | None) -> Iterator[str]:
        """Files of the folder that an error names: where it was raised, what could not be read, what was not found."""
        named = [frame.f_code.co_filename for frame, _ in walk_tb(trace)]
        if isinstance(error, SyntaxError):
            named.append(error.filename or "")
        if isinstance(error, ModuleNotFoundError) and error.name:
            place = self.folder.joinpath(*error.name.split("."))
            named += [f"{place}.py", str(place / "__init__.py")]
        for file in map(os.path.abspath, named):
            if self.folder in Path(file).parents and "site-packages" not in file:
                yield file

    def _mistake(self, error: Exception, line: int | None) -> ValueError:
        said = error.msg if isinstance(error, SyntaxError) and error.filename == self.path else error
        text = " ".join(f"{type(error).__name__}: {said}".split())
        return ValueError(f"{self.path}, line {line}: {text}" if line else f"{self.path}: {text}")

    def lacks(self, name: str, there: Iterable[str], nothing: str) -> ValueError:
        """The error that there is no such name, with those that there are; `nothing` is said where there are none."""
        names = list(there)
        near = " or ".join(map(repr, get_close_matches(name, names)))
        hint = f"; did you mean {near}?" if near else ""
        return ValueError(f"{self.path}: there is no {name!r}; it has {', '.join(names) or nothing}{hint}")
