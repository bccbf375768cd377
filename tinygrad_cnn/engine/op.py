"""Ops and their rules: how a function on arrays becomes a differentiable function on Tensors.

    @op
    def mul(input, other):
        return input * other

    mul.grad(input=lambda g, other: g * other,
             other=lambda g, input: g * input)

The function is the forward pass, on arrays. A rule gives the gradient of one input from `g`, the
gradient of the result; **its further parameters are the list of what is saved**: `out`, the name of
an input or an attribute, `<input>_shape`, or something that forward hands on (`@op(keeps="choice")`).

An input is a bare parameter, or any parameter with a rule. A parameter with a default or with an
annotation is an attribute: a plain value. `None` as a rule says: not differentiable.

Rules are written in ops and operators, so they run on arrays, in an ordinary backward, as well as on
Tensors, when the gradient is itself to be differentiated. An op called with arrays is its function.

Half precision is only kept in 16 bits: forward functions and rules get it as float32, and what they return is rounded.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ..arrays.dtypes import float16, float32, result_type
from ..arrays.half import narrowed, widened
from ..arrays.quiet import loudness, restore, silence
from ..kernels import kernel
from ..surface.arguments import in_pytorch
from .memory import join
from .modes import mode
from .node import INFERENCE, Node, Parts, Pick, View
from .record import Plan, frozen, parameter_names, record
from .tensor import Tensor, plain, wrap

registry: dict[str, Callable] = {}
_PYTHON = frozenset([int, float, bool, str, tuple, type(None)])


class Op:
    """What is known of an op: the function on arrays, its parameters, its rules.

    keeps: names of what forward returns behind its result, for the rules.
    view: the result may share memory with the first input.
    exact: nothing is rounded in it, so forward takes half precision as it is. So does a view.
    """

    def __init__(
        self, forward: Callable, *, keeps: str | tuple[str, ...] = (), view: bool = False, exact: bool = False
    ):
        self.forward = forward
        self.name = forward.__name__
        self.keeps = (keeps,) if isinstance(keeps, str) else tuple(keeps)
        self.view = view
        self.exact = exact or view
        self.rules: dict[str, Callable | None] = {}
        self.fused: Callable | None = None
        self.composition: Callable | None = None
        self.words = self.zero = ""
        self.formulas: dict[str, str] = {}
        self.plans: dict[Any, Plan] = {}
        self.call: Callable = forward  # what callers see of it; set by `op`
        parameters = inspect.signature(forward).parameters.values()
        self.parameters = [p.name for p in parameters]
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        # Where the dtype of the result may be asked for.
        self.asked = self.parameters.index("dtype") if "dtype" in self.parameters else None
        self.keyword_only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.inputs = [
            p.name
            for p in parameters
            if p.default is p.empty and p.annotation is p.empty and p.kind is not p.KEYWORD_ONLY
        ]
        # How many values a call carries when all are given by position; -1: they have to be bound by name.
        self.arity = -1 if self.variadic or self.keyword_only else len(self.parameters)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    # registering rules

    def grad(self, **rules: Callable | None) -> None:
        """Register one rule per input: `op.grad(x=lambda g, w: ..., w=lambda g, x: ...)`.

        Raises a TypeError, at import, where a rule is missing or names something that does not exist.
        """
        for name, rule in rules.items():
            if name not in self.parameters:
                raise TypeError(f"{self.name}.grad: there is no input {name!r}; it has {', '.join(self.parameters)}")
            if rule is not None:
                self._check(rule, f"the rule for {name!r}", ("index",) if name == self.variadic else ())
        for name in self.inputs:
            if name not in rules:
                raise TypeError(
                    f"{self.name}.grad: no rule for input {name!r}; "
                    f"give one, or {name}=None if it is not differentiable"
                )
        self.rules = rules
        self.inputs = [name for name in self.parameters if name in rules]
        self.plans.clear()

    def grad_fused(self, rule: Callable, inputs: tuple[str, ...]) -> None:
        """Register one rule that gives the gradients of these inputs at once, in this order: a fused kernel.

        It may ask for `needs`, a flag per input, and return None for those that nobody needs. Such an op
        must also say what it means as a composition of ops, with `@op.meaning`: that is what runs when
        its gradient is itself to be differentiated.
        """
        self._check(rule, "the fused rule", ("needs",))
        self.fused = rule
        self.inputs = list(inputs)
        self.rules = dict.fromkeys(inputs, rule)

    def meaning(self, composition: Callable) -> Callable:
        """Register what this op means as a composition of ops on Tensors."""
        theirs = parameter_names(composition)
        if theirs != self.parameters:
            raise TypeError(f"{self.name}.meaning takes {theirs}, the op takes {self.parameters}; they must be equal")
        self.composition = composition
        return composition

    def explain(self, words: str, *, zero: str = "", **formulas: str) -> None:
        """Say in words what backward does, and in `zero` why a gradient is zero where it is.

        A rule that is an expression is its own formula: `mul.explain("...")`. One that calls a kernel gets
        it here: `conv2d.explain("...", weight="Σ_{n,p,q} input ⋆ g")`.
        """
        for name in formulas:
            if name not in self.parameters:
                raise TypeError(f"{self.name}.explain: there is no input {name!r}; it has {', '.join(self.parameters)}")
        self.words, self.zero, self.formulas = words, zero, formulas

    def _check(self, rule: Callable, which: str, extra: tuple[str, ...]) -> None:
        names = parameter_names(rule)
        if not names or names[0] != "g":
            raise TypeError(f"{self.name}.grad: the first parameter of {which} must be g, it takes {names}")
        shapes = [f"{name}_shape" for name in self.parameters]
        known = [*self.parameters, *shapes, "out", *self.keeps, *extra]
        for name in names[1:]:
            if name not in known:
                raise TypeError(
                    f"{self.name}.grad: {which} asks for {name!r}, which does not exist; there are {', '.join(known)}"
                )

    # calling

    def run(self, values: list) -> Any:
        """Forward with the values of all parameters, where some must be given by name."""
        n = len(values) - len(self.keyword_only)
        return self.forward(*values[:n], **dict(zip(self.keyword_only, values[n:], strict=True)))

    def run_half(self, values: list) -> Any:
        """`run` where a value is half precision, or the result is to be: in float32, and what it gives is rounded.

        Where another array makes the result wider, NumPy widens by itself; `dtype=` may ask for another result.
        """
        inputs = values if self.variadic else [v for name, v in zip(self.parameters, values) if name in self.inputs]
        dtype = result_type(*[v for v in inputs if isinstance(v, ndarray)])
        wide = widened(values)
        if self.asked is not None and values[self.asked] is not None:
            dtype = np.dtype(values[self.asked])
            wide[self.asked] = float32 if dtype == float16 else dtype
        elif dtype != float16:
            return self.run(values)
        out = self.run(wide)
        if dtype != float16:
            return out
        return (narrowed(out[0]), *out[1:]) if self.keeps else narrowed(out)

    def bind(self, args: tuple, kwargs: dict) -> list:
        """The values of all parameters in order, defaults filled in."""
        values = list(args)
        given = 0 if self.variadic else len(args)
        left = dict(kwargs)
        for name in self.keyword_only if self.variadic else self.parameters[given:]:
            if name in left:
                values.append(left.pop(name))
            elif name in self.defaults:
                values.append(self.defaults[name])
            else:
                left[name] = None
                break
        if left or given > len(self.parameters) - len(self.keyword_only):
            if (named := in_pytorch(kwargs)).keys() != kwargs.keys():
                return self.bind(args, named)
            try:
                inspect.signature(self.forward).bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}; its parameters are {', '.join(self.parameters)}") from None
        return values

    def refuse(self, values: list, error: Exception) -> None:
        """Raise an error that names the input which is no tensor, or the number that fits no dtype, if that is why."""
        inputs = [(n, v) for n, v in zip(self.parameters, values) if n in self.inputs and n not in self.defaults]
        strange = [(n, v) for n, v in inputs if not isinstance(v, ndarray | np.generic | int | float | complex)]
        if isinstance(error, AttributeError):
            strange = strange or [(n, v) for n, v in inputs if not isinstance(v, ndarray | np.generic)]
        if strange and not self.variadic:
            name, value = strange[0]
            cure = "; make one with tensor(...)" if isinstance(value, list | tuple | int | float) else ""
            raise TypeError(f"{self.name}: {name} must be a Tensor, got {type(value).__name__}{cure}") from None
        if isinstance(error, OverflowError):
            raise RuntimeError(f"{self.name}: {error}; convert the tensor to a dtype that holds it") from None

    def several(self, args: Any, values: list, needed: int, outs: tuple, extras: Any) -> tuple[Tensor, ...]:
        """The results of an op with several outputs; each is picked from one node."""
        results = tuple(wrap(np.asarray(a)) for a in outs)
        if needed and mode.grad:
            node = record(self, args, list(values), needed, outs, extras)
            assert node is not None
            node.shape = tuple(t._array.shape for t in results)  # type: ignore[misc]
            node.dtype = results[0]._array.dtype if results else None  # type: ignore[assignment]
            for i, t in enumerate(results):
                if t._array.dtype.kind in "fc":
                    t._node = Pick(node, i, t._array)
                    t._requires_grad = True
        elif mode.tracer is not None:
            mode.tracer.called(self, args, outs, None)
        for i, t in enumerate(results):
            if self.view:
                self.share(args, values, t, i)
            if mode.inference and t._version is None:
                t._version = INFERENCE
        return results

    def share(self, args: Any, values: list, result: Tensor, index: int | None = None) -> None:
        """Let a view of the first input share its version, and know how it is made."""
        source = args[0]
        if not isinstance(source, Tensor) or not _shares_memory(result._array, source._array):
            return
        result._version = source.version()
        attributes = [frozen(v) for v in values[1 : len(args)]]
        earlier = source._view

        def replay(base: Any) -> Any:
            out = self.call(base if earlier is None else earlier.replay(base), *attributes)
            return out if index is None else out[index]

        result._view = View(source, replay, "" if mode.grad else f"by {self.name} under no_grad")

        def remake(array: ndarray) -> ndarray:
            out = self.call(array, *attributes)
            return out if index is None else out[index]

        join(source, result, remake)


def op(
    forward: Callable | None = None, *, keeps: str | tuple[str, ...] = (), view: bool = False, exact: bool = False
) -> Any:
    """Make an op of a function on arrays, and put it into the registry.

    >>> import tinygrad_cnn as tg
    >>> @tg.op
    ... def cube(x):
    ...     return x * x * x
    >>> cube.grad(x=lambda g, x: 3 * g * x * x)
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad.tolist()
    [3.0, 12.0]
    """
    if forward is None:
        return lambda f: op(f, keeps=keeps, view=view, exact=exact)
    if not callable(forward):
        raise TypeError(f"op: expected a function on arrays, got {type(forward).__name__}")
    spec = Op(forward, keeps=keeps, view=view, exact=exact)
    arity, keeps, exact = spec.arity, spec.keeps, spec.exact

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != arity:
            args = spec.bind(args, kwargs)  # type: ignore[assignment]
        values: list = []
        needed, bit, arrays, half, foreign = 0, 1, True, False, False
        for a in args:
            if isinstance(a, Tensor):
                arrays = False
                if a._view is not None:
                    a._refresh()
                if a._requires_grad:
                    needed |= bit
                a = a._array
                if a.dtype is float16:
                    half = True
            elif type(a) not in _PYTHON:
                foreign = True
            values.append(a)
            bit += bit
        if foreign and not arrays:
            values = [_beside_tensors(v) for v in values]
            half = half or (spec.asked is not None and values[spec.asked] == float16)
        loud = loudness()
        try:
            silence()
            if half and not exact:
                out = spec.run_half(values)
            else:
                out = forward(*values) if arity >= 0 else spec.run(values)
        except (AttributeError, TypeError, OverflowError) as error:
            spec.refuse(values, error)
            raise
        finally:
            restore(loud)
        extras: Any = ()
        if keeps:
            out, *extras = out
        if arrays:
            return out
        if type(out) is not ndarray:
            if type(out) is tuple:
                return spec.several(args, values, needed, out, extras)
            out = np.asarray(out)
        result = wrap(out)
        if view:
            spec.share(args, values, result)
        if needed and mode.grad:
            record(spec, args, values, needed, out, extras, result)
        elif mode.inference or mode.tracer is not None:
            if mode.inference and result._version is None:
                result._version = INFERENCE
            if mode.tracer is not None:
                mode.tracer.called(spec, args, out, None)
        return result

    spec.call = call
    call.op = spec  # type: ignore[attr-defined]
    call.grad = spec.grad  # type: ignore[attr-defined]
    call.grad_fused = spec.grad_fused  # type: ignore[attr-defined]
    call.meaning = spec.meaning  # type: ignore[attr-defined]
    call.explain = spec.explain  # type: ignore[attr-defined]
    registry[spec.name] = call
    return call


def _beside_tensors(value: Any) -> Any:
    """What stands beside a Tensor: an array as `plain` has it, and np.float64(2.5) is 2.5."""
    if isinstance(value, ndarray):
        return plain(value)
    return value.item() if isinstance(value, np.generic) else value


def _shares_memory(view: np.ndarray, array: np.ndarray) -> bool:
    """Whether `view` lies in the memory of `array`; the owner of the memory tells most of the time."""
    owner = view.base
    if owner is None:
        return view is array
    return owner is array or owner is array.base or np.may_share_memory(view, array)


def fit(c: Any, parent: Node) -> Any:
    """A contribution in the shape and dtype of the input that it is for: the adjoint of broadcasting."""
    if c is None:
        return c
    if c.shape != parent.shape:
        c = sum_to(c, parent.shape)
    if c.dtype != parent.dtype:
        c = cast(c, parent.dtype)
    return c


# The ops that the engine itself needs: broadcasting and its adjoint, and conversion.


@op
def sum_to(input, shape: tuple):
    """Sum over the axes along which `shape` was broadcast: input.shape -> shape, the adjoint of expand_to."""
    extra = input.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 != input.shape[i + extra])
    out = kernel.sum(input, axes, False)
    return out if len(axes) == extra else out.reshape(shape)


@op(view=True)
def expand_to(input, shape: tuple):
    """Repeat along axes of length 1, without copying: input.shape -> shape."""
    out = np.broadcast_to(input, shape)
    return input.reshape(shape) if out.size == input.size else out  # what repeats nothing may be written to


@op(exact=True)
def cast(input, dtype: np.dtype):
    """The same values in another dtype."""
    return input.astype(dtype)


@op(view=True)
def by_cases(input, other):
    """input, which depends on other by cases alone: the derivative along other is zero."""
    return input


sum_to.grad(input=lambda g, input_shape: expand_to(g, input_shape))
sum_to.explain(
    "A sum's gradient goes to every element that was added.", input="g repeated along the axes that were summed"
)
expand_to.grad(input=lambda g, input_shape: sum_to(g, input_shape))
expand_to.explain("An element that was used several times gets the sum of its gradients.", input="Σ_{copies} g")
cast.grad(input=lambda g: g)
cast.explain("The same number in another dtype: the gradient passes.")
by_cases.grad(input=lambda g: g, other=lambda g: None)
by_cases.explain("Other decides which case holds; within a case nothing moves with it.", zero="a case is constant")


# Half precision.


def wide(value: Any) -> Any:
    """`widened`, of Tensors too, with their history."""
    if type(value) is list:
        return [wide(v) for v in value]
    if type(value) is Parts:
        return Parts({i: wide(g) for i, g in value.items()})
    if isinstance(value, Tensor):
        return cast(value, float32) if value._array.dtype == float16 else value
    return widened(value)


def in_float32(composition: Callable) -> Callable:
    """The same function of Tensors, which computes half precision in float32 and rounds its result once: a decorator.

    For compositions of ops: an op does so by itself, but between two of them every number would be rounded.
    """

    @functools.wraps(composition)
    def call(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()):
            if isinstance(a, Tensor) and a._array.dtype is float16:
                break
        else:
            return composition(*args, **kwargs)
        given = [a._array for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        if result_type(*given) != float16:
            return composition(*args, **kwargs)
        out = composition(*[wide(a) for a in args], **{name: wide(a) for name, a in kwargs.items()})
        return cast(out, float16)

    return call
