"""The loss of connectionist temporal classification: all examples and all places of a text at once, time after time.

T times, N examples, C classes, L = 2·S + 1 places in a text of S letters with its blanks.
"""

from __future__ import annotations

import numpy as np

from .. import in_numpy
from . import silent


@in_numpy
@silent
def ctc_loss(
    log_probs: np.ndarray, texts: np.ndarray, times: np.ndarray, letters: np.ndarray, blank: int
) -> tuple[np.ndarray, np.ndarray]:
    """-log P(text), and log P of the beginnings of its paths        (T,N,C) (N,S) (N,) (N,) -> (N,) and (T,N,L)"""
    places, jump = _with_blanks(texts, blank)
    here, rows = _at_places(log_probs, places), np.arange(len(texts))
    alpha = np.full(here.shape, -np.inf, log_probs.dtype)
    for t in range(len(alpha)):
        alpha[t] = (_onwards(alpha[t - 1], jump) if t else _starting(np.zeros_like(here[0]), 2)) + here[t]
    last = alpha[np.maximum(times, 1) - 1, rows]  # (N,L)
    end = last[rows, 2 * letters]
    before = np.where(letters > 0, last[rows, np.maximum(2 * letters - 1, 0)], -np.inf)
    losses = -np.logaddexp(end, before)
    return np.where(times > 0, losses, np.where(letters == 0, 0.0, np.inf)).astype(log_probs.dtype), alpha


@in_numpy
@silent
def ctc_loss_backward(
    log_probs: np.ndarray,
    texts: np.ndarray,
    times: np.ndarray,
    letters: np.ndarray,
    losses: np.ndarray,
    alpha: np.ndarray,
    blank: int,
    zero_infinity: bool,
) -> np.ndarray:
    """-P(class c at time t | text), by the recursion from the back        (T,N,C) -> (T,N,C)"""
    places, jump = _with_blanks(texts, blank)
    here = _at_places(log_probs, places)
    T, N, L = here.shape
    onto = np.zeros_like(jump)  # where one may jump to from here, the other way round
    onto[:, : L - 2] = jump[:, 2:]
    end, place = 2 * letters[:, None], np.arange(L)
    at_the_end = np.where((place == end) | (place == end - 1), 0.0, -np.inf).astype(here.dtype)
    joint = np.full(log_probs.shape, -np.inf, log_probs.dtype)  # of all paths with this class at this time
    beta = np.full((N, L), -np.inf, here.dtype)
    for t in reversed(range(T)):
        moved = _onwards(beta[:, ::-1], onto[:, ::-1])[:, ::-1]
        beta = np.where((times == t + 1)[:, None], at_the_end, moved) + here[t]
        for s in range(L):  # several places may hold one class
            at = np.arange(N), places[:, s]
            joint[t][at] = np.logaddexp(joint[t][at], (alpha[t] + beta)[:, s])
    slope = -np.exp(joint + losses[:, None] - log_probs)
    none = np.arange(T)[:, None] >= times
    if zero_infinity:
        none = none | (losses == np.inf)
    return np.where(none[..., None], 0, slope).astype(log_probs.dtype)


def _with_blanks(texts: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """The texts with a blank before, between and behind the letters; and where the blank before may be jumped over."""
    N, S = texts.shape
    places = np.full((N, 2 * S + 1), blank)
    places[:, 1::2] = texts
    jump = np.zeros(places.shape, bool)
    jump[:, 2:] = places[:, 2:] != places[:, :-2]  # of a blank the one before is a blank
    return places, jump


def _at_places(log_probs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T,N,C) (N,L) -> (T,N,L): the logarithms of the classes that stand at the places."""
    return np.take_along_axis(log_probs, places[None], 2)


def _onwards(now: np.ndarray, jump: np.ndarray) -> np.ndarray:
    """One time later: who is at a place was there, one before it, or two before where the blank is jumped over."""
    one, two = np.full((2, *now.shape), -np.inf, now.dtype)
    one[:, 1:] = now[:, :-1]
    two[:, 2:] = now[:, :-2]
    two[~jump] = -np.inf
    return np.logaddexp(np.logaddexp(now, one), two)


def _starting(first: np.ndarray, count: int) -> np.ndarray:
    return np.where(np.arange(first.shape[1]) < count, first, -np.inf)
