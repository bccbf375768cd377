"""Whole derivatives of functions: products with a vector, Jacobians, Hessians.

A backward pass is a vector-Jacobian product vᵀJ. A Jacobian is one such pass per output element; a
Jacobian-vector product Ju is the derivative of vᵀJ, which is linear in v, along v ("double backward").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.modes import enable_grad
from ..engine.tensor import Tensor, wrap
from ..engine.walk import grad


def _inputs(name: str, inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """The inputs as a tuple of tensors that need a gradient, and whether there was just one."""
    single = not isinstance(inputs, tuple | list)
    given = (inputs,) if single else tuple(inputs)
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: input {i} is a {type(t).__name__}, expected a Tensor")
    if create_graph:
        return tuple(t if t.requires_grad else t.detach().requires_grad_() for t in given), single  # type: ignore
    return tuple(t.detach().requires_grad_() for t in given), single  # type: ignore[attr-defined]


def _outputs(name: str, outputs: Any, strict: bool) -> tuple[tuple[Tensor, ...], bool]:
    single = isinstance(outputs, Tensor)
    results = (outputs,) if single else tuple(outputs)
    for i, t in enumerate(results):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: output {i} of the function is a {type(t).__name__}, expected a Tensor")
        if strict and not t.requires_grad:
            raise RuntimeError(f"{name}: output {i} of the function does not depend on the inputs, and strict is True")
    return results, single


def _pull(
    name: str, outputs: Sequence[Tensor], inputs: tuple[Tensor, ...], seeds: Any, create_graph: bool, strict: bool
) -> tuple:
    """The gradient of every input, zeros where there is none; with strict, an error there."""
    if len(outputs) != len(seeds):
        raise RuntimeError(f"{name}: v must have {len(outputs)} tensors, got {len(seeds)}")
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


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), vᵀJ): a gradient for each input; v has the shapes of the outputs, 1 for a scalar.

    >>> import tinygrad_cnn as tg
    >>> out, g = vjp(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0]))
    >>> out.item(), g.tolist()
    (5.0, [2.0, 4.0])
    """
    with enable_grad():
        given, single = _inputs("vjp", inputs, create_graph)
        outputs, _ = _outputs("vjp", func(*given), strict)
        if v is None:
            if len(outputs) != 1 or outputs[0]._array.size != 1:
                raise RuntimeError("vjp: v can be left out only where the function returns one scalar")
            seeds: Any = (wrap(np.ones_like(outputs[0]._array)),)
        else:
            seeds = (v,) if isinstance(v, Tensor) else tuple(v)
        grads = _pull("vjp", outputs, given, seeds, create_graph, strict)
    values = outputs if create_graph else tuple(t.detach() for t in outputs)
    return values[0] if len(values) == 1 else values, grads[0] if single else grads


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(inputs), J·v): how the outputs move when the inputs move along v.

    >>> import tinygrad_cnn as tg
    >>> jvp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))[1].tolist()
    [2.0, 4.0]
    """
    with enable_grad():
        given, _ = _inputs("jvp", inputs, create_graph)
        outputs, _ = _outputs("jvp", func(*given), strict)
        if v is None:
            if len(given) != 1 or given[0]._array.size != 1:
                raise RuntimeError("jvp: v can be left out only where there is one input with one element")
            vectors: Any = (wrap(np.ones_like(given[0]._array)),)
        else:
            vectors = (v,) if isinstance(v, Tensor) else tuple(v)
        dummies = tuple(wrap(np.zeros_like(t._array)).requires_grad_() for t in outputs)  # type: ignore[attr-defined]
        pulled = _pull("jvp", outputs, given, dummies, True, strict)
        moves = _pull("jvp", pulled, dummies, vectors, create_graph, strict)
    values = outputs if create_graph else tuple(t.detach() for t in outputs)
    return (values[0], moves[0]) if len(values) == 1 else (values, moves)


def jacobian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False
) -> Any:
    """∂out/∂in for every output and input: shape out.shape + in.shape; nested tuples where there are several.

    >>> import tinygrad_cnn as tg
    >>> jacobian(lambda x: x * x, tg.tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    with enable_grad():
        given, one_input = _inputs("jacobian", inputs, create_graph)
        outputs, one_output = _outputs("jacobian", func(*given), strict)
        result = []
        for out in outputs:
            rows: list[list[Tensor]] = [[] for _ in given]
            for i in range(out._array.size):
                unit = np.zeros(out._array.shape, out._array.dtype)
                unit.reshape(-1)[i] = 1
                pulled = _pull("jacobian", (out,), given, (wrap(unit),), create_graph, strict)
                for held, g in zip(rows, pulled, strict=True):
                    held.append(g)
            blocks = tuple(_stacked(held, out, t) for held, t in zip(rows, given, strict=True))
            result.append(blocks[0] if one_input else blocks)
    return result[0] if one_output else tuple(result)


def _stacked(rows: list[Tensor], out: Tensor, t: Tensor) -> Tensor:
    from ..ops import stack  # ops stand above autograd; only a Jacobian that may have a graph needs one

    shape = out._array.shape + t._array.shape
    return stack(rows).reshape(shape) if rows else wrap(np.zeros(shape, t._array.dtype))


def hessian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False
) -> Any:
    """∂²func/∂in∂in of a function that returns a scalar: shape in.shape + in.shape.

    >>> import tinygrad_cnn as tg
    >>> hessian(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """

    def gradient(*given: Tensor) -> Any:
        outputs, single = _outputs("hessian", func(*given), strict)
        if not single or outputs[0]._array.size != 1:
            raise RuntimeError(
                f"hessian: the function must return one scalar, got shapes {[t._array.shape for t in outputs]}"
            )
        grads = _pull("hessian", outputs, given, (wrap(np.ones_like(outputs[0]._array)),), True, strict)
        return grads[0] if isinstance(inputs, Tensor) else grads

    return jacobian(gradient, inputs, create_graph, strict)
