"""Is a rule right? Compare it with finite differences.

    numeric:  dL/dx[i] ≈ (L(x + h·e_i) - L(x - h·e_i)) / 2h       error O(h²) + rounding/h
    analytic: the gradient that backward gives

for L = <f(x), v> with every unit vector v in turn, so that the whole Jacobian is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.quiet import quietly
from ..engine.function import FunctionCtx
from ..engine.tensor import Tensor, wrap
from ..engine.walk import ancestry
from .grad_mode import no_grad
from .gradients import grad


class GradcheckError(RuntimeError):
    """Analytic and numeric gradient differ: what `gradcheck` raises.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([2.0], dtype=tg.float64, requires_grad=True)
    >>> gradcheck(lambda x: x.detach() * x, x)  # whose gradient knows of one x alone
    Traceback (most recent call last):
    tinygrad_cnn.autograd.numerical.GradcheckError: gradcheck: gradient of output 0 element (0,) ...
    """


def gradcheck(
    func: Callable,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """True where the gradient of `func(*inputs)` agrees with finite differences: |a - n| <= atol + rtol·|n|.

    inputs: Tensors; those of floating dtype that require grad are checked, in float64 (float32 is too
    coarse for eps=1e-6). func returns a Tensor or several. eps: the step of the differences.
    nondet_tol: by how much two calls, or two backward passes, with the same numbers may differ.
    check_undefined_grad: also ask that backward copes with outputs that got no gradient, all of them or one of
    several: it passes on zeros, or nothing. Only an `autograd.Function` with `set_materialize_grads(False)` sees that.
    check_grad_dtypes: also ask that a gradient has the dtype of its input.
    check_backward_ad, check_batched_grad, check_forward_ad: compare what backward gives, what it gives for all rows at
    once, and what dual tensors give. check_batched_forward_grad and masked change nothing: dual tensors are moved one
    by one, and there are no sparse ones.
    fast_mode: compare one number for each input and output, along a random direction of either, not every element.

    Raises GradcheckError naming the input, the element, both values and the tolerance (or returns False
    with raise_exception=False); ValueError where no input requires grad.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    >>> gradcheck(lambda x: x.exp() * x, x)
    True
    """
    given = _given(inputs)
    checked = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    if not checked:
        raise ValueError("gradcheck: at least one of the inputs must be a Tensor with requires_grad=True")
    if not check_forward_ad and not check_backward_ad:
        raise AssertionError("gradcheck: expected one of check_backward_ad and check_forward_ad to be True")
    ways: list[Callable] = [_by_backward] if check_backward_ad else []
    ways += [_by_batches] if check_batched_grad else []
    ways += [_by_tangents] if check_forward_ad else []
    if fast_mode:
        func, given = _along(func, given, checked)
        checked = list(range(len(checked)))
    try:
        outputs = _outputs(func(*given))
        again = _outputs(func(*given))
        for a, b in zip(outputs, again, strict=True):
            difference = np.abs(a._array - b._array).max(initial=0.0)
            if difference > nondet_tol or np.isnan(difference):
                raise GradcheckError(
                    f"gradcheck: two calls of func with the same inputs differ by {difference:.3g} (nondet_tol="
                    f"{nondet_tol:g}); a random func must draw the same numbers each time"
                )
        for k, out in enumerate(outputs):
            if out._array.dtype.kind == "f":
                _check_output(func, given, checked, k, out, eps, atol, rtol, ways)
        ends = _differentiable(outputs), [given[i] for i in checked]
        if check_backward_ad:
            _check_backward(*ends, nondet_tol, check_grad_dtypes)
            if check_undefined_grad:
                _check_undefined(*ends)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradient of `func`: is its second derivative right?

    The gradient is taken with random (or the given) grad_outputs, which are checked as inputs as well.
    gen_non_contig_grad_outputs: the random ones do not lie densely in memory. check_rev_over_rev: compare what backward
    gives through backward. check_fwd_over_rev: compare what dual tensors give through backward too.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.5, 2.0], dtype=tg.float64, requires_grad=True)
    >>> gradgradcheck(lambda x: x**3, x)
    True
    """
    given = _given(inputs)
    outputs = _differentiable(_outputs(func(*given)))
    if grad_outputs is None:
        rng = quietly(np.random.default_rng, 0)
        drawn = [rng.standard_normal(out._array.shape).astype(out._array.dtype) for out in outputs]
        if gen_non_contig_grad_outputs:
            drawn = [np.stack([a, a], -1)[..., 0] for a in drawn]
        seeds = [wrap(a) for a in drawn]
    else:
        seeds = [t.detach() for t in ([grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs)]  # type: ignore
    for seed in seeds:
        seed.requires_grad = True
    n = len(given)
    checked = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]

    def gradients(*arguments: Any) -> tuple:
        outs = _differentiable(_outputs(func(*arguments[:n])))
        sources = [arguments[i] for i in checked]
        grads = grad(outs, sources, arguments[n:], create_graph=True, allow_unused=True, materialize_grads=True)
        # A function that is linear in an input has a gradient without history there: its derivative is zero.
        return tuple(g if g.requires_grad else g + 0 * sources[0].sum() for g in grads)  # type: ignore

    return gradcheck(
        gradients,
        (*given, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


def _given(inputs: Any) -> tuple:
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


def _along(func: Callable, given: tuple, checked: list[int]) -> tuple[Callable, tuple]:
    """<f(x + t·u), v> for each output, as a function of t, and t = 0 for each checked input; u and v are random."""
    rng = quietly(np.random.default_rng, 0)

    def direction(t: Tensor) -> Tensor:
        u = rng.standard_normal(t._array.shape)
        return wrap((u / max(np.linalg.norm(u), 1e-300)).astype(t._array.dtype))

    ways = {i: direction(given[i]) for i in checked}
    weights = [direction(out) if out._array.dtype.kind == "f" else None for out in _outputs(func(*given))]

    def along(*steps: Tensor) -> tuple:
        moved = list(given)
        for t, (i, u) in zip(steps, ways.items(), strict=True):
            moved[i] = given[i].detach() + t * u
        return tuple((out * v).sum() for out, v in zip(_outputs(func(*moved)), weights, strict=True) if v is not None)  # type: ignore

    zeros = tuple(wrap(np.zeros((), given[i]._array.dtype)) for i in checked)
    for t in zeros:
        t.requires_grad = True
    return along, zeros


def _outputs(result: Any) -> list[Tensor]:
    outputs = [result] if isinstance(result, Tensor) else [t for t in result if isinstance(t, Tensor)]
    if not outputs:
        raise ValueError(f"gradcheck: func must return a Tensor or several, got {type(result).__name__}")
    return outputs


def _differentiable(outputs: list[Tensor]) -> list[Tensor]:
    return [out for out in outputs if out._array.dtype.kind == "f" and out.requires_grad]


def _check_backward(outputs: list[Tensor], sources: list[Tensor], nondet_tol: float, dtypes: bool) -> None:
    """What differences do not show: backward gives the same twice, and is linear: of zeros it makes zeros."""
    if not outputs:
        return
    first = _pulled(outputs, sources, 1)
    for i, (a, t) in enumerate(zip(first, sources, strict=True) if dtypes else ()):
        if a.dtype != t._array.dtype:
            raise GradcheckError(f"gradcheck: the gradient of checked input {i} is {a.dtype}, it is {t._array.dtype}")
    for i, (a, b) in enumerate(zip(first, _pulled(outputs, sources, 1), strict=True)):
        difference = np.abs(a - b).max(initial=0.0)
        if difference > nondet_tol:
            raise GradcheckError(
                f"gradcheck: two backward passes with the same numbers differ by {difference:.3g} at checked input {i} "
                f"(nondet_tol={nondet_tol:g})"
            )
    if any(a.any() for a in _pulled(outputs, sources, 0)):
        raise GradcheckError("gradcheck: with a gradient of zeros backward gave others; it must be linear in it")


def _check_undefined(outputs: list[Tensor], sources: list[Tensor]) -> None:
    """Outputs may get no gradient: all those of a Function, which the walk leaves out, and one of several."""
    before = set(ancestry(t.accumulator() for t in sources))
    for node in ancestry(out.accumulator() for out in outputs):
        if isinstance(node, FunctionCtx) and node not in before:
            _expect_nothing(f"no output of {node.name()}", no_grad()(node.pull), None)
    for k in range(len(outputs)) if len(outputs) > 1 else ():
        _expect_nothing(f"output {k}, unlike the others,", _pulled, outputs[:k] + outputs[k + 1 :], sources, 0)


def _expect_nothing(where: str, pull: Callable, *args: Any) -> None:
    cure = "take None for zeros there, leave set_materialize_grads at True, or pass check_undefined_grad=False"
    try:
        found = pull(*args)
    except Exception as error:
        raise GradcheckError(
            f"gradcheck: backward fails where {where} got a gradient, with {error!r}; {cure}"
        ) from error
    if any(g is not None and np.any(g) for g in found):
        raise GradcheckError(f"gradcheck: backward makes up a gradient where {where} got one; {cure}")


def _pulled(outputs: list[Tensor], sources: list[Tensor], fill: float) -> list[np.ndarray]:
    seeds = [wrap(np.full_like(out._array, fill)) for out in outputs]
    grads: Any = grad(outputs, sources, seeds, retain_graph=True, materialize_grads=True)
    return [g._array for g in grads]


def _check_output(
    func: Callable, given: tuple, checked: list[int], k: int, out: Tensor, eps: float, atol: float, rtol: float,
    ways: list[Callable],
) -> None:  # fmt: skip
    numeric = [_numeric(func, given, i, k, out._array.size, eps) for i in checked]
    for way in ways:
        analytic = [np.zeros_like(n) for n in numeric]
        way(analytic, func, given, checked, k, out)
        _compare(analytic, numeric, given, checked, k, out, atol, rtol)


def _by_backward(found: list, func: Callable, given: tuple, checked: list[int], k: int, out: Tensor) -> None:
    """Write the Jacobians of output k, each of (input size, output size), row by row."""
    for row in range(out._array.size) if out.requires_grad else ():
        unit = np.zeros(out._array.shape, out._array.dtype)
        unit.reshape(-1)[row] = 1
        grads = grad(out, [given[i] for i in checked], wrap(unit), retain_graph=True, allow_unused=True)
        for a, g in zip(found, grads, strict=True):
            if g is not None:
                a[:, row] = g._array.reshape(-1)


def _by_batches(found: list, func: Callable, given: tuple, checked: list[int], k: int, out: Tensor) -> None:
    """The same with all rows at once."""
    n = out._array.size
    if not out.requires_grad or not n:
        return
    units = wrap(np.eye(n, dtype=out._array.dtype).reshape(n, *out._array.shape))
    sources = [given[i] for i in checked]
    grads = grad(out, sources, units, retain_graph=True, allow_unused=True, is_grads_batched=True)
    for a, g in zip(found, grads, strict=True):
        if g is not None:
            a[:] = g._array.reshape(n, -1).T


def _by_tangents(found: list, func: Callable, given: tuple, checked: list[int], k: int, out: Tensor) -> None:
    """The same in forward mode, column by column."""
    from .forward_ad import dual_level, make_dual, unpack_dual

    for a, i in zip(found, checked, strict=True):
        for j in range(given[i]._array.size):
            unit = np.zeros(given[i]._array.shape, given[i]._array.dtype)
            unit.reshape(-1)[j] = 1
            with dual_level():
                moved = [make_dual(t, wrap(unit)) if n == i else t for n, t in enumerate(given)]
                tangent = unpack_dual(_outputs(func(*moved))[k]).tangent
            if tangent is not None:
                a[j] = tangent._array.reshape(-1)


def _compare(
    analytic: list, numeric: list, given: tuple, checked: list[int], k: int, out: Tensor, atol: float, rtol: float
) -> None:
    for i, a, n in zip(checked, analytic, numeric, strict=True):
        bad = ~(np.abs(a - n) <= atol + rtol * np.abs(n))
        if bad.any():
            worst = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(np.abs(a - n), nan=np.inf), -1.0)), a.shape)
            element = tuple(int(j) for j in np.unravel_index(worst[0], given[i]._array.shape))
            of = tuple(int(j) for j in np.unravel_index(worst[1], out._array.shape))
            hint = (
                f"; input {i} is {given[i]._array.dtype}: finite differences need float64, convert it with .double()"
                if given[i]._array.dtype != np.float64
                else ""
            )
            raise GradcheckError(
                f"gradcheck: gradient of output {k} element {of} with respect to input {i} element {element}: "
                f"analytic {a[worst]:.8g}, numeric {n[worst]:.8g}, difference {abs(a[worst] - n[worst]):.3g}, "
                f"allowed {atol + rtol * abs(n[worst]):.3g} (atol={atol:g}, rtol={rtol:g}); "
                f"{int(bad.sum())} of {bad.size} entries differ{hint}"
            )


def _numeric(func: Callable, given: tuple, i: int, k: int, n_out: int, eps: float) -> np.ndarray:
    """The Jacobian of output k with respect to input i by central differences: (input size, output size)."""
    x = given[i]._array
    jacobian = np.zeros((x.size, n_out))
    for j, place in enumerate(np.ndindex(x.shape)):
        sides = []
        for step in (eps, -eps):
            moved = x.copy()
            moved[place] += step
            t = wrap(moved)
            t.requires_grad = True  # a func may itself ask for gradients
            sides.append(_outputs(func(*given[:i], t, *given[i + 1 :]))[k]._array.astype(np.float64).reshape(-1))
        jacobian[j] = (sides[0] - sides[1]) / (2 * eps)
    return jacobian
