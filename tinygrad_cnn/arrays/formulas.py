"""An elementwise function written down: what it does to one number, as plain data.

    >>> square = trace(lambda g, out: g * (1 - out * out), "ff")
    >>> print(square)
    c = b * b
    d = 1
    e = d - c
    f = a * e
    return f
    >>> square(np.ones(2, np.float32), np.array([0, 0.5], np.float32)).tolist()
    [1.0, 0.75]

`trace` runs a function once on Symbols, numbers that are not known yet. Whatever the function does with them is noted
by them: operators, NumPy's functions of one number, `np.where`. So a formula is never written twice: it is read off
an op's own definition, or off its rule. Called with arrays, a formula computes in NumPy what it says: that is its law,
which machine code made of it has to give as well.

The numbers of formulas are float32 or bool. A function that asks its arguments for more than their values, such as
their shapes, has no formula; neither has one that uses a function which is not listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

F = TypeVar("F", bound=Callable)

_FLOAT, _BOOL = np.dtype(np.float32), np.dtype(np.bool_)
_KINDS = {"f": _FLOAT, "b": _BOOL}
COMMON = (0.0, 1.0, -1.0, 2.0, 0.5)  # numbers that belong to a formula's structure; others are handed over beside it
LONGEST = 400  # steps


class Untraceable(TypeError):
    """A function does something that a formula cannot say."""


# name: (what NumPy computes it with, the kinds of its arguments, the kind of its result)
_ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide}
_EXTREMES = {"maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin, "copysign": np.copysign}
_COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater}
_COMPARISONS["ge"] = np.greater_equal
_LOGIC = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}
_FUNCTIONS = {
    "neg": np.negative,
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
}
_QUESTIONS = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit}
PRIMITIVES: dict[str, tuple[Callable, str, str]] = {
    **{name: (f, "ff", "f") for name, f in {**_ARITHMETIC, **_EXTREMES}.items()},
    **{name: (f, "ff", "b") for name, f in _COMPARISONS.items()},
    **{name: (f, "bb", "b") for name, f in _LOGIC.items()},
    **{name: (f, "f", "f") for name, f in _FUNCTIONS.items()},
    **{name: (f, "f", "b") for name, f in _QUESTIONS.items()},
    "not": (np.logical_not, "b", "b"),
    "float": (lambda b: b.astype(_FLOAT), "b", "f"),
    "where": (np.where, "bff", "f"),
    "choose": (np.where, "bbb", "b"),
}
_NAMES = {f: name for name, (f, _, _) in PRIMITIVES.items()}
_NAMES.update({np.bitwise_and: "and", np.bitwise_or: "or", np.bitwise_xor: "xor", np.invert: "not"})
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">"}
_SIGNS.update({"ge": ">=", "and": "&", "or": "|", "xor": "^"})


def primitive(kinds: str = "f") -> Callable[[F], F]:
    """Let a function of arrays, float32 -> float32, be one of those that formulas are made of, by its own name.

    >>> @primitive()  # doctest: +SKIP
    ... def erf(input): ...
    """

    def register(f: F) -> F:
        name = f.__name__
        PRIMITIVES[name] = f, kinds, "f"
        return _in_traces(f, lambda *args: _tracer_of(args).note(name, args))

    return register


def written(as_: Callable) -> Callable[[F], F]:
    """Let a function stand in a formula for what this other one says, which a formula can say.

    >>> @written(lambda input: np.maximum(input, 0))  # doctest: +SKIP
    ... def relu(input): ...
    """
    return lambda f: _in_traces(f, as_)


def _in_traces(f: F, otherwise: Callable) -> F:
    """f, but another function where an argument is a Symbol."""

    @wraps(f)
    def called(*args: Any) -> Any:
        for a in args:
            if type(a) is Symbol:
                return otherwise(*args)
        return f(*args)

    return called  # type: ignore[return-value]


class Formula(NamedTuple):
    """What a function does to one number, step by step; the same structure serves for other numbers.

    kinds: of the inputs, "f" for float32 and "b" for bool.
    steps: (name, *which steps it takes), or ("input", which), ("number", which), ("constant", value).
    outputs: which steps are the results.
    numbers: the values of its numbers.
    """

    kinds: str
    steps: tuple[tuple, ...]
    outputs: tuple[int, ...]
    numbers: tuple[float, ...] = ()

    @property
    def structure(self) -> tuple:
        """All but the numbers: what machine code is made of."""
        return self.kinds, self.steps, self.outputs

    def kind(self, step: int) -> str:
        """Of the result of a step: "f" or "b"."""
        name, *rest = self.steps[step]
        return self.kinds[rest[0]] if name == "input" else "f" if name in LEAVES else PRIMITIVES[name][2]

    @property
    def output_kinds(self) -> str:
        return "".join(self.kind(step) for step in self.outputs)

    def __call__(self, *arrays: np.ndarray) -> Any:
        """Its result for these arrays, or the tuple of them, computed by NumPy."""
        values: list[Any] = []
        for name, *rest in self.steps:
            if name == "input":
                values.append(arrays[rest[0]])
            elif name == "number":
                values.append(self.numbers[rest[0]])
            elif name == "constant":
                values.append(rest[0])
            else:
                values.append(PRIMITIVES[name][0](*[values[i] for i in rest]))
        results = tuple(values[i] for i in self.outputs)
        return results if len(results) > 1 else results[0]

    def __str__(self) -> str:
        lines, names = [], []
        for i, (name, *rest) in enumerate(self.steps):
            names.append(_letter(rest[0] if name == "input" else i + len(self.kinds) - self._inputs_before(i)))
            if name != "input":
                lines.append(f"{names[i]} = {self._said(name, rest, names)}")
        return "\n".join([*lines, "return " + ", ".join(names[i] for i in self.outputs)])

    def _inputs_before(self, i: int) -> int:
        return sum(step[0] == "input" for step in self.steps[:i])

    def _said(self, name: str, rest: list, names: list[str]) -> str:
        if name in LEAVES:
            return f"{self.numbers[rest[0]] if name == 'number' else rest[0]:.9g}"
        taken = [names[i] for i in rest]
        return f" {_SIGNS[name]} ".join(taken) if name in _SIGNS else f"{name}({', '.join(taken)})"


LEAVES = ("input", "number", "constant")


def _letter(i: int) -> str:
    return chr(ord("a") + i) if i < 26 else f"v{i}"


class Tracer:
    """Notes the steps of one function; what is computed twice is noted once."""

    def __init__(self, kinds: str):
        self.kinds, self.numbers = kinds, []  # type: ignore[var-annotated]
        self.steps: dict[tuple, int] = {("input", i): i for i in range(len(kinds))}

    @property
    def inputs(self) -> list[Symbol]:
        """What the function is given; made anew, for a Symbol holds its tracer."""
        return [self.step(("input", i), kind) for i, kind in enumerate(self.kinds)]

    def step(self, step: tuple, kind: str) -> Symbol:
        index = self.steps.setdefault(step, len(self.steps))
        if index >= LONGEST:
            raise Untraceable(f"a formula has no more than {LONGEST} steps")
        return Symbol(self, index, kind)

    def note(self, name: str, args: Any) -> Symbol:
        """The result of a primitive, of Symbols and plain numbers."""
        _, kinds, kind = PRIMITIVES[name]
        taken = [self.symbol(a, wanted).index for a, wanted in zip(args, kinds, strict=True)]
        return self.step((name, *taken), kind)

    def symbol(self, value: Any, kind: str) -> Symbol:
        """A Symbol of this kind: a bool counts as 0 or 1, a number is handed over or belongs to the formula."""
        if type(value) is not Symbol:
            if type(value) not in (bool, int, float, np.bool_, np.float32):
                raise Untraceable(f"a formula has no place for {type(value).__name__} {value!r}")
            value = self._number(float(np.float32(value)))
        elif value.tracer is not self:
            raise Untraceable("two functions are traced at once")
        if value.kind == kind:
            return value
        return self.note("float", (value,)) if kind == "f" else self.note("ne", (value, 0))

    def _number(self, value: float) -> Symbol:
        if value in COMMON and not (value == 0 and np.signbit(value)):
            return self.step(("constant", value), "f")
        key = next((i for i, v in enumerate(self.numbers) if repr(v) == repr(value)), len(self.numbers))
        if key == len(self.numbers):
            self.numbers.append(value)
        return self.step(("number", key), "f")


class Symbol(NDArrayOperatorsMixin):
    """A number that is not known yet. What is done with it is noted by its tracer."""

    __slots__ = ("index", "kind", "tracer")
    ndim = 1  # it stands for an array with axes

    def __init__(self, tracer: Tracer, index: int, kind: str):
        self.tracer, self.index, self.kind = tracer, index, kind

    @property
    def dtype(self) -> np.dtype:
        return _KINDS[self.kind]

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:
        kind = np.dtype(dtype).char.replace("?", "b")
        if kind not in _KINDS:
            raise Untraceable(f"a formula computes in float32, not in {np.dtype(dtype)}")
        return self.tracer.symbol(self, kind)

    def copy(self) -> Symbol:
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, dtype: Any = None, out: Any = None) -> Any:
        name, note = _NAMES.get(ufunc), self.tracer.note
        if method != "__call__" or out is not None or (dtype is not None and np.dtype(dtype) != _FLOAT):
            raise Untraceable(f"a formula has no {ufunc.__name__} with {method}, out= or dtype=")
        if name == "xor" or name == "and" or name == "or":
            if ufunc not in (np.logical_and, np.logical_or, np.logical_xor) and not all(map(_is_bool, args)):
                raise Untraceable("a float32 has no bits to speak of")
        elif name is None:
            if ufunc is np.square:
                return note("mul", (args[0], args[0]))
            if ufunc is np.reciprocal:
                return note("div", (1.0, args[0]))
            if ufunc is np.power:
                return _power(*args)
            raise Untraceable(f"a formula has no {ufunc.__name__}")
        elif all(map(_is_bool, args)) and dtype is None and PRIMITIVES[name][1][0] == "f" and name not in _COMPARISONS:
            raise Untraceable(f"{ufunc.__name__} of bool is none of float32")
        return note(name, args)

    def __array_function__(self, function: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if function is np.where and len(args) == 3:
            return choose(*args)
        if function is np.zeros_like and len(args) == 1 and self.kind == "f":
            return self.tracer.symbol(0.0, "f")
        if function is np.round and args[1:] in ((), (0,)):
            return np.rint(self)
        raise Untraceable(f"a formula has no {function.__name__}")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Untraceable("the values of a formula's numbers are not known")

    def __bool__(self) -> bool:
        raise Untraceable("a formula cannot depend on what its numbers are; use np.where")

    def __len__(self) -> int:
        raise Untraceable("a formula knows no shapes")


def choose(condition: Any, input: Any, other: Any) -> Symbol:
    """input where condition, else other, where one of them is a Symbol."""
    tracer = _tracer_of((condition, input, other))
    if all(map(_is_bool, (input, other))):
        return tracer.note("choose", (condition, input, other))
    return tracer.note("where", (condition, input, other))


def _tracer_of(args: tuple) -> Tracer:
    return next(a.tracer for a in args if type(a) is Symbol)


def _is_bool(value: Any) -> bool:
    return value.kind == "b" if type(value) is Symbol else isinstance(value, bool | np.bool_)


def _power(base: Any, exponent: Any) -> Any:
    """The powers that are products, quotients and roots."""
    if type(exponent) is not Symbol and isinstance(exponent, int | float | np.float32):
        if exponent == 1:
            return base
        if exponent == 2:
            return base * base
        if exponent == 3:
            return base * base * base
        if exponent == 0.5:
            return np.sqrt(base)
        if exponent == -1:
            return 1.0 / base
    raise Untraceable("a formula has no power but 1, 2, 3, 0.5 and -1")


def trace(f: Callable, kinds: str, *attributes: Any) -> Formula:
    """The formula of f(*inputs, *attributes), with inputs of these kinds, "f" for float32 and "b" for bool.

    Attributes are handed to f as they are. f returns one number or a tuple of them. Untraceable, where it has none.

    >>> relu = trace(lambda x, low: np.maximum(x, low), "f", 0.0)
    >>> relu.structure
    ('f', (('input', 0), ('constant', 0.0), ('maximum', 0, 1)), (2,))
    """
    tracer = Tracer(kinds)
    return tracer_formula(tracer, f, tuple(tracer.inputs) + attributes)


def trace_call(f: Callable, args: tuple) -> Formula:
    """The formula of f for arguments like these: each array of float32 or bool is an input."""
    tracer = Tracer("".join(a.dtype.char.replace("?", "b") for a in args if isinstance(a, np.ndarray)))
    inputs = iter(tracer.inputs)
    return tracer_formula(tracer, f, tuple(next(inputs) if isinstance(a, np.ndarray) else a for a in args))


def tracer_formula(tracer: Tracer, f: Callable, args: tuple) -> Formula:
    """What f does to these arguments, Symbols of the tracer among them."""
    try:
        found = f(*args)
        results = [
            r if type(r) is Symbol else tracer.symbol(r, "f") for r in (found if type(found) is tuple else (found,))
        ]
    except Untraceable:
        raise
    except Exception as why:  # whatever a function does with what it takes for an array
        raise Untraceable(f"{getattr(f, '__name__', f)} has no formula: {why}") from why
    return _pruned(tracer, [r.index for r in results])


def _pruned(tracer: Tracer, outputs: list[int]) -> Formula:
    """The formula without steps that nothing comes of; the inputs stay."""
    steps = list(tracer.steps)
    needed = set(outputs)
    for i in range(len(steps) - 1, -1, -1):
        name, *rest = steps[i]
        if i in needed and name not in LEAVES:
            needed.update(rest)
    kept = [i for i, step in enumerate(steps) if i in needed or step[0] == "input"]
    place = {old: new for new, old in enumerate(kept)}
    numbers: dict[int, int] = {}
    written = []
    for name, *rest in (steps[i] for i in kept):
        if name == "number":
            rest = [numbers.setdefault(rest[0], len(numbers))]
        elif name not in ("input", "constant"):
            rest = [place[i] for i in rest]
        written.append((name, *rest))
    values = tuple(tracer.numbers[k] for k in numbers)
    return Formula(tracer.kinds, tuple(written), tuple(place[i] for i in outputs), values)
