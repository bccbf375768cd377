"""Connectionist temporal classification: how improbable a text is, whenever its letters were said.

At each of T times one of C classes is read. A path, one class a time, says a text when repeated classes are taken as
one and blanks are left out. So it goes along the places of the text, with a blank before, between and behind letters:
it stays, goes on by one, or by two over a blank between letters that differ. Two tables hold logarithms of
probabilities: `alpha` of all beginnings of paths that are at a place at a time, `beta` of all ends that go on from it.

T times, N examples, C classes, S letters of the longest text, L = 2·S + 1 places.
"""

from __future__ import annotations

import numpy as np

from .. import law


def with_blanks(text, blank):
    """The classes at the places of a text.

    >>> with_blanks([1, 2], 0)
    [0, 1, 0, 2, 0]
    """
    return [blank] + [c for letter in text for c in (letter, blank)]


def ways(places, s):
    """The places from which a path comes to s: itself, the one before, and the one before a blank that may be left out.

    >>> [ways([0, 1, 0, 2, 0, 2, 0], s) for s in range(6)]
    [[0], [1, 0], [2, 1], [3, 2, 1], [4, 3], [5, 4]]
    """
    over = s > 1 and places[s] != places[s - 2]
    return [s, *[s - 1] * (s > 0), *[s - 2] * bool(over)]


def log_sum(logs):
    """log Σ exp(logs); of nothing it is -inf."""
    return np.logaddexp.reduce(logs, dtype=np.float64)


@law
def ctc_loss(log_probs, texts, times, letters, blank):
    """-log Σ over all paths that say the text of Π over t of P[t, path[t]]    (T,N,C) (N,S) (N,) (N,) -> (N,), (T,N,L)

    Of example n the first times[n] times and letters[n] letters count. The second result is alpha.

    >>> losses, _ = ctc_loss(np.log(np.full((2, 1, 2), 0.5)), np.array([[1]]), np.array([2]), np.array([1]), 0)
    >>> np.exp(-losses)  # blank and letter, letter and blank, letter twice: three of four paths
    array([0.75])
    """
    T, N, _ = log_probs.shape
    alpha = np.zeros((T, N, 2 * texts.shape[1] + 1), log_probs.dtype)
    losses = np.zeros(N, log_probs.dtype)
    for n in range(N):
        places = with_blanks(texts[n], blank)
        for t, s in np.ndindex(T, len(places)):
            before = [alpha[t - 1, n, k] for k in ways(places, s)] if t > 0 else [0.0] * (s < 2)
            alpha[t, n, s] = log_sum(before) + log_probs[t, n, places[s]]
        end = 2 * letters[n]  # the last blank; or the last letter
        if times[n] > 0:
            losses[n] = -log_sum(alpha[times[n] - 1, n, max(end - 1, 0) : end + 1])
        else:
            losses[n] = np.inf if letters[n] else 0
    return losses, alpha


@law
def ctc_loss_backward(log_probs, texts, times, letters, losses, alpha, blank, zero_infinity):
    """-P(class c at time t | text): what a score before log_softmax is told, less P    (T,N,C) -> (T,N,C)

    zero_infinity: 0 where the loss is infinite.

    >>> P, texts, times, letters = np.log(np.full((2, 1, 2), 0.5)), np.array([[1]]), np.array([2]), np.array([1])
    >>> losses, alpha = ctc_loss(P, texts, times, letters, 0)
    >>> ctc_loss_backward(P, texts, times, letters, losses, alpha, 0, False)[:, 0].round(3)
    array([[-0.333, -0.667],
           [-0.333, -0.667]])
    """
    slope = np.zeros_like(log_probs)
    for n in range(len(texts)):
        if zero_infinity and losses[n] == np.inf:
            continue
        places = with_blanks(texts[n], blank)[: 2 * letters[n] + 1]
        beta = np.full((times[n] + 1, len(places)), -np.inf)
        for t, s in reversed(list(np.ndindex(times[n], len(places)))):
            after = [beta[t + 1, k] for k in range(len(places)) if s in ways(places, k)]
            if t == times[n] - 1:
                after = [0.0] * (s >= len(places) - 2)
            beta[t, s] = log_sum(after) + log_probs[t, n, places[s]]
        for t, c in np.ndindex(times[n], log_probs.shape[2]):
            both = [alpha[t, n, s] + beta[t, s] for s in range(len(places)) if places[s] == c]
            slope[t, n, c] = -np.exp(log_sum(both) + losses[n] - log_probs[t, n, c])
    return slope
