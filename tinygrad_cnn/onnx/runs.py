"""The two runs of a model that is exported: in which mode, on what, and that nothing of it is changed by them."""

from __future__ import annotations

import contextlib
import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..compiler.program import Value
from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from ..random import get_rng_state, set_rng_state
from .nodes import FUNCTIONS
from .trace import Trace, traced


class TrainingMode(enum.IntEnum):
    """In which mode a model is exported: as in evaluation, as it stands, or as in training.

    >>> TrainingMode.EVAL
    <TrainingMode.EVAL: 0>
    """

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


Axes = dict[tuple[int, int], str]  # (which input, which of its axes): the name of the axis


def two_runs(
    model: Module, args: tuple, named: dict, training: TrainingMode, axes_of: Callable[[list[Value]], Axes]
) -> tuple[Trace, Trace, Axes]:
    """What the model did with its arguments, and with others of the same kind; and which axes were of another size.

    axes_of: says which axes are dynamic, when the inputs are known.
    """
    with _in_mode(model, training):
        first = _run(model, _mapped((args, named), np.copy))
        inputs = list(first.program.inputs)
        axes = axes_of(inputs)
        sizes = _other_sizes(inputs, axes)
        arguments = _resized((args, named), sizes)
        try:
            second = _run(model, arguments)
        except Exception as error:
            if not axes:
                raise
            raise RuntimeError(
                f"onnx.export: the model does not run where {said(axes)} have other sizes, "
                f"{[t.shape for t in tensors_in(arguments)]} instead of {[v.shape for v in inputs]}: {error}"
            ) from error
    return first, second, axes


# Yet other sizes, for axis 0 and for the others: one of a batch, for there an axis is lost; odd ones, for halves are
# rounded; and larger ones.
TRIES: list[tuple[Callable[[int], int], Callable[[int], int]]] = [
    (lambda n: 1, lambda n: n),
    (lambda n: n, lambda n: 2 * n - 1),
    (lambda n: n + 3, lambda n: 3 * n),
]


def others(model: Module, args: tuple, named: dict, training: TrainingMode, axes: Axes) -> Iterator[tuple]:
    """Shapes of other sizes, tensors of them, and what the model gives; those that it does not take are left out."""
    first = [t._array.shape for t in tensors_in((args, named))]
    for sizes in TRIES:
        shapes = [
            tuple(sizes[k > 0](n) if (i, k) in axes else n for k, n in enumerate(shape))
            for i, shape in enumerate(first)
        ]
        if shapes == first:
            continue
        given, by_name = _resized((args, named), shapes)
        try:
            made = results(model, given, by_name, training)
        except Exception:  # it was not made for these
            continue
        yield shapes, list(tensors_in((given, by_name))), made


def results(model: Module, args: tuple, named: dict, training: TrainingMode) -> list[Tensor]:
    """What the model gives, as it stands."""
    with _in_mode(model, training), _as_it_was(model), no_grad():
        return list(tensors_in(model(*_mapped(args, np.copy), **_mapped(named, np.copy))))


def said(axes: Axes) -> str:
    return f"the axes {', '.join(sorted(set(axes.values())))}"


def tensors_in(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        yield from tensors_in(list(tree.values()))
    elif isinstance(tree, tuple | list):
        for part in tree:
            yield from tensors_in(part)


def _mapped(tree: Any, f: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The arguments, with f(array) in the place of each tensor."""
    if isinstance(tree, Tensor):
        return wrap(f(tree._array))
    if isinstance(tree, dict):
        return {key: _mapped(part, f) for key, part in tree.items()}
    if isinstance(tree, tuple | list):
        parts = [_mapped(part, f) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


def _run(model: Module, arguments: tuple[tuple, dict]) -> Trace:
    with _as_it_was(model), no_grad():
        return traced(model, *arguments, FUNCTIONS)


@contextlib.contextmanager
def _in_mode(model: Module, training: TrainingMode) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    try:
        if training != TrainingMode.PRESERVE:
            model.train(training == TrainingMode.TRAINING)
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextlib.contextmanager
def _as_it_was(model: Module) -> Iterator[None]:
    """Afterwards the model has the attributes and the numbers that it had, and so has the generator."""
    rooms = [room for module in model.modules() for room in (vars(module), module._buffers, module._parameters)]
    before = [(room, dict(room)) for room in rooms]
    numbers = [(t._array, t._array.copy()) for t in (*model.parameters(), *model.buffers())]
    state = get_rng_state()
    try:
        yield
    finally:
        for room, held in before:
            room.clear()
            room.update(held)
        for array, held in numbers:
            if array.flags.writeable and not np.array_equal(array, held):
                array[...] = held
        set_rng_state(state)


# The second arguments.


def _other_sizes(inputs: list[Value], axes: Axes) -> list[tuple]:
    """The shapes of the second run. No two names have the same two sizes."""
    sizes: dict[Any, tuple[int, int]] = {}
    ties = {place: _tie(inputs, place, name) for place, name in axes.items()}
    for (i, axis), name in ties.items():
        n = inputs[i].shape[axis]
        if name in sizes:
            if sizes[name][0] != n:
                raise ValueError(
                    f"onnx.export: the dynamic axis {name!r} has the sizes {sizes[name][0]} and {n} in the arguments; "
                    "axes of one name have one size"
                )
            continue
        step = 1 if axis == 0 else max(n, 1)  # what is pooled is often to be divided by two, and again by two
        other = n + step
        while (n, other) in sizes.values():
            other += step
        sizes[name] = n, other
    return [
        tuple(sizes[ties[i, k]][1] if (i, k) in axes else n for k, n in enumerate(v.shape))
        for i, v in enumerate(inputs)
    ]


def _tie(inputs: list[Value], place: tuple[int, int], name: str) -> Any:
    """What has one size: axes of one name; and of those without, those of one size in one place."""
    i, axis = place
    return (axis, inputs[i].shape[axis]) if re.search(r"_dynamic_axes_\d+$", name) else name


def _resized(arguments: Any, shapes: list[tuple]) -> Any:
    """Arguments of the same kind, whose tensors have these shapes, and other numbers."""
    place = iter(shapes)
    return _mapped(arguments, lambda a: _other(a, next(place)))


def _other(array: np.ndarray, shape: tuple) -> np.ndarray:
    """Numbers of the same kind, in another order and size; real ones a little other, probabilities still such.

    By several factors: how often numbers fall between others is the same where all are scaled and shifted alike.
    """
    numbers = np.resize(array.ravel()[::-1], shape)
    factors = np.resize([0.75, 0.5, 0.625], shape)
    return np.asarray(numbers * factors + 0.125, array.dtype) if array.dtype.kind == "f" else numbers


def dynamic_axes(
    inputs: list[Value],
    names: Sequence[str],
    dynamic_axes: Mapping[str, Any] | None,
    dynamic_shapes: Any,
    outputs: Sequence[str],
) -> Axes:
    """The axes that the caller wants to be dynamic, by input and place."""
    wanted: list[tuple[int, Any, str]] = []
    for key, axes in (dynamic_axes or {}).items():
        if key in names:
            wanted.append((list(names).index(key), axes, key))
        elif key not in outputs:
            raise ValueError(
                f"onnx.export: dynamic_axes names {key!r}, which is no input or output: the inputs are {list(names)}, "
                f"the outputs {list(outputs)}"
            )
    if isinstance(dynamic_shapes, Mapping):
        by_name = {v.name: i for i, v in enumerate(inputs)} | {name: i for i, name in enumerate(names)}
        for key, axes in dynamic_shapes.items():
            if key not in by_name:
                raise ValueError(f"onnx.export: dynamic_shapes names {key!r}, the inputs are {list(by_name)}")
            wanted.append((by_name[key], axes, names[by_name[key]]))
    elif dynamic_shapes is not None:
        wanted += [(i, axes, names[i]) for i, axes in enumerate(dynamic_shapes)]
    found: Axes = {}
    for i, axes, name in wanted:
        rank = len(inputs[i].shape)
        for axis, label in labels(axes, name).items():
            if not -rank <= axis < rank:
                raise IndexError(f"onnx.export: {name!r} has no axis {axis}, its shape is {inputs[i].shape}")
            found[i, axis % rank] = label
    return found


def labels(axes: Any, name: str) -> dict[int, str]:
    """{axis: its name}, from a dict or a list of axes."""
    if axes is None:
        return {}
    if not isinstance(axes, Mapping):
        if all(isinstance(a, int) for a in axes):
            return {a: f"{name}_dynamic_axes_{k}" for k, a in enumerate(axes, 1)}
        axes = dict(enumerate(axes))  # dynamic_shapes: a name for each axis, or None
    return {a: _label(v, name, a) for a, v in axes.items() if v is not None}


def _label(given: Any, name: str, axis: int) -> str:
    if isinstance(given, str):
        return given
    label = getattr(given, "__name__", None)
    return label if isinstance(label, str) else f"{name}_dynamic_axes_{axis}"
