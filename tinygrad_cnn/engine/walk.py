"""The backward pass: from a loss back to the leaves, each node once, the youngest first.

A node is younger than all its parents, so visiting nodes in reverse order of birth never comes to a
node before every gradient that flows into it has been added up. That is all the topological sorting
there is; the walk is a loop, so a chain of a million ops is as good as a chain of two.

    L = f(a, b), a = p(x), b = q(x)      dL/dx = dL/da · da/dx + dL/db · db/dx

(Linnainmaa 1970; Griewank and Walther, Evaluating Derivatives, chapter 3.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ..arrays.quiet import loudness, restore, silence
from .modes import mode
from .node import AccumulateGrad, Node, Parts
from .tensor import Tensor, wrap

_birth = attrgetter("time")


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
    roots, seeds = _roots("backward", tensors, grad_tensors, create_graph)
    if inputs is None:
        _walk(roots, seeds, create_graph if retain_graph is None else retain_graph, create_graph)
        return
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if not inputs:
        raise RuntimeError("backward: inputs must not be empty; leave it out to reach every leaf")
    found = _walk(
        roots, seeds, create_graph if retain_graph is None else retain_graph, create_graph, _ends("backward", inputs)
    )
    for t in {id(t): t for t in inputs}.values():
        g = found.get(t.accumulator())
        if g is not None:
            _accumulate(t, g, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """d(Σ outputs · grad_outputs)/d(input) for each input, as a tuple; `.grad` is left alone.

    Only what lies between the outputs and the inputs is computed. An input that the outputs do not
    depend on raises a RuntimeError, gives None with allow_unused=True, zeros with materialize_grads=True.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = tg.autograd.grad(first, x)
    >>> first.item(), second.item()
    (12.0, 12.0)
    """
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not supported; call grad once for each row")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused to be True or left out, got False")
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if not inputs:
        raise ValueError("grad: requires non-empty inputs")
    roots, seeds = _roots("grad", outputs, grad_outputs, create_graph)
    ends = _ends("grad", inputs)
    found = _walk(roots, seeds, create_graph if retain_graph is None else retain_graph, create_graph, ends)
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


def _roots(name: str, tensors: Any, gradients: Any, create_graph: bool) -> tuple[list[Node], list]:
    """The nodes to start from and the gradient to start each with."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if gradients is None:
        gradients = [None] * len(tensors)
    elif isinstance(gradients, Tensor):
        gradients = [gradients]
    else:
        gradients = list(gradients)
    if len(tensors) != len(gradients):
        raise RuntimeError(f"{name}: got {len(tensors)} tensors and {len(gradients)} gradients; give one for each")
    roots, seeds = [], []
    for i, (t, g) in enumerate(zip(tensors, gradients, strict=True)):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: element {i} of the tensors is a {type(t).__name__}, expected a Tensor")
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
        elif not isinstance(g, Tensor):
            raise TypeError(f"{name}: gradients can be either Tensors or None, but got {type(g).__name__}")
        elif g._array.shape != shape:
            raise RuntimeError(
                f"{name}: the gradient has shape {g._array.shape}, its output has shape {shape}; they must be equal"
            )
        if g._array.dtype != t._array.dtype:
            from .op import cast

            g = cast(g, t._array.dtype)
        roots.append(t.accumulator())
        seeds.append(g if create_graph else g._array)
    return roots, seeds


def _ends(name: str, inputs: list) -> list[Node]:
    for i, t in enumerate(inputs):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: input {i} is a {type(t).__name__}, expected a Tensor")
        if not t.requires_grad:
            raise RuntimeError(f"{name}: one of the differentiated Tensors (input {i}) does not require grad")
    return [t.accumulator() for t in inputs]


def ancestry(roots: Iterable[Node]) -> list[Node]:
    """The roots and all that they were computed from, the youngest first: a topological order."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=_birth, reverse=True)


def _walk(
    roots: list[Node], seeds: list, retain_graph: bool, create_graph: bool, ends: list[Node] | None = None
) -> dict[Node, Any]:
    """Pull gradients through the ancestry of the roots; with `ends`, return theirs instead of accumulating."""
    order = ancestry(roots)
    wanted = None
    if ends is not None:
        wanted = set(ends)
        between = set(ends)
        for node in reversed(order):
            if any(parent in between for parent in node.parents):
                between.add(node)
    gradients: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds, strict=True):
        if root in gradients:
            seed = gradients[root] + seed
        elif not create_graph and (wanted is not None or type(root) is AccumulateGrad):
            seed = np.copy(seed, order="K")  # the caller's own
        gradients[root] = seed
    found: dict[Node, Any] = {}
    nought: set[Node] = set()  # what was reached, by zeros alone: they are not computed with, but they are an answer
    before, loud = (mode.grad, mode.tracer), loudness()
    try:
        silence()
        mode.grad, mode.tracer = create_graph, mode.tracer and mode.tracer.walk(roots, retain_graph, ends)
        tracer, anomaly = mode.tracer, mode.anomaly
        for node in order:
            g = gradients.pop(node, None)
            if g is None:
                if node in nought:
                    nought.update(node.parents)
                    if wanted is not None:
                        if node in wanted:
                            found[node] = np.zeros(node.shape, node.dtype)
                    elif type(node) is AccumulateGrad:
                        _arrive(node, np.zeros(node.shape, node.dtype), create_graph)
                continue
            if node.hooks is not None or node.retain is not None:
                g = _run_hooks(node, g, create_graph)
            if tracer is not None:
                tracer.arrived(node, g)
            if wanted is not None:
                if node in wanted:
                    found[node] = g
                if node not in between or (node in wanted and not any(p in between for p in node.parents)):
                    continue
            elif type(node) is AccumulateGrad:
                _arrive(node, g, create_graph)
                continue
            contributions = node.pull(g, create_graph)
            if tracer is not None:
                tracer.pulled(node, g, contributions)
            for parent, c in zip(node.parents, contributions, strict=True):
                if c is None:
                    if node.zero:
                        nought.add(parent)
                    continue
                if anomaly:
                    _refuse_nan(node, c)
                held = gradients.get(parent)
                if held is not None:
                    c = held + c
                elif not create_graph and (wanted is not None or type(parent) is AccumulateGrad):
                    c = _own(c, g, node)
                gradients[parent] = c
            if not retain_graph:
                node.release()
    finally:
        mode.grad, mode.tracer = before
        restore(loud)
    return found


def _arrive(node: AccumulateGrad, g: Any, create_graph: bool) -> None:
    leaf = node.leaf()
    if leaf is not None:
        _accumulate(leaf, g, create_graph)


def _accumulate(t: Tensor, g: Any, create_graph: bool) -> None:
    """Add g, which nobody else holds, to the `.grad` that is there, in place; then call the hooks that wait for it.

    A gradient with a graph of its own is added out of place: the graph of the earlier ones may need their values.
    """
    if not t._requires_grad:
        return  # frozen since
    held = t._grad
    if create_graph:
        g = g if isinstance(g, Tensor) else wrap(np.asarray(g))
        t._grad = g.clone() if held is None else held + g  # type: ignore[attr-defined, operator]
    elif held is None:
        t._grad = wrap(_laid_out_like(t._array, g))
    else:
        array = held._array
        if array.shape != g.shape or not array.flags.writeable:
            raise RuntimeError(
                f"backward: a gradient of shape {g.shape} cannot be added to the .grad that is there, of shape "
                f"{array.shape}" + ("" if array.flags.writeable else " and read-only (or expanded): .clone() it first")
            )
        np.add(array, g, out=array)
        held.version().bump("backward")
    after = getattr(t._node, "after", None)
    if after:
        for hook in list(after.values()):
            hook(t)


def _laid_out_like(array: np.ndarray, g: Any) -> np.ndarray:
    """The gradient with the strides of its leaf, or in rows where elements of the leaf overlap or leave gaps."""
    g = np.asarray(g)
    if g.strides == array.strides or (g.flags.c_contiguous and array.flags.c_contiguous):
        return g
    out = np.empty_like(array)  # dense, with the axes in the leaf's order
    if any(n > 1 and i != j for n, i, j in zip(array.shape, array.strides, out.strides, strict=True)):
        out = np.empty(array.shape, array.dtype)
    np.copyto(out, g)
    return out


def _own(c: Any, g: Any, node: Node) -> Any:
    """A gradient that nobody else holds, for the user: a rule may hand on `g`, what was saved, or a view of them."""
    if type(c) is Parts:
        return c
    saved = getattr(node, "saved", None)
    if saved is None or not c.flags.writeable:
        return np.copy(c, order="K")  # a user's backward may hand on anything; what is read-only repeats its elements
    memory = _memory(c)
    for x in (g, *saved):
        if type(x) is np.ndarray:
            if memory is _memory(x):
                return np.copy(c, order="K")
        elif isinstance(x, list | Parts) and any(
            memory is _memory(y) for y in (x if isinstance(x, list) else x.values())
        ):
            return np.copy(c, order="K")
    return c


def _memory(x: Any) -> Any:
    """Whose memory an array lies in: its own, or that of the array which it is a view of."""
    base = getattr(x, "base", None)
    return base if isinstance(base, np.ndarray) else x


def _run_hooks(node: Node, g: Any, create_graph: bool) -> Any:
    """The gradient after the hooks of a node have seen it, and perhaps replaced it."""
    if type(g) is Parts:
        return g
    seen = g if isinstance(g, Tensor) else wrap(np.asarray(g))
    for hook in list((node.hooks or {}).values()):
        changed = hook(seen)
        if changed is not None:
            if not isinstance(changed, Tensor):
                raise TypeError(f"hook of {node.name()}: expected a Tensor or None, got {type(changed).__name__}")
            if (changed._array.shape, changed._array.dtype) != (node.shape, node.dtype):
                raise RuntimeError(
                    f"hook of {node.name()}: returned {changed._array.dtype} of shape {changed._array.shape}, the "
                    f"gradient is {node.dtype} of shape {node.shape}"
                )
            seen = changed
    t = node.retain and node.retain()
    if t is not None:
        kept = seen.clone()  # type: ignore[attr-defined]
        t._grad = kept if t._grad is None else t._grad + kept
    if create_graph:
        return seen
    # What a hook may have kept, or handed on, is not to be added to later.
    return np.copy(seen._array, order="K") if node.hooks else seen._array


def _refuse_nan(node: Node, c: Any) -> None:
    """Anomaly mode: stop at the first NaN, and say where it came from."""
    if not mode.check_nan:
        return
    for g in c.values() if type(c) is Parts else [c]:
        array = g._array if isinstance(g, Tensor) else np.asarray(g)
        if array.dtype.kind in "fc" and np.isnan(array).any():
            raise RuntimeError(f"{node.name()}: its backward returned NaN values{whereabouts(node)}")


def whereabouts(node: Node) -> str:
    """For an error message: the shapes of a node, and the user's line if it was noted."""
    ins = ", ".join(str(p.shape) for p in node.parents)
    text = f"; output {node.shape}, inputs that need a gradient {ins}"
    if node.where is not None:
        file, line, function = node.where
        import linecache

        text += f"; forward call: {file}:{line} in {function}: {linecache.getline(file, line).strip()}"
    return text
