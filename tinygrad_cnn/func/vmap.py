"""`vmap`: a function of one example becomes one of a batch.

    vmap(f)(xs) = stack([f(x) for x in xs])

f runs once. Its tensors are `Batched`: each stands for one example and holds all of them. An op that meets one is run
on the whole batch, by its batching rule. So one sees to the shapes of one example, and the loop runs in the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from ..arrays.arguments import ByExample
from ..engine.call import Op
from ..engine.inplace import change
from ..engine.modes import mode
from ..engine.tensor import Tensor, wrap
from ..ops.join import cat, tensor_split
from ..ops.shape import movedim
from ..random import Generator, current_generator, drawn_from, of_thread
from .batched import Batched, Veil, added, at_levels, levels_of, removed
from .batching import OTHERS, PARTS, by_example, parted, refuse_shape, rule_of, slow, stacked
from .interpreter import Interpreter, again, tensors_in
from .tree import leaves, rebuilt, spread


class Examples(Interpreter):
    """One level of vmap: ops that meet a tensor of this level run on all of its examples."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def has(self, *values: Any) -> bool:
        """Whether a tensor among the values stands for the examples of this level."""
        return any(self.level in levels_of(t) for t in tensors_in(values))

    def opened(self, value: Any) -> Any:
        """An argument with the examples of this level along a first axis."""
        if isinstance(value, Batched) and self.level in value.levels:
            return removed(value, self.level, self.size)
        if isinstance(value, tuple | list) and self.has(*value):
            return type(value)([self.opened(v) if self.has(v) else v for v in value])
        return value

    def closed(self, out: Any) -> Any:
        """The examples of this level of a result."""
        if isinstance(out, tuple):
            found = [self.closed(t) for t in out]
            return type(out)(*found) if hasattr(out, "_fields") else tuple(found)
        return added(out, self.level) if isinstance(out, Tensor) else out

    def run(self, op: Any, args: Sequence) -> Any:
        for a in args:
            if isinstance(a, Veil):
                a.item()
        if not self.has(*args):
            return again(op, args)
        if not isinstance(op, Op):
            return self.function(op, args)
        parts = PARTS.get(op.name) or op.composition
        if parts is not None and op.name not in OTHERS:
            return self.during(parts, *args)
        batched = [self.has(a) for a in args]
        values = [wrap(a) if isinstance(a, np.ndarray) and op.variadic else self.opened(a) for a in args]
        if op.variadic:
            return self.closed(OTHERS.get(op.name, by_example)(op, values, batched, self.size))  # type: ignore[arg-type]
        given = dict(zip(op.parameters, values, strict=True))
        given.update({k: wrap(v) for k, v in given.items() if k in op.inputs and isinstance(v, np.ndarray)})
        names = {name for name, b in zip(op.parameters, batched) if b}
        return self.closed(rule_of(op)(op, given, names, self.size))

    def function(self, function: Any, args: Sequence) -> Any:
        """A Function by its own `vmap`; else example by example, if it says that it may be."""
        if "vmap" in vars(function):
            opened = [self.opened(a) for a in args]
            in_dims = tuple([0 if self.has(a) else None for a in args])
            out, out_dims = function.vmap(_Info(self.size), in_dims, *opened)
            if not isinstance(out, tuple):
                return out if out_dims is None else added(movedim(out, out_dims, 0), self.level)
            dims = out_dims if isinstance(out_dims, tuple | list) else (out_dims,) * len(out)
            return tuple([t if d is None else added(movedim(t, d, 0), self.level) for t, d in zip(out, dims)])
        if not getattr(function, "generate_vmap_rule", False):
            raise RuntimeError(
                f"vmap: {function.__name__} has no vmap support; give it a static method vmap(info, in_dims, *args), "
                "or set generate_vmap_rule = True for it to be run example by example"
            )
        return self.each(function.apply, tuple(args), {})

    def each(self, f: Callable, args: tuple, kwargs: dict) -> Any:
        """f(*args, **kwargs) example by example, and the results as examples again."""
        rows: Any = [[parted(self.opened(a), self.size) if self.has(a) else [a] * self.size for a in args]]
        named = {k: parted(self.opened(v), self.size) if self.has(v) else [v] * self.size for k, v in kwargs.items()}
        results = [f(*[a[i] for a in rows[0]], **{k: v[i] for k, v in named.items()}) for i in range(self.size)]
        return self.closed(stacked(results))

    def changing(self, t: Tensor, name: str, make: Callable) -> Any:
        def remade(_: Tensor) -> Any:
            made = self.during(make, t)
            if not self.has(made) and not self.has(t):
                return made
            if not self.has(t):
                raise RuntimeError(
                    f"vmap: {name}: a tensor that is the same for all examples cannot be changed in place to what "
                    "differs from example to example; use the op that makes a new one, or make it of one that differs, "
                    "as by zeros_like(x) or x.new_zeros(...)"
                )
            return removed(made, self.level, self.size) if isinstance(made, Tensor) else made

        inner = at_levels(t.physical, t.levels[:-1]) if isinstance(t, Batched) and self.has(t) else t
        self.outside(change, inner, name, remade)
        return t

    def taken(self, t: Tensor) -> None:
        if isinstance(t, Batched):
            t._array.item()
        super().taken(t)


class _Info:
    """What a Function's `vmap` is told: how many examples there are, and how chance is to be taken."""

    def __init__(self, batch_size: int):
        self.batch_size, self.randomness = batch_size, "error"


class _Refused(Generator):
    """Chance under randomness="error"."""

    def __init__(self, examples: Examples):
        super().__init__()

    @property
    def numpy(self) -> Any:  # type: ignore[override]
        raise RuntimeError(
            "vmap: a random number is being drawn, and it is not said whether all examples get the same ones; "
            'pass randomness="same" or randomness="different" to vmap, or draw outside of it'
        )


class _Different(Generator):
    """Chance under randomness="different": who draws is run example by example, from the generator `before`."""

    def __init__(self, examples: Examples):
        super().__init__()
        self.examples, self.before = examples, current_generator()

    @property
    def numpy(self) -> Any:  # type: ignore[override]
        error = ByExample("vmap: this draws random numbers in a way that cannot be done example by example")
        error.drawn = True
        raise error


_GENERATORS = {"error": _Refused, "different": _Different}


def vmap(
    func: Callable, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Callable:
    """The function that maps func over an axis of its inputs: vmap(f)(xs) = stack([f(x) for x in xs]).

    in_dims: the axis of each argument, None where all examples share it; nested like the arguments, or one for all.
    out_dims: where the axis stands in the results. Keyword arguments are those of every example.
    randomness: "error" refuses to draw, with "same" all examples see the same numbers, with "different" others.
    chunk_size: so many examples at once.

    Numbers that differ from example to example cannot be looked at (`.item()`, `if`): a RuntimeError. A ValueError
    where the axes do not fit the arguments.

    >>> import tinygrad_cnn as tg
    >>> rows = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.func.vmap(tg.dot)(rows, rows).tolist()
    [5.0, 25.0]
    >>> tg.func.vmap(lambda x, w: x * w, in_dims=(1, None), out_dims=1)(rows, tg.tensor([1.0, 10.0])).tolist()
    [[1.0, 2.0], [30.0, 40.0]]
    """
    check_randomness("vmap", randomness)
    if chunk_size is not None and not isinstance(chunk_size, int):
        raise TypeError(f"vmap: chunk_size must be an int or None, got {type(chunk_size).__name__}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size must be positive, got {chunk_size!r}")

    @wraps(func, updated=())
    def mapped_function(*args: Any, **kwargs: Any) -> Any:
        f = partial(func, **kwargs) if kwargs else func
        dims, size = _in_dims(in_dims, args)
        if chunk_size is None or chunk_size >= size:
            return _run(f, args, dims, size, out_dims, randomness)
        parts, done = [], 0
        pieces = [_split(t, d, chunk_size, size) for t, d in zip(leaves(args), dims)]
        for row in zip(*pieces):
            part = rebuilt(args, row)
            n = min(chunk_size, size - done)
            parts.append(_run(f, part, dims, n, out_dims, randomness))
            done += n
        places: Any = spread(out_dims, parts[0])
        joined = [cat(list(row), d or 0) for row, d in zip(zip(*map(leaves, parts)), places)]
        return rebuilt(parts[0], joined)

    return mapped_function


def _split(value: Any, dim: int | None, chunk: int, size: int) -> Sequence:
    ends = list(range(chunk, size, chunk))
    return [value] * (len(ends) + 1) if dim is None else tensor_split(value, ends, dim)


def check_randomness(name: str, randomness: Any) -> None:
    """Refuse what is none of the three kinds of chance."""
    if not isinstance(randomness, str) or randomness not in ("error", "different", "same"):
        raise RuntimeError(f"{name}: randomness is 'error', 'different' or 'same', got {randomness!r}")


def _in_dims(in_dims: Any, args: tuple) -> tuple[list, int]:
    """The axis of each leaf of the arguments, and how many examples there are."""
    if not isinstance(in_dims, int | tuple | list) or isinstance(in_dims, bool):
        kind = type(in_dims).__name__
        raise ValueError(f"vmap: in_dims must be an int or a tuple that is nested like the arguments, got {kind}")
    if not leaves(args):
        raise ValueError("vmap: it maps over tensors, but the function was called without any arguments")
    dims = spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
    if dims is None:
        raise ValueError(
            f"vmap: in_dims {in_dims} must be nested like the arguments: one for each, or for what is in it"
        )
    found: list[int | None] = []
    sizes: list[int] = []
    for i, (t, d) in enumerate(zip(leaves(args), dims, strict=True)):
        if d is not None and (not isinstance(d, int) or isinstance(d, bool)):
            raise ValueError(f"vmap: in_dim of input {i} must be an int or None, got {d!r}")
        if d is not None and not isinstance(t, Tensor):
            raise ValueError(
                f"vmap: in_dim {d} was given for input {i}, a {type(t).__name__}; give None for what is no Tensor"
            )
        if d is not None:
            if not -t.ndim <= d < t.ndim:
                raise ValueError(f"vmap: in_dim {d} of input {i} is not an axis of it; it has {t.ndim} axes")
            d %= t.ndim
            sizes.append(t._array.shape[d])
        found.append(d)
    if not sizes:
        raise ValueError(f"vmap: in_dims {in_dims} maps over nothing; at least one axis must be an int")
    if len(set(sizes)) > 1:
        raise ValueError(f"vmap: all inputs must have the same size along the mapped axis, got sizes {sizes}")
    return found, sizes[0]


def _run(func: Callable, args: Any, dims: list, size: int, out_dims: Any, randomness: str) -> Any:
    level = Examples(size)
    args = rebuilt(
        args,
        [t if d is None else added(movedim(t, d, 0), level.level) for t, d in zip(leaves(args), dims, strict=True)],
    )
    try:
        if randomness == "same":
            out = level.during(func, *args)
        else:
            out = drawn_from(_GENERATORS[randomness](level), level.during, partial(func, *args))
    except ByExample as error:
        raise RuntimeError(str(error)) from None
    name = getattr(func, "__name__", type(func).__name__)
    places = spread(out_dims, out)
    if places is None:
        raise ValueError(f"vmap: out_dims {out_dims} must be nested like what {name} returns")
    return rebuilt(out, [_out(level, t, d, name) for t, d in zip(leaves(out), places, strict=True)])


def _out(level: Examples, t: Any, dim: Any, name: str) -> Any:
    if not isinstance(t, Tensor):
        raise ValueError(f"vmap: {name} must only return Tensors, got {type(t).__name__}")
    if dim is None:
        if level.has(t):
            raise ValueError(f"vmap: out_dims is None where {name} returns what differs from example to example")
        return t
    if not isinstance(dim, int):
        raise ValueError(f"vmap: out_dims are ints, or None, got {dim!r}")
    whole = removed(t, level.level, level.size)
    if not -whole.ndim <= dim < whole.ndim:
        raise IndexError(f"vmap: out_dim {dim} is not an axis of the result of {name}, which has {whole.ndim} axes")
    return movedim(whole, 0, dim)


def by_examples(f: Callable, args: tuple, kwargs: dict, error: Exception) -> Any:
    """What a composition of ops gives that failed on a batch: it looks at numbers of an example, or draws for each."""
    level, drawing = mode.tracer, getattr(of_thread, "generator", None)
    if not (isinstance(drawing, _Different) and getattr(error, "drawn", False)):
        drawing = None
    while isinstance(level, Examples):
        if level.has(*args, *kwargs.values()) if drawing is None else level is drawing.examples:
            if f.__name__ in ("nonzero", "argwhere", "unique", "unique_consecutive", "masked_select"):
                return refuse_shape(f.__name__)
            try:
                once = partial(level.each, f, args, kwargs)
                found = once() if drawing is None else drawn_from(drawing.before, once)
            except Exception as again:
                if isinstance(error, ByExample) and not isinstance(again, AttributeError):
                    raise
                return NotImplemented  # what it gives are no tensors, or it fails on each as well
            slow(f.__name__)
            return found
        level = level.outer
    return NotImplemented


ByExample.each = staticmethod(by_examples)  # type: ignore[method-assign]
