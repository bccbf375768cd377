"""What dropout keeps, decided by a counter: each random number is a function of a key and of its place alone.

A generator that steps from one state to the next has to be asked one number at a time, by one thread. Philox turns any
counter into four numbers as well mixed as if they had been drawn (Salmon, Moraes, Dror and Shaw, Parallel Random
Numbers: As Easy as 1, 2, 3, SC 2011). So many threads may work on one mask, in any order.
"""

from __future__ import annotations

import numpy as np

from .. import law

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
STEPS = 0x9E3779B9, 0xBB67AE85  # of the key from round to round: the golden ratio, and √3 - 1
ROUNDS = 10
GROUP = 16  # counters that take turns


def philox(counter, key):
    """Philox4x32-10: four words of 32 bits, stirred by a key of two words.

    >>> [f"{word:08x}" for word in philox((0, 0, 0, 0), (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    for step in range(ROUNDS):
        a, b, c, d = counter
        upper, lower = divmod(MULTIPLIERS[0] * a, 2**32)
        other_upper, other_lower = divmod(MULTIPLIERS[1] * c, 2**32)
        first, second = ((k + step * s) % 2**32 for k, s in zip(key, STEPS))
        counter = other_upper ^ b ^ first, other_lower, upper ^ d ^ second, lower
    return counter


@law
def dropout(input, key, p, axes):
    """input / (1 - p) with probability 1 - p, else input · 0        any shape, (1,) uint64 -> the same, bits

    axes: the order of axes in which the numbers are counted, the one that changes fastest last.

    Sixteen counters in a row give sixty-four words: the first word of each, then the second of each, and so on, as
    vector instructions have them. Word by word they decide on the numbers. What they say is a bit for each, the lowest
    bit of a byte first, of whole sixty-fours.

    >>> out, kept = dropout(np.float32([1, 2, 3, 4]), np.array([5], np.uint64), 0.5, (0,))
    >>> out, len(kept), int(kept[0]) % 16
    (array([2., 0., 6., 8.], dtype=float32), 8, 13)
    """
    upper, lower = divmod(int(key[0]), 2**32)
    kept = np.zeros(-(-input.size // (4 * GROUP)) * 4 * GROUP // 8, np.uint8)
    for i in range(8 * len(kept)):
        group, within = divmod(i, 4 * GROUP)
        word, own = divmod(within, GROUP)
        counter = group * GROUP + own
        words = philox((counter % 2**32, counter // 2**32, 0, 0), (lower, upper))
        kept[i // 8] |= (words[word] >= p * 2**32) << i % 8
    return dropout_again(input, kept, p, axes), kept


@law
def dropout_again(input, kept, p, axes):
    """The same by bits that are there: what dropout does to a gradient        any shape, (8n,) uint8 -> the same

    >>> dropout_again(np.float32([1, 2, 3, 4]), np.uint8([2]), 0.5, (0,))
    array([0., 4., 0., 0.], dtype=float32)
    """
    factor = input.dtype.type(1 / (1 - p) if p < 1 else 0)
    out = np.zeros_like(input)
    numbers, to = input.transpose(axes), out.transpose(axes)
    for i, at in enumerate(np.ndindex(to.shape)):
        to[at] = numbers[at] * (factor if kept[i // 8] >> i % 8 & 1 else 0)
    return out
