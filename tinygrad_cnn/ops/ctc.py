"""The loss of connectionist temporal classification: how improbable a text is, whenever its letters were said.

At each time one of C classes is read, of which one is a blank. A path of T classes says a text when repeated ones are
taken as one and blanks are left out; the text's probability is the sum over all its paths, which two recursions along
the text with a blank between its letters give, one from the front and one from the back (Graves et al., 2006).

T times, N examples, C classes, S letters of the longest text, L = 2·S + 1 places in a text with its blanks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.types import Array
from ..engine.broadcast import in_float32
from ..engine.call import op
from ..engine.fusion import as_if
from ..engine.tensor import as_array
from ..kernels import kernel
from .checks import numbers_of
from .choice import where
from .declared import appears
from .elementwise import mul
from .loss import reduction_of
from .reduce import mean
from .reduce import sum as total
from .shape import reshape, squeeze, unsqueeze
from .softmax import log_softmax


@appears("function functional")
@in_float32
def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array | Sequence[int],
    target_lengths: Array | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Array:
    """-log Σ over all paths that say the text of Π over t of P[t, path[t]]        (T,N,C) (N,S) (N,) (N,) -> ()

    log_probs: logarithms, as log_softmax makes them, or (T,C) of one example. targets: int64, texts in rows that are
    padded to one length, or all of them one behind the other in one row. The lengths say how many times and letters of
    each example count. The mean is of losses that are divided by their text's length. A text that is too long for its
    times has loss inf; zero_infinity makes that 0, and its gradient.

    The gradient is the one of the scores before log_softmax, P - P(class at t | text): that lets it through as it is.
    It is not differentiated again (RuntimeError). RuntimeError where shapes, dtypes and lengths do not fit.

    >>> import tinygrad_cnn as tg
    >>> scores = tg.zeros(2, 1, 2, requires_grad=True)  # two times, blank or the one letter, equally probable
    >>> loss = tg.nn.functional.ctc_loss(scores.log_softmax(2), tg.tensor([[1]]), [2], [1], reduction="sum")
    >>> loss.backward()
    >>> round(loss.exp().item(), 4)  # three of four paths
    1.3333
    >>> [[round(x, 3) for x in row] for row in scores.grad[:, 0].tolist()]
    [[0.167, -0.167], [0.167, -0.167]]
    """
    reduction = reduction_of(reduction)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: log_probs must be (T, N, C) or (T, C), got {tuple(log_probs.shape)}")
    if log_probs.dtype.kind != "f":
        raise NotImplementedError(f"ctc_loss: log_probs is {log_probs.dtype}, it must be floating")
    if 0 in log_probs.shape:
        raise RuntimeError(f"ctc_loss: log_probs tensor must not be empty, got shape {tuple(log_probs.shape)}")
    batched = log_probs.ndim == 3
    rows = log_probs if batched else unsqueeze(log_probs, 1)
    T, N, C = rows.shape
    times = _lengths("input_lengths", input_lengths, N, T)
    letters = _lengths("target_lengths", target_lengths, N, None)
    if not 0 <= blank < C:
        raise RuntimeError(f"ctc_loss: blank must be in label range, 0 to {C - 1}, got {blank}")
    texts = _in_rows(as_array(targets), letters, batched)
    used = texts[np.arange(texts.shape[1]) < letters[:, None]]
    if used.size and not 0 <= used.min() <= used.max() < C:
        raise RuntimeError(f"ctc_loss: targets out of range: the classes are 0 to {C - 1}, got {used.tolist()}")
    # They are what log_softmax gave, and so their own log_softmax.
    normal = as_if(log_softmax, (rows, 2, None), np.array(numbers_of(rows)))
    losses = _ctc_loss(normal, texts, times, letters, blank, zero_infinity)
    if zero_infinity:
        losses = where(as_array(losses) == np.inf, 0.0, losses)
    if reduction == "mean":
        return mean(losses / np.maximum(letters, 1).astype(rows.dtype))
    return total(losses) if reduction == "sum" else losses if batched else squeeze(losses, 0)


def _lengths(name: str, given: Any, N: int, most: int | None) -> np.ndarray:
    lengths = np.asarray(as_array(given))
    if lengths.dtype.kind not in "iu" and lengths.size:
        raise RuntimeError(f"ctc_loss: {name} must be integral, got {lengths.dtype}")
    lengths = lengths.reshape(-1).astype(np.int64)
    if len(lengths) != N:
        raise RuntimeError(f"ctc_loss: {name} must be of size batch_size, {N}, got {len(lengths)}")
    if N and (lengths.min() < 0 or (most is not None and lengths.max() > most)):
        raise RuntimeError(f"ctc_loss: {name} must be 0 to {most if most is not None else 'S'}, got {lengths.tolist()}")
    return lengths


def _in_rows(targets: np.ndarray, letters: np.ndarray, batched: bool) -> np.ndarray:
    """The texts, each in a row of its own."""
    if targets.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: targets must be int64, got {targets.dtype}; use .long()")
    longest = int(letters.max(initial=0))
    if targets.ndim == 1:
        ends = np.cumsum(letters)
        if len(targets) != (ends[-1] if len(ends) else 0):
            raise RuntimeError(
                f"ctc_loss: targets must be as long as all texts together, {int(letters.sum())}, got {len(targets)}"
            )
        rows = np.zeros((len(letters), longest), np.int64)
        rows[np.arange(longest) < letters[:, None]] = targets
        return rows
    if targets.ndim != 2 or len(targets) != len(letters) or targets.shape[1] < longest:
        raise RuntimeError(
            f"ctc_loss: targets must be ({len(letters)}, S) with S at least {longest}, or one row of all, got "
            f"{targets.shape}"
        )
    return targets[:, :longest].astype(np.int64)


@op(keeps="alpha")
def _ctc_loss(log_probs: Array, texts: Array, times: Array, letters: Array, blank: int, zero_infinity: bool) -> Array:
    """-log Σ over paths, from the front        (T,N,C) (N,S) (N,) (N,) -> (N,)"""
    return kernel.ctc_loss(log_probs, texts, times, letters, blank)


def _ctc_back(
    g: Any, log_probs: Any, texts: Any, times: Any, letters: Any, out: Any, alpha: Any, blank: int, zero_infinity: bool
) -> Any:
    slope = _ctc_slope(log_probs, texts, times, letters, out, alpha, blank, zero_infinity)
    return mul(reshape(g, (1, -1, 1)), slope)


_ctc_loss.grad(log_probs=_ctc_back, texts=None, times=None, letters=None)
_ctc_loss.explain(
    "How probable each class is at each time, knowing the whole text.",
    zero={"the text is too long for its times, and zero_infinity is set": lambda out: out == np.inf},
    log_probs="−g · p, where p = P(class c at time t | text)",
)


@op
def _ctc_slope(
    log_probs: Array,
    texts: Array,
    times: Array,
    letters: Array,
    losses: Array,
    alpha: Array,
    blank: int,
    zero_infinity: bool,
) -> Array:
    """-P(class at t | text), by the recursion from the back        (T,N,C) -> (T,N,C)"""
    return kernel.ctc_loss_backward(log_probs, texts, times, letters, losses, alpha, blank, zero_infinity)


def _not_again(g: Any) -> Any:
    raise RuntimeError(
        "ctc_loss: its gradient is not differentiated again; leave create_graph away, or detach it where only its "
        "values are wanted"
    )


_ctc_slope.grad(log_probs=_not_again, texts=None, times=None, letters=None, losses=_not_again, alpha=None)
_ctc_slope.explain(
    "The gradient of ctc_loss is not differentiated again.",
    log_probs=lambda: "refused",
    losses=lambda: "refused",
)
