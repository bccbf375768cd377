"""Ops and their rules: how a function on arrays becomes a differentiable function on Tensors.

    @op
    def mul(input, other):
        return input * other

    mul.grad(input=lambda g, other: g * other,
             other=lambda g, input: g * input)

The function is the forward pass, on arrays. A rule gives the gradient of one input from `g`, the
gradient of the result; **its further parameters are the list of what is saved**: `out`, the name of
an input or an attribute, `<input>_shape`, something that forward hands on (`@op(keeps="choice")`), or one
word for several attributes in a row, which it gets as a list (`@op(geometry="stride padding dilation")`).

An input is a parameter that is bare, or annotated as an Array, or has a rule. A parameter with a default or with
another annotation is an attribute: a plain value. `None` as a rule says: not differentiable; backward refuses it.

Rules are written in ops and operators, so they run on arrays, in an ordinary backward, as well as on
Tensors, when the gradient is itself to be differentiated. An op called with arrays is its function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..arrays.arguments import in_pytorch, look_at, refusal, strict_types
from ..arrays.dtypes import float16, float32, result_type
from ..arrays.half import narrowed, widened


class Parameters(NamedTuple):
    """What is asked of a function's parameters."""

    names: list[str]
    defaults: dict[str, Any]
    keyword_only: list[str]
    variadic: str | None
    annotations: dict[str, Any]


def parameters_of(f: Callable) -> Parameters:
    """The parameters of a function; those of plain ones are read off, for `signature` takes most of an import."""
    f = inspect.unwrap(f)
    if not isinstance(f, FunctionType) or f.__code__.co_flags & inspect.CO_VARKEYWORDS:
        found = inspect.signature(f).parameters.values()
        return Parameters(
            [p.name for p in found],
            {p.name: p.default for p in found if p.default is not p.empty},
            [p.name for p in found if p.kind is p.KEYWORD_ONLY],
            next((p.name for p in found if p.kind is p.VAR_POSITIONAL), None),
            {p.name: p.annotation for p in found if p.annotation is not p.empty},
        )
    code, defaults = f.__code__, f.__defaults__ or ()
    last = code.co_argcount + code.co_kwonlyargcount
    plain, named = code.co_varnames[: code.co_argcount], code.co_varnames[code.co_argcount : last]
    rest = code.co_varnames[last : last + 1] if code.co_flags & inspect.CO_VARARGS else ()
    held = {**dict(zip(plain[len(plain) - len(defaults) :], defaults)), **(f.__kwdefaults__ or {})}
    return Parameters([*plain, *rest, *named], held, list(named), rest[0] if rest else None, f.__annotations__)


def _says_array(annotation: Any) -> bool:
    """Whether a parameter is an array by its annotation, or by having none."""
    return annotation is None or "Array" in str(annotation) or "Tensor" in str(annotation)


class Op:
    """What is known of an op: the function on arrays, its parameters, its rules.

    keeps: names of what forward returns behind its result, for the rules.
    view: the result may share memory with the first input.
    exact: nothing is rounded in it, so forward takes half precision as it is. So does a view.
    pointwise: each number of a gradient depends on the numbers in its place alone, so rules run as one loop.
    shared: words for several parameters in a row, "stride padding dilation groups"; a rule may take them as one.
    """

    def __init__(
        self,
        forward: Callable,
        *,
        keeps: str | tuple[str, ...] = (),
        view: bool = False,
        exact: bool = False,
        pointwise: bool = False,
        **shared: str,
    ):
        self.forward = forward
        self.name = forward.__name__
        self.own = forward.__module__.startswith(__package__.rpartition(".")[0] + ".")
        self.keeps = (keeps,) if isinstance(keeps, str) else tuple(keeps)
        self.view = view
        self.exact = exact or view
        self.pointwise = pointwise
        self.rules: dict[str, Callable | None] = {}
        self.joint: Callable | None = None
        self.composition: Callable | None = None
        self.words = ""
        self.zero: str | dict[str, Callable] = ""
        self.formulas: dict[str, str | Callable] = {}
        self.numbers: dict[str, Callable] = {}
        self.plans: dict[Any, Any] = {}  # see plan.py
        self.call: Callable = forward  # what callers see of it; set by `op`
        self.parameters, self.defaults, self.keyword_only, self.variadic, annotations = parameters_of(forward)
        self.strict = {} if self.variadic else strict_types(self.parameters, annotations)
        # Where the dtype of the result may be asked for.
        self.asked = self.parameters.index("dtype") if "dtype" in self.parameters else None
        self.inputs = [
            name
            for name in self.parameters
            if name not in self.defaults and name not in self.keyword_only and _says_array(annotations.get(name))
        ]
        self.shared = {word: self._row(word, names.split()) for word, names in shared.items()}
        # How many values a call carries when all are given by position; -1: they have to be bound by name.
        self.arity = -1 if self.variadic or self.keyword_only else len(self.parameters)
        self.compute = self._by_name if self.arity < 0 else forward
        least = max((i for i, name in enumerate(self.parameters, 1) if name not in self.defaults), default=0)
        # By the number of values that are given by position: the defaults of all others.
        self.rest = {
            n: tuple([self.defaults[name] for name in self.parameters[n:]]) for n in range(least, self.arity + 1)
        }

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def _row(self, word: str, names: list[str]) -> slice:
        """The places of parameters that stand in a row."""
        first = self.parameters.index(names[0]) if names and names[0] in self.parameters else 0
        if names != self.parameters[first : first + len(names)] or not names or word in self.parameters:
            raise TypeError(
                f"{self.name}: {word}={' '.join(names)!r} must name parameters that stand in a row, in their order, by "
                f"a word of its own; they are {', '.join(self.parameters)}"
            )
        return slice(first, first + len(names))

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

    def joint_grad(self, rule: Callable, inputs: tuple[str, ...]) -> None:
        """Register one rule that gives the gradients of these inputs at once, in this order, where they share work.

        It may ask for `needs`, a flag per input, and return None for those that nobody needs. Such an op
        must also say what it means as a composition of ops, with `@op.meaning`: that is what runs when
        its gradient is itself to be differentiated.
        """
        self._check(rule, "the joint rule", ("needs",))
        self.joint = rule
        self.inputs = list(inputs)
        self.rules = dict.fromkeys(inputs, rule)

    def meaning(self, composition: Callable) -> Callable:
        """Register what this op means as a composition of ops on Tensors."""
        theirs = parameters_of(composition).names
        if theirs != self.parameters:
            raise TypeError(f"{self.name}.meaning takes {theirs}, the op takes {self.parameters}; they must be equal")
        self.composition = composition
        return composition

    def explain(
        self,
        words: str,
        *,
        zero: str | dict[str, Callable] = "",
        numbers: dict[str, Callable] | None = None,
        **formulas: str | Callable,
    ) -> None:
        """Say in words what backward does, and in `zero` why a gradient is zero where it is.

        Where there are several reasons, or one can be seen in the numbers, each comes with what tells it from the
        inputs or from `out`: `zero={"its input was negative": lambda input: input < 0}`.

        A rule that is an expression is its own formula: `mul.explain("...")`. One that calls a kernel gets
        it here: `conv2d.explain("...", bias="Σ_{n,p,q} g[n, o, p, q]")`; a function of attributes gives it where they
        decide. For a call its attributes stand in the formula in the place of their names, and so does what
        `numbers` makes of attributes and shapes: `mean.explain("...", input="g / n", numbers={"n": lambda ...})`.
        """
        for name in formulas:
            if name not in self.parameters:
                raise TypeError(f"{self.name}.explain: there is no input {name!r}; it has {', '.join(self.parameters)}")
        self.words, self.zero, self.numbers, self.formulas = words, zero, numbers or {}, formulas

    def _check(self, rule: Callable, which: str, extra: tuple[str, ...]) -> None:
        names = parameters_of(rule).names
        if not names or names[0] != "g":
            raise TypeError(f"{self.name}.grad: the first parameter of {which} must be g, it takes {names}")
        shapes = [f"{name}_shape" for name in self.parameters]
        known = [*self.parameters, *shapes, "out", *self.keeps, *self.shared, *extra]
        for name in names[1:]:
            if name not in known:
                raise TypeError(
                    f"{self.name}.grad: {which} asks for {name!r}, which does not exist; there are {', '.join(known)}"
                )

    def _by_name(self, *values: Any) -> Any:
        """Forward with the values of all parameters, where some must be given by name."""
        n = len(values) - len(self.keyword_only)
        return self.forward(*values[:n], **dict(zip(self.keyword_only, values[n:], strict=True)))

    def compute_half(self, *values: Any) -> Any:
        """`compute` where a value is half precision, or the result is to be: in float32, and what it gives is rounded.

        Where another array makes the result wider, NumPy widens by itself; `dtype=` may ask for another result.
        """
        inputs = values if self.variadic else [v for name, v in zip(self.parameters, values) if name in self.inputs]
        arrays = [v for v in inputs if isinstance(v, ndarray)]
        dtype = result_type(*arrays) if arrays else float32
        wide = widened(list(values))
        if self.asked is not None and values[self.asked] is not None:
            dtype = np.dtype(values[self.asked])
            wide[self.asked] = float32 if dtype == float16 else dtype
        elif dtype != float16:
            return self.compute(*values)
        out = self.compute(*wide)
        if dtype != float16:
            return out
        return (narrowed(out[0]), *out[1:]) if self.keeps else narrowed(out)

    def bind(self, args: tuple, kwargs: dict) -> Sequence:
        """The values of all parameters in order, defaults filled in."""
        if not kwargs and len(args) in self.rest:
            return args + self.rest[len(args)]
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
            if (named := in_pytorch(kwargs, self.parameters)).keys() != kwargs.keys():
                return self.bind(args, named)
            try:
                inspect.signature(self.forward).bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}; its parameters are {', '.join(self.parameters)}") from None
        return values

    def refuse(self, values: Sequence, error: Exception) -> None:
        """Raise an error that names the input which is no tensor, or the number that fits no dtype, if that is why.

        What a function of the user's own raises is left as it is.
        """
        given = dict(zip(self.parameters, values))
        better = refusal(self.name, error, *((values, {}) if self.variadic else ((), given)))
        if isinstance(error, ValueError | LookupError) and (better is None or not self.own):
            return
        inputs = [(n, v) for n, v in given.items() if n in self.inputs and n not in self.defaults]
        numbers = () if isinstance(error, AttributeError) else (int, float, complex)
        strange = [(n, v) for n, v in inputs if not isinstance(v, (ndarray, np.generic, *numbers))]
        if strange and not self.variadic:
            name, value = strange[0]
            cure = "; make one with tensor(...)" if isinstance(value, list | tuple | int | float) else ""
            raise TypeError(f"{self.name}: {name} must be a Tensor, got {type(value).__name__}{cure}") from None
        look_at(self, [v if isinstance(v, ndarray) else ... for v in values])
        if isinstance(error, OverflowError):
            raise RuntimeError(f"{self.name}: {error}; convert the tensor to a dtype that holds it") from None
        if better is not None and self.own:
            raise better from None
