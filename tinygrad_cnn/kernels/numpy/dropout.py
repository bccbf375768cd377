"""Philox on whole arrays of counters: a round is six calls of NumPy, whatever the number of counters."""

from __future__ import annotations

import numpy as np

from .. import in_numpy

LOWER = np.uint64(2**32 - 1)
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
# What has been added to the two words of the key before each round.
STEPS = np.arange(10, dtype=np.uint64)[:, None] * np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
GROUP = 16


def philox(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Philox4x32-10        (4,n) words of 32 bits, (2,) -> (4,n), all as uint64

    A round multiplies the words 0 and 2, and has the other two stirred into what comes of them.
    """
    factors, others = counter[0::2], counter[1::2]
    for k in ((key + STEPS) & LOWER)[:, :, None]:
        product = (factors * MULTIPLIERS)[::-1]
        factors = product >> 32
        factors ^= others
        factors ^= k
        others = product & LOWER
    return np.stack([factors, others], 1).reshape(4, -1)


@in_numpy
def dropout(input, key, p, axes):
    """input / (1 - p) with probability 1 - p, else input · 0        any shape, (1,) uint64 -> the same, bits"""
    counters = np.arange(-(-input.size // (4 * GROUP)) * GROUP, dtype=np.uint64)
    words = np.zeros((4, len(counters)), np.uint64)
    words[0], words[1] = counters & LOWER, counters >> 32
    stay = philox(words, np.array([key[0] & LOWER, key[0] >> 32], np.uint64)) >= p * 2.0**32
    stay = stay.reshape(4, -1, GROUP).transpose(1, 0, 2)
    return _scaled(input, stay.reshape(-1), p, axes), np.packbits(stay, bitorder="little")


@in_numpy
def dropout_again(input, kept, p, axes):
    """The same by bits that are there        any shape, (8n,) uint8 -> the same"""
    return _scaled(input, np.unpackbits(kept, bitorder="little"), p, axes)


def _scaled(input: np.ndarray, kept: np.ndarray, p: float, axes: tuple[int, ...]) -> np.ndarray:
    factors = np.multiply(kept[: input.size], 1 / (1 - p) if p < 1 else 0, dtype=input.dtype.newbyteorder("="))
    return input * factors.reshape([input.shape[i] for i in axes]).transpose(np.argsort(axes))
