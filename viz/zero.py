"""Why a gradient is zero: of each element, the first cause on the way from the loss.

A rule is asked what it makes of a gradient without zeros. Where even that gives zero, it is the op's own slope: its
`explain` tells a reason that can be seen in its numbers, or one of the factors that the rule takes is zero, and that
is followed back to where the zero was made. Elsewhere it is what arrives, and the cause is known already, for
backward comes from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.quiet import silent
from tinygrad_cnn.engine.node import Node, Pick
from tinygrad_cnn.engine.op import Op

from .again import Again
from .structure import Structure

WORTH_SAYING = 0.05  # this share of zeros


class Cause(NamedTuple):
    text: str
    node: int  # the birth of the node


class Zeros:
    """The zeros of the gradients of one walk. Of each element the number of its cause is kept, 0 where it has none."""

    def __init__(self, structure: Structure, roots: Sequence[int]):
        self.structure = structure
        self.roots = set(roots)
        self.causes: list[Cause] = []
        self.held: dict[tuple[int, int | None], np.ndarray] = {}  # (node, which of its results) -> causes

    def arrived(self, node: Node, g: Any) -> None:
        """The gradient is complete: what of it is zero beyond what its contributions explain."""
        for nr, part in g.items() if isinstance(g, dict) else [(None, g)]:
            key = (node.time, nr)
            known = self.held.pop(key, None)
            zero = np.asarray(part) == 0
            if not zero.any():
                continue
            causes = np.zeros(zero.shape, np.int16)
            if known is not None:
                causes[...] = known
            causes[~zero] = 0
            new = zero & (causes == 0)
            if new.any():
                if node.time in self.roots and known is None:
                    text = "backward began with a gradient of zero here"
                elif node.hooks and nr is None:
                    cut = self.structure.cuts.get((node.time, None))
                    text = cut.words if cut else "a hook made the gradient zero"
                else:
                    text = "the gradients that arrive add up to zero"
                causes[new] = self._cause(f"{self._called(node.time)}: {text} for {counted(new)}", node.time)
            self.held[key] = causes

    def passed(self, node: Node, call: Again | None, g: Any, contributions: list) -> list[dict | None]:
        """Why the contributions of a node are zero, each where it is worth saying."""
        return [self._passed(node, call, g, nr, c) for nr, c in enumerate(contributions)]

    @silent
    def _passed(self, node: Node, call: Again | None, g: Any, nr: int, c: Any) -> dict | None:
        parent = node.parents[nr]
        key = (parent.time, node.output_nr if isinstance(node, Pick) else None)
        causes = np.zeros(parent.shape if c is None else np.shape(c), np.int16)
        zero = np.ones(causes.shape, bool) if c is None else np.asarray(c) == 0
        if zero.any() or not zero.size:
            try:
                self._find(node, call, g, nr, zero, causes)
            except Exception:  # a rule of the script may do anything with other numbers
                self._find(node, None, g, nr, zero, causes)
        before = self.held.get(key)
        self.held[key] = causes if before is None else np.where((before > 0) & (causes > 0), before, np.int16(0))
        share = np.count_nonzero(causes) / max(1, zero.size)
        return self._why(causes, share) if share >= WORTH_SAYING else None

    def _find(self, node: Node, call: Again | None, g: Any, nr: int, zero: np.ndarray, causes: np.ndarray) -> None:
        self._arriving(node, call, g, nr, zero, causes)
        if (left := zero & (causes == 0)).any():
            self._own(node, call, g, nr, left, causes)

    def _why(self, causes: np.ndarray, share: float) -> dict:
        counts = np.bincount(causes.ravel(), minlength=len(self.causes) + 1)[1:]
        first, *others = np.argsort(-counts, kind="stable")
        text, node = self.causes[first]
        if others and counts[others[0]]:
            part = counts[first] / counts.sum()
            text = f"{text} (that makes {part:.0%} of the zeros; next, {self.causes[others[0]].text})"
        if share < 1:
            text = f"{'nearly 100%' if share > 0.995 else f'{share:.0%}'} of it is zero: {text}"
        return {"text": text, "node": node}

    def _arriving(self, node: Node, call: Again | None, g: Any, nr: int, zero: np.ndarray, causes: np.ndarray) -> None:
        """The cause of the zeros that come of zeros in what arrives."""
        parts = g if isinstance(g, dict) else {None: g}
        held = {k: self.held.get((node.time, k)) for k in parts}
        known = [k for a in held.values() if a is not None for k in np.unique(a) if k]
        if not known:
            return
        dead = not any(np.any(part) for part in parts.values())
        alone = held.get(None)
        if (dead or call is None or call.reason) and alone is not None and alone.shape == zero.shape:
            causes[zero] = alone[zero]
        elif dead and (len(set(known)) == 1 or call is None or call.reason):
            causes[zero] = known[0]
        elif call is not None and not call.reason:
            live = slopes(call, nr, {k: np.asarray(part) != 0 for k, part in parts.items()})
            for k in dict.fromkeys(known):
                which = {nr: np.zeros(np.shape(parts[nr]), bool) if a is None else a == k for nr, a in held.items()}
                causes[zero & (causes == 0) & ~live & slopes(call, nr, which)] = k

    def _own(self, node: Node, call: Again | None, g: Any, nr: int, left: np.ndarray, causes: np.ndarray) -> None:
        """What in the op itself makes these elements zero."""

        def put(where: np.ndarray, text: str) -> None:
            causes[where] = self._cause(f"{name}: {text} for {counted(where)}", node.time)

        name = self._called(node.time)
        op = getattr(node, "op", None)
        said = op.zero if isinstance(op, Op) else ""
        if call is None or call.reason:
            edges = self.structure.nodes[node.time]["inputs"]
            port = [i for i, edge in enumerate(edges) if edge["needs_grad"]][nr]
            if cut := self.structure.cuts.get((node.time, port)):
                text = cut.words
            elif isinstance(node, Pick):
                text = "what arrives at it is zero"
            else:
                text = said if said and isinstance(said, str) else "its rule gives zero"
            return put(left, text)
        for text, tells in said.items() if isinstance(said, dict) else ():
            found = tells(*[call.named[p] for p in asked(tells)])
            if np.shape(found) in ((), left.shape) and (found := found & left).any():
                put(found, text)
                left = left & ~found
        flat = left & ~slopes(call, nr, everywhere(call))
        for factor, found, value in self._factors(call, nr, flat):
            causes[found] = self._behind(node, name, factor, value == 0)
            left, flat = left & ~found, flat & ~found
        if flat.any():
            put(flat, said if said and isinstance(said, str) else "its slope is zero")
            left = left & ~flat
        if left.any():
            exact = call.pull(g)[nr]
            size = np.zeros(left.shape) if exact is None else np.abs(exact)
            lost = left & (size > 1e-12 * size.max(initial=0.0)) & (size > 0)
            if lost.any():
                put(lost, f"it is so small that {node.parents[nr].dtype} rounds it to zero,")
            if (left := left & ~lost).any():
                put(left, said if said and isinstance(said, str) else "the terms of its sum cancel")

    def _factors(self, call: Again, nr: int, flat: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """The factors whose zeros make the slope zero: each with where it does, and itself."""
        saved = call.node.saved
        assert saved is not None
        for slot, (name, value) in enumerate(zip(call.names, saved, strict=True)):
            if not flat.any():
                return
            array = isinstance(value, np.ndarray)
            if not name or not (array or (name in call.op.inputs and isinstance(value, float | int))):
                continue
            factor = np.asarray(value)
            if factor.all() or (array and factor.dtype.kind != "f"):
                continue
            filled = np.where(factor == 0, numbers(factor.shape), factor) if array else 1
            try:
                call.node.saved = [*saved[:slot], filled, *saved[slot + 1 :]]
                moves = slopes(call, nr, everywhere(call)) & flat
            finally:
                call.node.saved = saved
            if moves.any():
                yield name, moves, factor
                flat = flat & ~moves

    # zeros among the values of the forward pass

    def _behind(self, node: Node, name: str, port: str, zero: np.ndarray) -> int:
        """The cause of a factor's being zero: where forward made the zeros, if that is seen."""
        entry = self.structure.nodes[node.time]
        source = next((e["from"] for e in entry["inputs"] if e["port"] == port), None)
        cause = None if source is None else self._made(source)
        much = f" for {counted(zero)}" if zero.ndim else ""
        if cause is None or not cause.text:  # a number, or a tensor that holds the zeros from the start
            whose = "" if cause is None else f", {self._called(cause.node)},"
            return self._cause(f"{name}: its {port}{whose} is zero{much}", node.time if cause is None else cause.node)
        return self._cause(f"{cause.text}, so the {port} of {name} is zero", cause.node)

    def _made(self, birth: int) -> Cause | None:
        """Where the zeros of these values come from."""
        while True:
            entry, call = self.structure.nodes.get(birth), self.structure.calls.get(birth)
            if entry is None:
                return None
            if entry["kind"] not in ("op", "pick"):
                return Cause("", birth)
            if call is None or "args" not in call or not isinstance(call["op"], Op):
                return Cause(f"{self._called(birth)}: its result is zero", birth)
            op, args, out = call["op"], call["args"], call["out"]
            zero = np.asarray(out[0] if isinstance(out, tuple) else out) == 0
            if isinstance(op.zero, dict):
                named = dict(zip(op.parameters, args, strict=False)) | {"out": out}
                for text, tells in op.zero.items():
                    found = tells(*[named.get(p) for p in asked(tells)])
                    if np.shape(found) == zero.shape and (zero <= found).all():
                        return Cause(f"{self._called(birth)}: {text} for {counted(found)}", birth)
            sources = {e["port"]: e["from"] for e in entry["inputs"] if e["from"] is not None}
            arrays = [
                (sources[p], a) for p, a in zip(op.parameters, args, strict=False)
                if p in sources and isinstance(a, np.ndarray) and a.dtype.kind == "f"
            ]  # fmt: skip
            dead = [source for source, a in arrays if a.size and not a.any()]
            through = dead or [source for source, a in arrays if len(arrays) == 1 and not a.all()]
            if not through:
                return Cause(f"{self._called(birth)}: its result is zero for {counted(zero)}", birth)
            birth = through[0]

    # words

    def _called(self, birth: int) -> str:
        entry = self.structure.nodes.get(birth)
        if entry is None:
            return "an op"
        name = entry["op"] if entry["kind"] == "op" else entry["id"]
        return f"{name} at line {entry['where']['line']}" if entry["where"] else name

    def _cause(self, text: str, node: int) -> int:
        cause = Cause(text, node)
        if cause not in self.causes:
            self.causes.append(cause)
        return self.causes.index(cause) + 1


def counted(mask: np.ndarray) -> str:
    """How many, of examples where whole ones are meant: "2 of 2 examples", "3 of 8 elements"."""
    hit = int(np.count_nonzero(mask))
    if mask.ndim < 2:
        return f"{hit} of {mask.size} element{'s' if mask.size != 1 else ''}"
    rows = mask.reshape(len(mask), -1) if mask.size else mask
    whole = int(rows.all(1).sum())
    if whole * rows.shape[1] == hit:
        return f"{whole} of {len(mask)} example{'s' if len(mask) != 1 else ''}"
    units = mask.all(axis=(0, *range(2, mask.ndim)))
    dead = f", of {units.sum()} of {units.size} units in every example" if units.any() else ""
    return f"{hit} of {mask.size} elements{dead}"


def numbers(shape: tuple) -> np.ndarray:
    """Numbers that are not zero, and whose sums are not."""
    return np.random.default_rng(1).uniform(0.5, 1.5, shape)


def everywhere(call: Again) -> dict:
    return dict.fromkeys(range(len(call.outs)) if isinstance(call.out, tuple) else (None,), np.True_)


def slopes(call: Again, nr: int, where: dict) -> np.ndarray:
    """Whether a contribution moves with a gradient that is zero but at these places of what arrives."""
    ways = np.random.default_rng(2)
    g = {
        k: numbers(call.outs[k or 0].shape) * ways.choice((-1.0, 1.0), call.outs[k or 0].shape) * m
        for k, m in where.items()
    }
    c = call.pull(g.get(None, g))[nr]
    shape = call.values[call.places[nr]].shape
    return np.zeros(shape, bool) if c is None else np.broadcast_to(c != 0, shape)


def asked(f: Any) -> tuple[str, ...]:
    """The names of what a function takes."""
    return f.__code__.co_varnames[: f.__code__.co_argcount]
