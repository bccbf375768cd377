"""Whole derivatives of functions: products with a vector, Jacobians, Hessians.

A backward pass is a vector-Jacobian product vᵀJ. A Jacobian is one such pass per output element; a
Jacobian-vector product Ju is the derivative of vᵀJ, which is linear in v, along v ("double backward").

`create_graph`: the results have a graph of their own, back to the inputs that need a gradient. `strict`: a
RuntimeError where an output does not depend on the inputs or an input is not used, instead of the zeros that are
its derivative; with `create_graph`, and for a Hessian, also where the derivative is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from ..func import jacfwd, vmap
from ..ops.join import stack, unbind
from ..ops.shape import reshape
from ..pytorch.absent import explains
from .grad_mode import enable_grad
from .gradients import grad


def _inputs(name: str, inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """The inputs as a tuple of new tensors that need a gradient, and whether there was just one.

    New ones, even with a graph: what `func` takes from its surroundings is a constant, though it be the same tensor.
    """
    single = not isinstance(inputs, tuple)
    given: Any = (inputs,) if single else inputs
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: input {i} is a {type(t).__name__}, expected a Tensor")
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_()  # type: ignore[attr-defined]
        for t in given
    ), single


def _outputs(name: str, outputs: Any, strict: bool) -> tuple[tuple[Tensor, ...], bool]:
    single = not isinstance(outputs, tuple)
    results = (outputs,) if single else outputs
    for i, t in enumerate(results):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: output {i} of the function is a {type(t).__name__}, expected a Tensor")
        if strict and not t.requires_grad:
            raise RuntimeError(f"{name}: output {i} of the function does not depend on the inputs, and strict is True")
    return results, single


def _scalar(name: str, outputs: Any, strict: bool) -> tuple[Tensor, ...]:
    results, single = _outputs(name, outputs, strict)
    if not single or results[0]._array.size != 1:
        raise RuntimeError(
            f"{name}: the function must return one scalar, got shapes {[t._array.shape for t in results]}"
        )
    return results


def _vector(name: str, v: Any, like: tuple[Tensor, ...], what: str) -> tuple[Tensor, ...]:
    """v as a tuple of tensors with the shapes of `like`; it may be left out where that is a single element."""
    if v is None:
        if len(like) != 1 or like[0]._array.size != 1:
            raise RuntimeError(f"{name}: v can be left out only where there is one {what} with one element")
        return (wrap(np.ones_like(like[0]._array)),)
    vectors = tuple(v) if isinstance(v, tuple | list) else (v,)
    for i, t in enumerate(vectors):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: entry {i} of v is a {type(t).__name__}, expected a Tensor")
    given, expected = [t._array.shape for t in vectors], [t._array.shape for t in like]
    if given != expected:
        raise RuntimeError(f"{name}: v must have the shapes of the {what}s, {expected}, got {given}")
    return vectors


def _pull(
    name: str,
    outputs: Sequence[Tensor],
    inputs: tuple[Tensor, ...],
    seeds: Sequence[Tensor],
    create_graph: bool,
    strict: bool,
) -> tuple[Tensor, ...]:
    """The gradient of every input, zeros where there is none; with strict, an error there."""
    pairs = [(out, seed) for out, seed in zip(outputs, seeds, strict=True) if out.requires_grad]
    found: Sequence = [None] * len(inputs)
    if pairs:
        outs, vectors = zip(*pairs, strict=True)
        found = grad(outs, inputs, vectors, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for i, g in enumerate(found if strict else ()):
        if g is None or (create_graph and not g.requires_grad):
            what = "the function" if g is None else "the derivative of the function"
            raise RuntimeError(f"{name}: {what} does not depend on input {i}, and strict is True")
    return tuple(wrap(np.zeros_like(t._array)) if g is None else g for g, t in zip(found, inputs, strict=True))


def _push(
    name: str,
    outputs: tuple[Tensor, ...],
    inputs: tuple[Tensor, ...],
    vectors: tuple[Tensor, ...],
    create_graph: bool,
    strict: bool,
) -> tuple[Tensor, ...]:
    """How the outputs move when the inputs move along v: uᵀJ is linear in u, and J·v is its derivative along v."""
    u = tuple(wrap(np.ones_like(t._array)).requires_grad_() for t in outputs)  # type: ignore[attr-defined]
    pulled = _pull(name, outputs, inputs, u, True, strict)
    return _pull(name, pulled, u, vectors, create_graph, strict)


def _gradient(name: str, output: tuple[Tensor, ...], inputs: tuple[Tensor, ...], strict: bool) -> tuple[Tensor, ...]:
    """The gradient of a scalar, with a graph."""
    return _pull(name, output, inputs, (wrap(np.ones_like(output[0]._array)),), True, strict)


def _given_back(tensors: tuple[Tensor, ...], single: bool, create_graph: bool) -> Any:
    results = tensors if create_graph else tuple(t.detach() for t in tensors)
    return results[0] if single else results


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), vᵀJ): a gradient for each input; v has the shapes of the outputs, 1 for a scalar.

    >>> import tinygrad_cnn as tg
    >>> out, g = vjp(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0]))
    >>> out.item(), g.tolist()
    (5.0, [2.0, 4.0])
    """
    with enable_grad():
        given, one_input = _inputs("vjp", inputs, create_graph)
        outputs, one_output = _outputs("vjp", func(*given), strict)
        grads = _pull("vjp", outputs, given, _vector("vjp", v, outputs, "output"), create_graph, strict)
    return _given_back(outputs, one_output, create_graph), _given_back(grads, one_input, create_graph)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), J·v): how the outputs move when the inputs move along v.

    >>> import tinygrad_cnn as tg
    >>> jvp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))[1].tolist()
    [2.0, 4.0]
    """
    with enable_grad():
        given, _ = _inputs("jvp", inputs, create_graph)
        vectors = _vector("jvp", v, given, "input")
        outputs, single = _outputs("jvp", func(*given), strict)
        moves = _push("jvp", outputs, given, vectors, create_graph, strict)
    return _given_back(outputs, single, create_graph), _given_back(moves, single, create_graph)


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), vᵀH) of a function that returns a scalar; v has the shapes of the inputs.

    >>> import tinygrad_cnn as tg
    >>> vhp(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))[1].tolist()
    [6.0, 12.0]
    """
    with enable_grad():
        given, single = _inputs("vhp", inputs, create_graph)
        vectors = _vector("vhp", v, given, "input")
        output = _scalar("vhp", func(*given), strict)
        products = _pull("vhp", _gradient("vhp", output, given, strict), given, vectors, create_graph, strict)
    return _given_back(output, True, create_graph), _given_back(products, single, create_graph)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), H·v) of a function that returns a scalar; `vhp` is cheaper, and equal where H is symmetric.

    >>> import tinygrad_cnn as tg
    >>> hvp(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))[1].tolist()
    [6.0, 12.0]
    """
    with enable_grad():
        given, single = _inputs("hvp", inputs, create_graph)
        vectors = _vector("hvp", v, given, "input")
        output = _scalar("hvp", func(*given), strict)
        moves = _push("hvp", _gradient("hvp", output, given, strict), given, vectors, create_graph, strict)
    return _given_back(output, True, create_graph), _given_back(moves, single, create_graph)


def jacobian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """∂out/∂in for every output and input: shape out.shape + in.shape; nested tuples where there are several.

    vectorize: all rows at once, by `vmap`, instead of one by one. strategy: "forward-mode" takes columns, which is less
    work where there are more outputs than inputs. As in PyTorch, strict cannot be had together with vectorize
    (RuntimeError), nor forward mode with strict (RuntimeError), create_graph, or without vectorize
    (NotImplementedError); AssertionError for another strategy.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0])
    >>> jacobian(lambda x: x * x, x).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    >>> jacobian(lambda x: x * x, x, vectorize=True, strategy="forward-mode").tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_strategy("jacobian", strategy)
    if strategy == "forward-mode":
        return _by_columns(func, inputs, create_graph, strict, vectorize)
    _refuse_both("jacobian", strict, vectorize)
    with enable_grad():
        given, one_input = _inputs("jacobian", inputs, create_graph)
        outputs, one_output = _outputs("jacobian", func(*given), strict)
        result = []
        for out in outputs:
            units = _units(out)
            if vectorize:
                rows = vmap(lambda unit, out=out: _pull("jacobian", (out,), given, (unit,), create_graph, False))(units)
            else:
                each = [_pull("jacobian", (out,), given, (unit,), create_graph, strict) for unit in unbind(units)]
                rows = [stack(row) for row in zip(*each)] if each else [_no_rows(t) for t in given]
            blocks = tuple([reshape(r, (*out._array.shape, *t._array.shape)) for r, t in zip(rows, given, strict=True)])
            result.append(blocks[0] if one_input else blocks)
    return result[0] if one_output else tuple(result)


def _by_columns(func: Callable, inputs: Any, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    if create_graph or not vectorize:
        what = "create_graph=True" if create_graph else "vectorize=False"
        raise NotImplementedError(f'jacobian: strategy="forward-mode" and {what} cannot be had together')
    if strict:
        raise RuntimeError('jacobian: strategy="forward-mode" and strict=True cannot be had together')
    given, one_input = _inputs("jacobian", inputs, False)
    single: list[bool] = []

    def results(*arguments: Tensor) -> tuple[Tensor, ...]:
        outputs, one = _outputs("jacobian", func(*arguments), False)
        single.append(one)
        return outputs

    found = jacfwd(results, tuple(range(len(given))))(*[t.detach() for t in given])
    found = tuple([blocks[0] for blocks in found]) if one_input else found
    return found[0] if single[0] else found


def _units(t: Tensor) -> Tensor:
    """A one for each element of t, the rest zeros, along a new first axis."""
    n, array = t._array.size, t._array
    return wrap(np.eye(n, dtype=array.dtype).reshape(n, *array.shape))


def _no_rows(t: Tensor) -> Tensor:
    return wrap(np.zeros((0, *t._array.shape), t._array.dtype))


def _check_strategy(name: str, strategy: str) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'{name}: the strategy is "reverse-mode" or "forward-mode", got {strategy!r}')


def _refuse_both(name: str, strict: bool, vectorize: bool) -> None:
    if strict and vectorize:
        raise RuntimeError(f"{name}: strict=True and vectorize=True cannot be had together; leave one of them out")


def hessian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """∂²func/∂in∂in of a function that returns a scalar: shape in.shape + in.shape.

    vectorize, outer_jacobian_strategy: as vectorize and strategy of `jacobian`, for that of the gradient.

    >>> import tinygrad_cnn as tg
    >>> hessian(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    _check_strategy("hessian", outer_jacobian_strategy)

    def gradient(*given: Tensor) -> Any:
        grads = _gradient("hessian", _scalar("hessian", func(*given), strict), given, strict)
        return grads[0] if isinstance(inputs, Tensor) else grads

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


explains(__name__)
