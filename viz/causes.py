"""Why no gradient comes back a way: it is told apart, and by the line where that is known.

    frozen     requires_grad is False          unused     the result does not depend on it
    no_grad    made under no_grad              hook       a hook made the gradient zero, or gave none
    detached   by detach(), .data              function   a Function's backward returned None
    integer    whole numbers and truth values have no gradient

A recorder notes what every tensor was used for (`Uses`). From a leaf that got no gradient, the ways of its values to
the result are followed, and the first cut on the shortest of them is the cause.
"""

from __future__ import annotations

import inspect
import linecache
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .structure import Structure

Place = tuple[str, int, str] | None


class Cause(NamedTuple):
    """What keeps gradients from going a way; the words for it, and the line of a script."""

    kind: str
    words: str
    where: Place = None


DETACHED = "detached: it has a history, but gradients were told not to take it"
FROZEN = Cause("frozen", "frozen: requires_grad is False")
NEVER = "none of its inputs needs a gradient"
UNUSED = "unused: the result does not depend on it"
TAKEN = "detached: its numbers left the graph"
UNSEEN = "unused: no gradient can come back to it; a recording of all that was computed would tell more"
BEGINNINGS = {"detached": "detached", "made under no_grad": "no_grad", "frozen": "frozen"}


def cause_kind(thing: dict[str, Any]) -> str:
    """The kind of what keeps gradients from an edge or a node; from its words where it names none; "" for nothing.

    >>> cause_kind({"reason": "detached: its numbers left the graph"})
    'detached'
    """
    if "cause" in thing:
        return thing["cause"]["kind"]
    reason = thing.get("reason", "")
    return next((kind for start, kind in BEGINNINGS.items() if reason.startswith(start)), "")


def integer(dtype: Any, where: Place = None) -> Cause:
    return Cause("integer", f"{dtype} numbers have no gradient", where)


def detached(where: Place = None) -> Cause:
    return Cause("detached", DETACHED, where)


def place_of(function: Any) -> Place:
    """Where a function is defined: a hook, or a Function's backward."""
    function = inspect.unwrap(function)
    function = getattr(function, "func", function)  # of a partial
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    if code is None:
        return None
    line = code.co_firstlineno
    while linecache.getline(code.co_filename, line).lstrip().startswith("@"):  # its decorators stand above it
        line += 1
    return code.co_filename, line, code.co_name


def told(cause: Cause, sources: Any) -> dict[str, Any]:
    """A cause as plain data."""
    return {"kind": cause.kind, "where": sources.where(cause.where)}


def sentence(cause: Cause, sources: Any) -> str:
    """Its words, and its line."""
    where = sources.where(cause.where)
    return f"{cause.words}, at {where['file']}:{where['line']}" if where else cause.words


class Uses:
    """What values were used for, by birth: what took them, and what cut the way of a gradient there, if anything."""

    def __init__(self) -> None:
        self.of: dict[int, list[tuple[int, Cause | None]]] = {}

    def add(self, source: int, call: int, cause: Cause | None = None) -> None:
        self.of.setdefault(source, []).append((call, cause))


class Search:
    """Looks for the causes of missing gradients, in a structure whose edges are still births."""

    def __init__(self, structure: Structure):
        self.structure = structure
        self.back: dict[int, list[tuple[int, Cause | None]]] = {}  # what each call took
        taken = set()
        for key, entry in structure.nodes.items():
            for edge in entry["inputs"]:
                if edge["from"] is not None:
                    self.back.setdefault(key, []).append((edge["from"], edge.get("cause")))
                    taken.add(edge["from"])
        for source, uses in structure.uses.of.items():
            for call, cause in uses:
                if call not in structure.nodes:
                    self.back.setdefault(call, []).append((source, cause))
                    taken.add(source)
        roots = [key for key, entry in structure.nodes.items() if entry.get("output")]
        roots = roots or [key for key in self.back if key not in taken]  # without a result, what came last is one
        self.whole = self._leading(dict.fromkeys(roots), cuts=False)
        self.cut = self._leading(dict.fromkeys(roots))
        self.left = self._leading({key: Cause("detached", TAKEN, where) for key, where in structure.exits.items()})
        ops = [key for key, entry in structure.nodes.items() if entry["kind"] == "op" and entry["needs_grad"]]
        self.saw_all = bool(structure.calls) and all(key in structure.calls for key in ops)

    def _leading(self, ends: dict[int, Cause | None], cuts: bool = True) -> dict[int, Cause | None]:
        """All that leads to these ends: the first cut on the shortest way, else what the end says."""
        found, queue = dict(ends), deque(ends)
        while queue:
            key = queue.popleft()
            for source, cause in self.back.get(key, ()):
                if source not in found and (cuts or cause is None):
                    found[source] = cause or found[key]
                    queue.append(source)
        return found

    def cause(self, key: int | None) -> Cause | None:
        """Why there is no gradient for a leaf; None where its way is whole, so that it was not asked for."""
        if key in self.whole:
            return None
        found = self.cut.get(key) or self.left.get(key) if key is not None else None
        if found is not None:
            return found
        uses = self.structure.uses.of.get(key, ()) if key is not None else ()
        where = next((place for call, _ in uses if (place := self.structure.line(call))), None)
        return Cause("unused", UNUSED if self.saw_all else UNSEEN, where)


def without_gradient(structure: Structure, passes: list[dict]) -> list[dict[str, Any]]:
    """Give each leaf that got no gradient its cause; returns the parameters of the models without one, and why."""
    for (key, port), cut in structure.cuts.items():
        entry = structure.nodes.get(key)
        if entry is not None and cut is not None:
            cut_here = entry if port is None else entry["inputs"][port]
            cut_here["cause"], cut_here["reason"] = cut, sentence(cut, structure.sources)
    search, names = Search(structure), structure.names
    arrived = {step["node"] for one in passes for step in one["steps"]}
    led = {edge["from"] for entry in structure.nodes.values() for edge in entry["inputs"] if edge["needs_grad"]}
    led |= {key for key, entry in structure.nodes.items() if entry.get("output")}
    drawn: dict[str, Any] = {}
    for key, entry in structure.nodes.items():
        if entry["kind"] not in ("parameter", "input"):
            continue
        served = entry["id"] in arrived if passes else key in led
        cause = None
        if entry["needs_grad"] and not served and key not in structure.served:
            cause = search.cause(key)
            if cause is not None:
                entry["cause"], entry["reason"] = cause, sentence(cause, structure.sources)
        if entry["kind"] == "parameter":
            drawn.update(dict.fromkeys(entry["parameters"], cause))
    missing = []
    for name, p in names.all_parameters():
        birth = structure.leaf(p)
        cause = drawn[name] if name in drawn else search.cause(birth) if p.requires_grad else FROZEN
        if cause is not None and birth not in structure.served:
            missing.append(
                {
                    "name": name,
                    "shape": list(p.shape),
                    "reason": sentence(cause, structure.sources),
                    "cause": told(cause, structure.sources),
                }
            )
    return missing
