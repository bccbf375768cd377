"""The live page: a script runs anew, in a fresh process, when a file of it changes, and the page that is open follows.

    live_process   where the script runs; the next process has imported the library before it is needed
    live_server    who may ask, and for what
    live           in between: it looks after the files, draws what a run made, and says when there is something new
    web/live.js    the page follows, and keeps its place; its slider sends a pin, and shows what the engine answers

Nothing of the script is known here but the documents of its runs.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import numpy as np

from tinygrad_cnn.arrays.blocks import Ending

from .live_process import Runner, Running
from .live_server import Refused, Server
from .names import printable
from .page import html, lists, page
from .snapshot import EMPTY
from .svg import engine, kept
from .sweep import same_graph, together

POLL = 0.03  # seconds between two looks at the files
WAITING = 20.0  # seconds that a page waits for news before it asks again
LATE = 0.3  # seconds after which it is told that the script runs
FRAMES = 21  # values of a sweep that is exported


class Live:
    """What one script has to show, at `.url`; `with Live("net.py:loss") as live: live.follow()` serves it.

    Raises a FileNotFoundError where there is no such script, a RuntimeError without a layout program, and an OSError
    where the port is taken.
    """

    def __init__(self, target: str, inputs: Sequence[str] = (), arguments: Sequence[str] = (), port: int = 0):
        script = target.partition(":")[0]
        if not os.path.isfile(script):
            raise FileNotFoundError(f"{script}: there is no such script")
        engine()
        self.task = {"target": target, "inputs": list(inputs), "arguments": list(arguments)}
        self.over = threading.Event()
        self.news = threading.Condition()
        self.version = 0
        self.pages = itertools.count(1)
        self.made = 0  # which page is shown
        self.page = b""
        self.running = False
        self.trouble: dict[str, str] | None = None
        self.document: dict[str, Any] = EMPTY | {"title": os.path.basename(script)}  # that of the page
        self.original = self.document  # that of the run, with nothing pinned
        self.leaves: list[str] = []
        self.files: dict[str, Any] = {os.path.abspath(script): None}
        self.run: Running | None = None
        try:
            self.server = Server(self, port)
        except OSError as error:
            raise OSError(f"port {port}: {error.strerror}") from None
        self.url = self.server.url
        self.runner = Runner()

    __exit__ = Ending(
        lambda self: [
            *(self.over.set, partial(setattr, self, "run", None), self.runner.close),
            *(self.server.shutdown, self.server.server_close),
        ]
    )

    def __enter__(self) -> Live:
        return self

    def follow(self) -> None:
        """Run the script, and again after each change of its files, until the block ends."""
        with kept():
            while not self.over.is_set():
                self._begin()
                while not self._changed() and not self.over.wait(POLL):
                    pass

    # files

    def _changed(self) -> bool:
        """Whether a file is not what it was, and whoever writes it has come to an end."""
        with self.news:
            now = {file: stamp(file) for file in self.files}
            if now == self.files:
                return False
        while (later := {file: stamp(file) for file in now}) != now:
            now = later
            time.sleep(POLL)
        return True

    def _watch(self, files: Iterable[str], failed: bool) -> None:
        """Look after these files; a run that failed may not have come to all of them."""
        known = self.files
        self.files = (known if failed else {}) | {f: known[f] if f in known else stamp(f) for f in files}

    # runs

    def _begin(self) -> None:
        with self.news:
            self.files = {file: stamp(file) for file in self.files}
            self.run = None
        run = self.run = self.runner.start(**self.task)
        threading.Thread(target=self._finish, args=(run,), daemon=True).start()

    def _finish(self, run: Running) -> None:
        """Wait for the end of a run, and show what it made."""
        late = threading.Timer(LATE, self._tell, (run,), {"running": True})
        late.daemon = True
        late.start()
        answer = run.answer()
        late.cancel()
        if run is not self.run:  # a file has changed meanwhile
            return
        if answer is None:
            answer = {"document": None, "trouble": _trouble(f"the script ended its process (exit code {run.code})")}
        self._show(run, **answer)

    def _show(
        self,
        run: Running,
        document: dict[str, Any] | None,
        trouble: dict[str, str] | None,
        files: Sequence[str] = (),
        leaves: Sequence[str] = (),
    ) -> None:
        """Draw what a run made, and what went wrong in it; where it made nothing, the page stays."""
        drawn: dict[str, Any] = {}
        if document is not None:
            try:
                drawn = self._drawn(document, leaves) | {"original": document}
            except (ValueError, RuntimeError) as error:
                trouble = trouble or _trouble(str(error))
        with self.news:
            if run is self.run:
                self._watch(files or self.files, failed=trouble is not None)
        self._tell(run, **drawn, running=False, trouble=trouble)
        if trouble is not None:
            print(f"tinygrad-cnn live: {printable(trouble['text'])}", file=sys.stderr)

    def _drawn(self, document: dict[str, Any], leaves: Sequence[str]) -> dict[str, Any]:
        """A page of this document."""
        made = next(self.pages)
        text = page(document, live={"page": made, "leaves": list(leaves)})
        return {"page": text.encode(), "made": made, "document": document, "leaves": leaves}

    def _tell(self, run: Running | None, **state: Any) -> None:
        """Something is new, if this run is still the one that counts."""
        with self.news:
            if run is self.run:
                vars(self).update(state)
                self.version += 1
                self.news.notify_all()

    # what the page asks for

    def shown(self) -> bytes:
        """The page; before there is one, an empty one, if that takes long."""
        with self.news:
            self.news.wait_for(lambda: self.page or self.running, WAITING)
            there = self.page
        return there or self._drawn(self.document, [])["page"]

    def after(self, version: int) -> dict[str, Any]:
        """Where things stand, as soon as that is another version than this one."""
        with self.news:
            self.news.wait_for(lambda: self.version != version, WAITING)
            return {"version": self.version, "page": self.made, "running": self.running, "trouble": self.trouble}

    def pin(self, asked: Any) -> dict[str, Any]:
        """The document with an element of a leaf pinned, or with none; where it is of another graph, a page of it."""
        with self.news:
            run, shown, leaves = self.run, self.document, self.leaves
            document: dict[str, Any] | None = self.original
        trouble: dict[str, str] | None = None
        if asked != {}:
            node, index, value = self._place(asked, "value")
            document, trouble = self._pinned(run, node, index, value)
        if document is not None and not same_graph(document, shown):
            self._tell(run, **self._drawn(document, leaves))
            document = None
        return {"document": document, "lists": document and lists(document), "trouble": trouble}

    def export(self, asked: Any) -> str:
        """The page as a file of its own, with a sweep of what is pinned."""
        with self.news:
            run, document = self.run, self.original
        if asked == {}:
            return html(document)
        node, index, low, high = self._place(asked, "from", "to")
        values = np.linspace(low, high, FRAMES).tolist()
        frames = []
        for value in values:
            document, trouble = self._pinned(run, node, index, value)
            if trouble is not None:
                raise Refused(HTTPStatus.CONFLICT, trouble["text"])
            frames.append(document)
        try:
            return html(together(frames, values, FRAMES // 2, node, tuple(index)))
        except ValueError as error:
            raise Refused(HTTPStatus.CONFLICT, str(error)) from None

    def _pinned(self, run: Running | None, node: str, index: list[int], value: float) -> tuple[Any, Any]:
        answer = run.ask(node=node, index=index, value=value) if run is not None else None
        if answer is None:
            return None, _trouble("the script is being run anew")
        return answer["document"], answer["trouble"]

    def _place(self, asked: Any, *numbers: str) -> list[Any]:
        """Node, index and numbers of what was asked for, after a look at each."""
        if not isinstance(asked, dict) or asked.keys() != {"node", "index", *numbers}:
            raise Refused(HTTPStatus.BAD_REQUEST, f"expected node, index and {' and '.join(numbers)}")
        node, index = asked["node"], asked["index"]
        with self.news:
            shape = next((n["shape"] for n in self.document["nodes"] if n["id"] == node and node in self.leaves), None)
        if shape is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such leaf to pin")
        whole = isinstance(index, list) and all(type(i) is int for i in index)
        if not whole or len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape)):
            raise Refused(HTTPStatus.BAD_REQUEST, f"expected an index into the shape {tuple(shape)}")
        if not all(type(asked[name]) in (int, float) and math.isfinite(asked[name]) for name in numbers):
            raise Refused(HTTPStatus.BAD_REQUEST, "expected finite numbers")
        return [node, index, *(float(asked[name]) for name in numbers)]


def _trouble(text: str) -> dict[str, str]:
    return {"text": text, "trace": ""}


def stamp(file: str) -> tuple | None:
    """What changes when a file is written; None where there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
