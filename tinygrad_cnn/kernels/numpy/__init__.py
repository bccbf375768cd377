"""The kernels in NumPy, which run where nothing else is installed: few calls over many numbers each.

What each computes is told by textbook/; in here it says how.

As in PyTorch, infinities and NaN pass through them without a warning.
"""

from ...arrays.quiet import silent
from . import (
    attention,
    conv,
    ctc,
    dropout,
    elementwise,
    erf,
    fused,
    groups,
    layout,
    linear,
    norm,
    optim,
    pool,
    recurrent,
    softmax,
    sums,
)
