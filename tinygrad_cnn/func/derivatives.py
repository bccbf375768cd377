"""Derivatives as functions: each takes a function and returns another, or its result with a derivative.

    grad, grad_and_value   the gradient of a number                vjp, jvp, linearize   products with a Jacobian
    jacrev, jacfwd         whole Jacobians, by rows and by columns hessian               of a number, by inputs twice

They differ from `backward` in that nothing is left behind in any `.grad`, and in that they can be nested: what they
return are functions like others, whose results can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..arrays.arguments import truth
from ..engine.tensor import Tensor, wrap
from ..ops.shape import reshape
from .reverse import Recorded, like
from .tree import leaves, rebuilt, same_form
from .vmap import check_randomness, vmap

Argnums = int | tuple[int, ...]


def _numbers(name: str, argnums: Any, args: tuple) -> list[int]:
    """Which arguments are meant, from 0 on."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(i, int) and not isinstance(i, bool) for i in numbers):
        raise RuntimeError(f"{name}: argnums must be an int or a tuple of ints, got {argnums!r}")
    if not numbers:
        raise RuntimeError(f"{name}: argnums must not be empty")
    wrong = [i for i in numbers if not -len(args) <= i < len(args)]
    if wrong:
        raise RuntimeError(f"{name}: argnums {wrong[0]} is not one of the {len(args)} positional arguments")
    found = [i % len(args) for i in numbers]
    if len(set(found)) < len(found):
        raise RuntimeError(f"{name}: argnums must be different, got {argnums}")
    return found


def _tensors(name: str, what: str, tree: Any, error: type[Exception] = RuntimeError) -> list[Tensor]:
    found = leaves(tree)
    for t in found:
        if not isinstance(t, Tensor):
            raise error(f"{name}: {what} must be Tensors, or tuples, lists or dicts of them, got {type(t).__name__}")
    return found


def grad(func: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """The function that gives the gradient of func, which returns one number.

    argnums: by which argument, an int, or a tuple for several. has_aux: func returns (number, other), and the
    gradient comes as (gradient, other). The gradient has the form of the argument: a dict of tensors gives a dict.
    RuntimeError where func returns no number.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.func import grad
    >>> square = lambda x: (x * x).sum()
    >>> grad(square)(tg.tensor([1.0, 2.0])).tolist(), grad(grad(lambda x: x**3))(tg.tensor(2.0)).item()
    ([2.0, 4.0], 12.0)
    """

    @wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = _grad_and_value("grad", func, argnums, has_aux, args, kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """`grad`, with the number itself: (gradient, number), or (gradient, (number, other)).

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.func import grad_and_value
    >>> gradient, value = grad_and_value(lambda x: (x * x).sum())(tg.tensor([1.0, 2.0]))
    >>> gradient.tolist(), value.item()
    ([2.0, 4.0], 5.0)
    """

    @wraps(func, updated=())
    def both(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value("grad_and_value", func, argnums, has_aux, args, kwargs)

    return both


def _grad_and_value(name: str, func: Callable, argnums: Any, has_aux: bool, args: tuple, kwargs: dict) -> tuple:
    numbers = _numbers(name, argnums, args)
    for i in numbers:
        _tensors(name, f"argument {i}", args[i], ValueError)
    done = Recorded(func, args, numbers, kwargs, has_aux)
    value = done.out
    if not isinstance(value, Tensor):
        raise RuntimeError(f"{name}: the function must return a Tensor of one element, got {type(value).__name__}")
    if value._array.ndim:
        raise RuntimeError(
            f"{name}: the function must return one number, a tensor of shape (), got {value._array.shape}"
        )
    found = done.released(_as_arguments(argnums, args, numbers, done.pull([like(np.ones, value)])))
    result = done.released(value)
    return found, (result, done.released(done.aux)) if has_aux else result


def _as_arguments(argnums: Any, args: tuple, numbers: list[int], values: Sequence) -> Any:
    """Values of the tensors of these arguments, in the form of the arguments."""
    each = iter(values)
    found = tuple([rebuilt(args[i], each) for i in numbers])
    return found if isinstance(argnums, tuple) else found[0]


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """(func(*primals), pull): pull(v) gives vᵀJ, a gradient for each of the primals, for v in the form of the result.

    pull may be called again and again. With has_aux, func returns (result, other), and this (result, pull, other).

    >>> import tinygrad_cnn as tg
    >>> out, pull = tg.func.vjp(lambda x: x * x, tg.tensor([1.0, 2.0]))
    >>> out.tolist(), pull(tg.tensor([1.0, 10.0]))[0].tolist()
    ([1.0, 4.0], [2.0, 40.0])
    """
    for i, primal in enumerate(primals):
        _tensors("vjp", f"primal {i}", primal, ValueError)
    done = Recorded(func, primals, range(len(primals)), {}, has_aux)
    _tensors("vjp", "outputs of the function", done.out)
    out = done.released(done.out)

    def pull(cotangents: Any, retain_graph: bool | None = True, create_graph: bool | None = None) -> Any:
        for name, value in (("retain_graph", retain_graph), ("create_graph", create_graph)):
            if value is not None:
                truth("vjp", name, value)
        v = (cotangents,) if _one_each(done.out, cotangents) else cotangents
        if not same_form(done.out, v):
            raise RuntimeError("vjp: the vector must have the form of the function's result, tuple for tuple")
        for t, g in zip(done.results, _tensors("vjp", "vectors", v, TypeError)):
            if t._array.shape != g._array.shape:
                raise RuntimeError(f"vjp: the vector has shape {g._array.shape}, the result {t._array.shape}")
        return done.released(_as_arguments((0,), primals, range(len(primals)), done.pull(leaves(v))))  # type: ignore[arg-type]

    return (out, pull, done.released(done.aux)) if has_aux else (out, pull)


def _one_each(out: Any, cotangents: Any) -> bool:
    return isinstance(out, tuple) and len(out) == 1 and isinstance(cotangents, Tensor)


def linearize(func: Callable, *primals: Any) -> tuple:
    """(func(*primals), push): push(*tangents) gives J t, how the result moves; func itself does not run again.

    >>> import tinygrad_cnn as tg
    >>> out, push = tg.func.linearize(lambda x: x * x, tg.tensor([1.0, 2.0]))
    >>> push(tg.tensor([1.0, 1.0])).tolist()
    [2.0, 4.0]
    """
    out, move, _ = _linearized("linearize", func, primals)
    return out, move


def _linearized(name: str, func: Callable, primals: tuple, has_aux: bool = False, strict: bool = False) -> tuple:
    for i, primal in enumerate(primals):
        _tensors(name, f"primal {i}", primal)
    done = Recorded(func, primals, range(len(primals)), {}, has_aux, forward=True)
    for t in _tensors(name, "outputs of the function", done.out):
        if strict and not t.requires_grad:
            raise RuntimeError(f"{name}: a result of the function does not depend on the primals, and strict is True")

    def move(*tangents: Any) -> Any:
        if not same_form(tuple(primals), tangents):
            raise RuntimeError(f"{name}: the tangents must have the form of the primals, one for each")
        for t, v in zip(leaves(primals), _tensors(name, "tangents", tangents)):
            if t._array.shape != v._array.shape:
                raise RuntimeError(f"{name}: a tangent has shape {v._array.shape}, its primal {t._array.shape}")
        return done.released(rebuilt(done.out, done.push(leaves(tangents))))

    return done.released(done.out), move, done.released(done.aux) if has_aux else None


def jvp(func: Callable, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple:
    """(func(*primals), J t): how the result moves when the primals move along their tangents.

    primals and tangents are tuples, of one tensor, or tree of tensors, for each argument. strict: a RuntimeError where
    a result does not depend on the primals. With has_aux, func returns (result, other), and this a third: other.

    >>> import tinygrad_cnn as tg
    >>> x, t = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0])
    >>> out, moved = tg.func.jvp(lambda x: x * x, (x,), (t,))
    >>> moved.tolist()
    [2.0, 4.0]
    """
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise RuntimeError(f"jvp: {what} must be a tuple, one for each argument, got {type(given).__name__}")
    if not primals:
        raise RuntimeError("jvp: primals must not be empty")
    out, move, aux = _linearized("jvp", func, primals, has_aux, strict)
    moved = move(*tangents)
    return (out, moved, aux) if has_aux else (out, moved)


def jacrev(
    func: Callable, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable:  # fmt: skip
    """The function that gives ∂func/∂argument, of shape out.shape + in.shape, row by row: one pull, mapped over rows.

    argnums: by which argument; a tuple gives a tuple. Results in a tuple, list or dict give such of Jacobians.
    chunk_size: so many rows at once.

    >>> import tinygrad_cnn as tg
    >>> tg.func.jacrev(lambda x: x * x)(tg.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    @wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        numbers = _numbers("jacrev", argnums, args)
        for i in numbers:
            _tensors("jacrev", f"argument {i}", args[i])
        done = Recorded(func, args, numbers, kwargs, has_aux)
        results = _tensors("jacrev", "outputs of the function", done.out)
        graph = done.has_others(results)
        rows = []  # of each result, the Jacobian by each input
        for k, result in enumerate(results):

            def row(seed: Tensor, k: int = k) -> tuple:
                return tuple(done.pull([seed if i == k else like(np.zeros, t) for i, t in enumerate(results)], graph))

            n, shape = result._array.size, tuple(result._array.shape)
            units = wrap(np.eye(n, dtype=result._array.dtype).reshape(n, *shape))
            found = vmap(row, chunk_size=chunk_size)(units)
            found = [reshape(j, (*shape, *t._array.shape)) for j, t in zip(found, done.inputs)]
            rows.append(_as_arguments(argnums, args, numbers, found))
        jacobians = done.released(rebuilt(done.out, rows))
        return (jacobians, done.released(done.aux)) if has_aux else jacobians

    return jacobian


def jacfwd(func: Callable, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Callable:
    """`jacrev`, column by column: one push, mapped over columns. It takes less where func returns more than it takes.

    >>> import tinygrad_cnn as tg
    >>> tg.func.jacfwd(lambda x: x * x)(tg.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    @wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        check_randomness("jacfwd", randomness)
        numbers = _numbers("jacfwd", argnums, args)
        for i in numbers:
            _tensors("jacfwd", f"argument {i}", args[i])
        done = Recorded(func, args, numbers, kwargs, has_aux, forward=True)
        results = _tensors("jacfwd", "outputs of the function", done.out)
        columns: list[list] = [[] for _ in results]  # of each result, the Jacobian by each input
        for k, t in enumerate(done.inputs):

            def column(move: Tensor, k: int = k) -> tuple:
                return tuple(done.push([move if i == k else None for i in range(len(done.inputs))]))

            n, shape = t._array.size, tuple(t._array.shape)
            units = wrap(np.eye(n, dtype=t._array.dtype).reshape(n, *shape))
            found = vmap(column, out_dims=-1)(units)
            for held, j, r in zip(columns, found, results):
                held.append(reshape(j, (*r._array.shape, *shape)))
        trees = [_as_arguments(argnums, args, numbers, held) for held in columns]
        jacobians = done.released(rebuilt(done.out, trees))
        return (jacobians, done.released(done.aux)) if has_aux else jacobians

    return jacobian


def hessian(func: Callable, argnums: Argnums = 0) -> Callable:
    """∂²func/∂argument², as jacfwd(jacrev(func)).

    >>> import tinygrad_cnn as tg
    >>> tg.func.hessian(lambda x: (x**3).sum())(tg.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)
