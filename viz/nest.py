"""The document as boxes within boxes, for the page, where each can be opened: calls of modules, and what repeats.

A box is one call: a run of ops without a stranger among them, so that folded boxes never feed each other in a
circle. What repeats, each turn fed by the one before, is one more box, ×N. A parameter is a pill at the first
op that uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .dot import attributes_text
from .fold import Frame, View, chains

LONGEST = 64  # ops and calls in one turn of a loop
SOURCES = ("parameter", "buffer")


@dataclass(eq=False)
class Nest:
    """A box that can be opened; `inside` are nodes, by number, and boxes, in the order in which they ran."""

    key: str
    name: str = ""
    module: str = ""
    inside: list[int | Nest] = field(default_factory=list)
    times: int = 0  # of what repeats
    turn: list[str] = field(default_factory=list)  # what one turn of a loop is made of

    def plain(self) -> dict[str, Any]:
        inside = [item if isinstance(item, int) else item.plain() for item in self.inside]
        said: dict[str, Any] = {"key": self.key, "name": self.name, "module": self.module, "inside": inside}
        return said | ({"times": self.times, "turn": self.turn} if self.times else {})

    def ops(self) -> Iterator[int]:
        for item in self.inside:
            yield from (item,) if isinstance(item, int) else item.ops()


def nest(document: dict[str, Any], seen: View) -> dict[str, Any]:
    """Of a view in which nothing is folded: its boxes within boxes, the pills of each op, its attributes in a
    few words, and the arrows: source, target and port, all by number.
    """
    nodes = document["nodes"]
    present = sorted(i for box in seen.boxes.values() for i in box.nodes)
    users: dict[int, list[int]] = {i: [] for i in present}
    feeds: dict[int, list[int]] = {i: [] for i in present}
    for a in seen.arrows:
        users[a.source_node].append(a.target_node)
        feeds[a.target_node].append(a.source_node)
    root = _calls(document, _in_order(nodes, present, users))
    _Repeats(document, feeds).find(root)
    around = dict(_around(root, ()))
    pills: dict[int, list[int]] = {}
    for i in present:
        if not nodes[i]["inputs"]:
            if _is_pill(nodes, i, users[i], feeds):
                pills.setdefault(users[i][0], []).append(i)
            else:
                _stand(root, i, [(*around[u], u) for u in users[i]])
    arrows = [[a.source_node, a.target_node, a.place] for a in seen.arrows]
    notes = {i: text for i in present if (text := _note(document, nodes[i]))}
    return {"inside": root.plain()["inside"], "pills": pills, "notes": notes, "arrows": arrows}


def _in_order(nodes: list[dict], present: list[int], users: dict[int, list[int]]) -> list[int]:
    """The ops as they ran, but one output of several before what uses it first: in the step that reads it."""
    ops = [i for i in present if nodes[i]["inputs"]]
    return sorted(ops, key=lambda i: min(users[i]) - 0.5 if nodes[i]["kind"] == "pick" and users[i] else i)


def _note(document: dict[str, Any], node: dict) -> str:
    """What a box says beside the name: that the op changed a tensor in place, and what it was told."""
    return " ".join(filter(None, ["in place" if node.get("inplace") else "", attributes_text(document, node, 24)]))


def _calls(document: dict[str, Any], ops: list[int]) -> Nest:
    """The calls of modules around the ops, in the order in which they ran."""
    classes = {m["path"]: m["class"] for m in document["modules"]}
    lying = chains(document)
    root = Nest("")
    stack: list[tuple[Frame, Nest]] = []
    met: Counter = Counter()
    for i in ops:
        calls = lying[document["nodes"][i]["id"]]
        same = 0
        while same < min(len(stack), len(calls)) and stack[same][0] == calls[same]:
            same += 1
        del stack[same:]
        for call in calls[same:]:
            outer = stack[-1][1] if stack else root
            name = call.module.removeprefix(f"{outer.module}.")
            name += f": {classes[call.module]}" if classes.get(call.module, name) not in ("", name) else ""
            met[call.key] += 1
            key = call.key if met[call.key] == 1 else f"{call.key}#{met[call.key]}"
            again = call.suffix if not stack or stack[-1][0].call != call.call else ""
            box = Nest(key, name + again, call.module)
            outer.inside.append(box)
            stack.append((call, box))
        (stack[-1][1] if stack else root).inside.append(i)
    return root


class _Repeats:
    """Find what stands several times in a row and put a box around it: each turn is fed by the one before, or a
    single op is done to many tensors."""

    def __init__(self, document: dict[str, Any], feeds: dict[int, list[int]]):
        self.nodes, self.feeds = document["nodes"], feeds
        self.classes = {m["path"]: m["class"] for m in document["modules"]}

    def find(self, box: Nest) -> None:
        for item in box.inside:
            if isinstance(item, Nest):
                self.find(item)
        items = box.inside
        labels = [self._label(item) for item in items]
        number = {op: k for k, item in enumerate(items) for op in _ops(item)}
        before = [{number[f] for op in _ops(item) for f in self.feeds[op] if f in number} for item in items]
        matches = {}
        for period in range(1, min(LONGEST, len(items) // 2) + 1):
            matches[period] = run = [0] * (len(items) + 1)
            for k in range(len(items) - period - 1, -1, -1):
                run[k] = run[k + 1] + 1 if labels[k] == labels[k + period] else 0
        box.inside = []
        k = 0
        while k < len(items):
            times, period = self._best(items, k, matches, before)
            if times:
                box.inside.append(self._repeat(items[k : k + period * times], period, box))
            else:
                box.inside.append(items[k])
            k += max(1, period * times)

    def _label(self, item: int | Nest) -> tuple:
        if isinstance(item, int):
            return self.nodes[item]["op"], str(self.nodes[item]["shape"])
        return "a call of", self.classes.get(item.module), str(self.nodes[list(item.ops())[-1]]["shape"])

    def _best(self, items: list, k: int, matches: dict[int, list[int]], before: list[set]) -> tuple[int, int]:
        best = (0, 0)
        for period, run in matches.items():
            times = run[k] // period + 1
            if times * period <= best[0] * best[1] or any(
                period % p == 0 and matches[p][k] >= period - p for p in range(1, period)
            ):
                continue
            turn = items[k : k + period]
            apart = period == 1 and isinstance(turn[0], int)  # one op over and over is a chain, and drawn as one
            turns = 1
            while turns < times and apart != any(
                (k if apart else k + (turns - 1) * period) <= f < k + turns * period
                for j in range(k + turns * period, k + (turns + 1) * period)
                for f in before[j]
            ):
                turns += 1
            if turns >= _least(turn) and turns * period > best[0] * best[1]:
                best = (turns, period)
        return best

    def _said(self, item: int | Nest) -> str:
        """What a turn of a loop is told to be made of: calls and ops, not the outputs of an op one by one."""
        if isinstance(item, Nest):
            return item.name.partition(":")[0]
        return "" if self.nodes[item]["kind"] == "pick" else self.nodes[item]["op"]

    def _repeat(self, items: list, period: int, outer: Nest) -> Nest:
        times = len(items) // period
        first, last = items[0], items[-1]
        key = f"{first.key if isinstance(first, Nest) else self.nodes[first]['id']}×{times}"
        if isinstance(first, int) and period == 1:
            return Nest(key, f"{self.nodes[first]['op']} ×{times}", inside=items, times=times)
        if period == 1:
            name = first.module.removeprefix(f"{outer.module}.")
            name += f"–{last.module.rpartition('.')[2]}" if last.module != first.module else ""
            return Nest(key, f"{name}: {self.classes[first.module]} ×{times}", inside=items, times=times)
        box = Nest(key, f"step ×{times}", times=times, turn=[*filter(None, map(self._said, items[:period]))])
        for k in range(times):
            box.inside.append(Nest(f"{key}/{k + 1}", f"step {k + 1}", inside=items[k * period : (k + 1) * period]))
        return box


def _ops(item: int | Nest) -> Iterator[int]:
    return iter((item,)) if isinstance(item, int) else item.ops()


def _least(turn: list) -> int:
    """How often this must stand in a row to be a repeat; a few turns of a loop are read as they are."""
    if len(turn) > 1:
        return 6
    return 4 if isinstance(turn[0], int) else 2 if len(list(turn[0].ops())) > 1 else 3


def _around(box: Nest, outer: tuple[Nest, ...]) -> Iterator[tuple[int, tuple[Nest, ...]]]:
    """The boxes around each op."""
    for item in box.inside:
        if isinstance(item, int):
            yield item, (*outer, box)
        else:
            yield from _around(item, (*outer, box))


def _is_pill(nodes: list[dict], i: int, users: list[int], feeds: dict[int, list[int]]) -> bool:
    """Whether a source is drawn at its op: a parameter is, and an input that joins what comes from elsewhere."""
    if nodes[i]["kind"] in SOURCES:
        return bool(users)
    others = [[f for f in feeds[u] if f != i and nodes[f]["kind"] not in SOURCES] for u in users]
    return bool(users) and all(
        any(nodes[f]["inputs"] for f in found) or (found and feeds[u][0] != i)
        for u, found in zip(users, others, strict=True)
    )


def _stand(root: Nest, i: int, users: list[tuple]) -> None:
    """Put an input before what uses it, outside of modules, but in the turn of a loop that alone uses it."""
    box, level = root, 1
    while users and all(u[level] is users[0][level] for u in users):
        step = users[0][level]
        if not isinstance(step, Nest) or step.module:
            break
        box, level = step, level + 1
    box.inside.insert(box.inside.index(users[0][level]) if users else 0, i)
