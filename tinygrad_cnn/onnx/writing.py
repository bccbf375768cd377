"""From a record of a model to the nodes of an ONNX graph: names, constants, and what of a table is asked for each call.

`TABLE` says how each op is written; its parts stand in `nodes/`, one topic a file:

    @writes("leaky_relu")
    def _(w, input, negative_slope):
        return w.node("LeakyRelu", input, alpha=negative_slope)

A function of the table gets the Writer and the arguments of the call by name. It returns the name of the result, or a
list of names; None declines, and then the calls inside are written, if there are any. What it hands to `node` are
values, names, arrays (which become constants), and None for what is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any

import numpy as np

from ..compiler.program import AsTensor, Value, filled, values_in
from ..compiler.steps import bump, write
from ..engine.tensor import wrap
from .library import library
from .sizes import Record, Size, Varies
from .trace import Call

TABLE: dict[str, Callable] = {}
FUNCTIONS: dict[CodeType, str] = {}  # those of the table that are no ops, by their code


def writes(*ops: str | Callable) -> Callable:
    """Put a function into the table, for these ops and functions."""

    def put(write: Callable) -> Callable:
        for op in ops:
            if callable(op):
                code = inspect.unwrap(op).__code__
                FUNCTIONS[code] = code.co_name
                TABLE[code.co_name] = write
            else:
                TABLE[op] = write
        return write

    return put


class Writer:
    """A graph that is being written. opset: which ONNX is written.

    names: of values that are known. out: the results of the call that is being written.
    """

    def __init__(self, record: Record, names: dict[Value, str], opset: int):
        self.record, self.opset = record, opset
        self.names = dict(names)
        self.nodes: list[Any] = []
        self.out: list[Value] = []
        self.outputs: list[str] = []
        self.taken = set(names.values())
        self.path = ""
        self._known: dict[Any, str] = {}  # constants and sizes that were asked for before
        self._folded: dict[Value, np.ndarray] = {}
        self._alike: dict[Value, set[Value]] = {}  # values on one memory
        self._overwritten: set[Value] = set()
        self._stale: dict[Value, str] = {}  # those that were overwritten through another one

    # what a function of the table asks for

    def node(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """A node, and the name of its result, or a list of them."""
        given = [self.name(x) for x in inputs]
        while given and not given[-1]:
            given.pop()
        name = self.unique(f"{self.path}/{kind}" if self.path else kind)
        outs = [name, *(f"{name}:{i}" for i in range(1, outputs))]
        kept = {key: _attribute(value) for key, value in attributes.items() if value is not None}
        self.nodes.append(library().helper.make_node(kind, given, outs, name, **kept))
        return name if outputs == 1 else outs

    def name(self, x: Any) -> str:
        """The name of a value; of an array, that of a constant."""
        if x is None:
            return ""
        if isinstance(x, str):
            return x
        if isinstance(x, Value):
            if x in self._stale:
                raise Varies(f"it reads memory that {self._stale[x]} has written to, in a way that is not followed")
            if x not in self.names:
                self.names[x] = self._sizes(x) or self.constant(self.array(x))
            return self.names[x]
        return self.constant(np.asarray(x))

    def array(self, x: Value) -> np.ndarray:
        """The numbers of a value that depends on no input."""
        if x in self._folded:
            return self._folded[x]
        if x.tensor is None:
            raise Varies("it takes a tensor that no op made")
        if x in self.record.varying:
            raise Varies("it takes an array that depends on its inputs, and was not made by ops (by NumPy?)")
        return x.tensor._array

    def _sizes(self, x: Value) -> str | None:
        """A few numbers that no op made and that are no constants: sizes of tensors, it may be."""
        if x not in self.record.varying or not 0 < x.tensor._array.size <= 8:
            return None
        pairs = zip(x.tensor._array.flat, self.record.varying[x].flat)
        sizes = [Size.of(int(a), int(b)) if int(a) == a and int(b) == b else None for a, b in pairs]
        if None in sizes or x.tensor._array.shape != self.record.varying[x].shape or len(x.shape) > 1:
            return None
        made = self.size(sizes[0], scalar=True) if not x.shape and isinstance(sizes[0], Size) else self.ints(sizes)
        return self.name(self.cast(made, x.dtype, np.dtype(np.int64)))

    def constant(self, array: np.ndarray) -> str:
        """The name of an array; equal ones are one."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            tensor = library().numpy_helper.from_array(array)
            self._known[key] = self.node("Constant", value=tensor)
        return self._known[key]

    def like(self, x: Value, number: Any) -> Any:
        """A number in the dtype of a value."""
        if isinstance(number, Size):
            return self.node("Cast", self.size(number, scalar=True), to=onnx_type(x.dtype))
        return np.asarray(number, x.dtype)

    def shape(self, x: Value) -> tuple:
        """The shape of a value, with a Size for each axis that is dynamic."""
        return self.record.shapes[x]

    def ints(self, numbers: Sequence) -> str:
        """Integers as a tensor, with those that depend on sizes computed."""
        numbers = list(numbers)
        if not any(isinstance(n, Size) for n in numbers):
            return self.constant(np.array(numbers, np.int64).reshape(len(numbers)))
        parts = [self.size(n) if isinstance(n, Size) else np.array([n], np.int64) for n in numbers]
        return self.node("Concat", *parts, axis=0) if len(parts) > 1 else self.name(parts[0])

    def size(self, n: Size, scalar: bool = False) -> str:
        """A number that depends on sizes, from the shape of a tensor that has it, or a part or a multiple of it."""
        key = n, scalar
        if key not in self._known:
            before, self.path = self.path, ""
            self._known[key] = self._size(n, scalar)
            self.path = before
        return self._known[key]

    def _size(self, n: Size, scalar: bool) -> str:
        """What fits both runs: the size of an axis, k of it and c more, or a k-th of it. `checking` tries others."""
        whole = lambda k: np.asarray(k if scalar else [k], np.int64)
        shapes = [(v, self.record.shapes.get(v, ())) for v in self.names]
        axes = [(m, v, i) for v, shape in shapes for i, m in enumerate(shape) if isinstance(m, Size)]
        for m, v, i in axes:
            if m == n:
                return self.node("Gather", self.node("Shape", v), whole(i), axis=0)
        for m, _, _ in axes:
            k, rest = divmod(n.second - n.first, m.second - m.first)
            if k and not rest:
                out = self.size(m, scalar) if k == 1 else self.node("Mul", self.size(m, scalar), whole(int(k)))
                c = int(n.first - k * m.first)
                return self.node("Add", out, whole(c)) if c else out
            k = m.first // n.first if 0 < n.first <= m.first else 0
            if k and m // k == n:
                return self.node("Div", self.size(m, scalar), whole(int(k)))
        raise Varies(f"it computes a number ({n}) from the size of a dynamic axis in a way that is not seen")

    def cast(self, x: Any, dtype: Any, of: Any) -> Any:
        """x, whose dtype is `of`, in another one."""
        return x if dtype == of else self.node("Cast", x, to=onnx_type(dtype))

    def unique(self, name: str) -> str:
        found, n = name, 0
        while found in self.taken:
            n += 1
            found = f"{name}_{n}"
        self.taken.add(found)
        return found

    # calls

    def write_all(self, results: list[Value]) -> None:
        """All that the results need."""
        needed = set(results)
        kept = []
        for call in reversed(self.record.calls):
            if call.effect in ("writes", "calls") or not needed.isdisjoint(call.outs):
                kept.append(call)
                needed.update(_taken(call))
        self.write(kept[::-1])

    def write(self, calls: list[Call]) -> None:
        for call in calls:
            try:
                self._write(call)
            except Varies as why:
                raise RuntimeError(f"onnx.export: {call.name}{call.where()}: {why}") from None
            except (ArithmeticError, LookupError, TypeError, ValueError) as why:  # as of an axis that is not there
                raise RuntimeError(f"onnx.export: {call.name}{call.where()} is not written: {why}") from why

    def _write(self, call: Call) -> None:
        if call.effect == "writes" and call.run is not bump:
            self._overwrite(call)
        elif call.effect in ("check", "raises") or call.run is bump or self._folds(call):
            return
        elif call.effect == "random":
            raise Varies("it draws random numbers")
        elif not self._by_table(call):
            self._within(call)

    def _by_table(self, call: Call) -> bool:
        say = TABLE.get(call.name)
        if say is None:
            return False
        self.path, self.out = call.path, call.outs
        made = say(self, **{str(key): value for key, value in call.args.items()})
        if made is None:
            return False
        for v, result in zip(call.outs, made if isinstance(made, list) else [made]):
            if v is not None:
                self.names[v] = self.name(result)
                self._link(call, v)
        return True

    def _within(self, call: Call) -> None:
        if call.inner is not None:
            self.write(call.inner)
        elif call.why:
            raise Varies(call.why)
        else:
            raise NotImplementedError(
                f"onnx.export: there is no {call.name.strip('_')} in ONNX, or it is not known how it is said "
                f"there{call.where()}; say it by other functions, or leave it out of the model"
            )

    def _folds(self, call: Call) -> bool:
        """Whether a call depends on nothing but constants, and is computed here."""
        if call.inner is not None or call.effect or call.run is None or len(call.outs) != 1:
            return False
        taken = set(values_in((call.given, call.named)))
        known = {v: self._folded[v] for v in taken if v in self._folded}
        known |= {v: v.tensor._array for v in taken if v.kind == "constant" and v not in self.record.varying}
        (v,) = call.outs
        moved = self._stale.keys() | self._overwritten
        if len(known) < len(taken) or v is None or _has_size([*call.args.values()]) or taken & moved:
            return False
        given = [wrap(known[a.value]) if isinstance(a, AsTensor) else filled(a, known) for a in call.given]
        made = call.run(*given, **filled(call.named, known))
        self._folded[v] = np.asarray(getattr(made, "_array", made[0] if isinstance(made, tuple) else made))
        self._link(call, v)
        return True

    def _overwrite(self, call: Call) -> None:
        """A change in place: from now on the value is another one, and those on its memory are not what they were."""
        into = call.written[0]
        made: Any = next((v for v in values_in(call.args) if v is not into), None)
        if call.run is not write:  # into a part of it
            self.path, self.out = call.path, [into]
            made = TABLE[call.name](self, **{str(k): v for k, v in call.args.items()}) if call.name in TABLE else None
        self._overwritten.add(into)
        for other in self._alike.get(into, ()):
            if other is not into:
                self._stale[other] = call.name
        if into.kind == "outside" or made is None:  # a weight that is changed: whoever reads it later is refused
            self._stale[into] = f"{call.name}{call.where()}"
        else:
            self.names[into] = self.name(made)

    def _link(self, call: Call, v: Value) -> None:
        """A view lies in the memory of its first argument."""
        source = next(values_in(call.args), None)
        if call.view and source is not None:
            group = self._alike.setdefault(source, {source})
            group.add(v)
            self._alike[v] = group


def _taken(call: Call) -> Iterator[Value]:
    """The values that a call takes, and those inside it."""
    yield from values_in(call.args)
    for inner in call.inner or ():
        yield from _taken(inner)


def _has_size(tree: Any) -> bool:
    if isinstance(tree, tuple | list):
        return any(map(_has_size, tree))
    return isinstance(tree, Size)


def _attribute(value: Any) -> Any:
    """An attribute of a node, which is fixed."""
    if _has_size(value):
        raise Varies(f"{value} depends on the size of a dynamic axis, and ONNX wants a constant there")
    if isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, np.generic):
        return value.item()
    return [_attribute(v) for v in value] if isinstance(value, tuple | list) else value


def onnx_type(dtype: Any) -> int:
    """ONNX's number of a dtype."""
    return library().helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
