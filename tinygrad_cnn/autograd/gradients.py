"""`backward` and `grad`: how one asks for gradients. What is asked is checked here; the engine walks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..arrays.arguments import truth
from ..arrays.lines import user_level
from ..engine.broadcast import cast
from ..engine.higher import pull_recorded
from ..engine.modes import mode
from ..engine.node import Node
from ..engine.tensor import Tensor, wrap
from ..engine.walk import accumulate, walk


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add d(Σ tensors · grad_tensors)/d(leaf) to the `.grad` of every leaf that needs a gradient.

    tensors: what to differentiate; grad_tensors: a gradient for each, of its shape, not needed for scalars.
    retain_graph: keep what the nodes saved, so that backward can run again (default: as create_graph).
    create_graph: give the gradients graphs of their own, for second derivatives.
    inputs: add to the `.grad` of these tensors alone.

    Raises a RuntimeError where a tensor needs no gradient, where a gradient is missing or of another
    shape, where the graph was freed, and where a saved tensor was changed in place.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.autograd.backward((x * x).sum())
    >>> x.grad.tolist()
    [2.0, 4.0]
    """
    create_graph = truth("backward", "create_graph", create_graph)
    retain_graph = create_graph if retain_graph is None else truth("backward", "retain_graph", retain_graph)
    roots, seeds = _roots("backward", tensors, grad_tensors, create_graph)
    pull = pull_recorded if create_graph else None
    if inputs is None:
        walk(roots, seeds, retain_graph, None, pull)
        return
    inputs = _several("backward", "inputs", inputs)
    if not inputs:
        raise RuntimeError("backward: inputs must not be empty; leave it out to reach every leaf")
    found = walk(roots, seeds, retain_graph, _ends("backward", inputs), pull)
    for t in {id(t): t for t in inputs}.values():
        g = found.get(t.accumulator())
        if g is not None:
            accumulate(t, g, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | Any, ...]:
    """d(Σ outputs · grad_outputs)/d(input) for each input, as a tuple; `.grad` is left alone.

    Only what lies between the outputs and the inputs is computed. An input that the outputs do not
    depend on raises a RuntimeError, gives None with allow_unused=True, zeros with materialize_grads=True.
    is_grads_batched: the grad_outputs have one more axis in front; a gradient for each of their rows, by `vmap`.
    only_inputs: there is no other way; a FutureWarning says so of False.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = tg.autograd.grad(first, x)
    >>> first.item(), second.item()
    (12.0, 12.0)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused to be True or left out, got False")
    if not only_inputs:
        warnings.warn("grad: only_inputs=False is ignored, it was removed", FutureWarning, stacklevel=user_level())
    inputs = _several("grad", "inputs", inputs)
    if not inputs:
        raise RuntimeError("grad: inputs must not be empty")
    create_graph = truth("grad", "create_graph", create_graph)
    retain_graph = create_graph if retain_graph is None else truth("grad", "retain_graph", retain_graph)
    allow_unused = truth("grad", "allow_unused", materialize_grads if allow_unused is None else allow_unused)
    if is_grads_batched:
        return _of_rows(outputs, inputs, grad_outputs, create_graph, allow_unused, materialize_grads)
    lifted = mode.tracer is not None and mode.tracer.rewrites
    roots, seeds = _roots("grad", outputs, grad_outputs, create_graph or lifted)
    ends = _ends("grad", inputs)
    if lifted:
        from ..func.reverse import pull

        found = dict(zip(ends, pull(_several("grad", "outputs", outputs), seeds, inputs, create_graph)))
    else:
        found = walk(roots, seeds, retain_graph, ends, pull_recorded if create_graph else None)
    result: list[Tensor | None] = []
    handed_out = {id(seed) for seed in seeds}
    for i, t in enumerate(inputs):
        g = found.get(t.accumulator())
        if g is None:
            if materialize_grads:
                g = np.zeros_like(t._array)
            elif not allow_unused:
                raise RuntimeError(
                    f"grad: input {i} of shape {t._array.shape} appears not to have been used in the graph of the "
                    "outputs; set allow_unused=True if that is what you want"
                )
        elif id(g) in handed_out or (isinstance(g, Tensor) and not g._array.flags.writeable):
            g = g.clone() if isinstance(g, Tensor) else g.copy()  # no two are one, and each may be changed in place
        handed_out.add(id(g))
        result.append(g if g is None or isinstance(g, Tensor) else wrap(np.asarray(g)))
    return tuple(result)


def _of_rows(
    outputs: Any, inputs: list, rows: Any, create_graph: bool, allow_unused: Any, materialize_grads: bool
) -> tuple:
    """`grad` for each row of the gradients of the outputs."""
    from ..func.vmap import vmap

    if rows is None:
        raise RuntimeError("grad: is_grads_batched=True needs grad_outputs, with one more axis in front")
    used: list = []

    def of_row(*row: Tensor) -> tuple:
        found = grad(outputs, inputs, row, True, create_graph, allow_unused=allow_unused)
        used[:] = [g is not None for g in found]
        return tuple([g for g in found if g is not None])

    rows = _several("grad", "gradients", rows)
    found = iter(vmap(of_row)(*rows))
    n = rows[0]._array.shape[0]
    zeros = lambda t: wrap(np.zeros((n, *t._array.shape), t._array.dtype)) if materialize_grads else None
    return tuple([next(found) if there else zeros(t) for t, there in zip(inputs, used, strict=True)])


def _roots(name: str, tensors: Any, gradients: Any, create_graph: bool) -> tuple[list[Node], list]:
    """The nodes to start from and the gradient to start each with."""
    tensors = _several(name, "outputs", tensors)
    gradients = [None] * len(tensors) if gradients is None else _several(name, "gradients", gradients)
    for g in gradients:
        if not (g is None or isinstance(g, Tensor)):
            raise TypeError(f"{name}: gradients can be either Tensors or None, but got {type(g).__name__}")
    if len(tensors) != len(gradients):
        raise RuntimeError(f"{name}: got {len(tensors)} tensors and {len(gradients)} gradients; give one for each")
    roots, seeds = [], []
    for i, (t, g) in enumerate(zip(tensors, gradients, strict=True)):
        if not isinstance(t, Tensor):
            raise AssertionError(f"{name}: element {i} of the tensors is a {type(t).__name__}, expected a Tensor")
        if not t.requires_grad:
            raise RuntimeError(
                f"{name}: element {i} of tensors does not require grad and does not have a grad_fn; nothing in its "
                "history requires grad (was it made under no_grad, or detached?)"
            )
        shape = t._array.shape
        if g is None:
            if t._array.size != 1:
                raise RuntimeError(
                    f"{name}: grad can be implicitly created only for scalar outputs, this one has shape {shape}; "
                    "reduce it with .sum() or .mean(), or pass a gradient of its shape"
                )
            g = wrap(np.ones(shape, t._array.dtype))
        elif g._array.shape != shape:
            raise RuntimeError(
                f"{name}: the gradient has shape {g._array.shape}, its output has shape {shape}; they must be equal"
            )
        if g._array.dtype != t._array.dtype:
            g = cast(g, t._array.dtype)
        roots.append(t.accumulator())
        seeds.append(g if create_graph else g._array)
    return roots, seeds


def _several(name: str, what: str, given: Any) -> list:
    """One tensor, or those of a sequence, as a list."""
    if isinstance(given, Tensor):
        return [given]
    if not isinstance(given, Iterable):
        raise TypeError(f"{name}: {what} must be a Tensor or a sequence of them, got {type(given).__name__}")
    return list(given)


def _ends(name: str, inputs: list) -> list[Node]:
    for i, t in enumerate(inputs):
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{name}: input {i} is a {type(t).__name__}, expected a Tensor")
        if not t.requires_grad:
            raise RuntimeError(f"{name}: one of the differentiated Tensors (input {i}) does not require grad")
    return [t.accumulator() for t in inputs]
