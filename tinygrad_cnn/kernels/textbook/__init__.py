"""Every kernel as its formula reads: a loop over the numbers of the result, and a sum for each. They are the law.

Read them to know what a kernel computes; numpy/ and fast/ must give the same numbers, sooner. A letter means the same
in all files: N images, C channels of the input, O of the output, H W rows and columns of the input, P Q of the output,
h w of a window.

A sum of many numbers is added up in float64, or in pairs (as np.sum does), and rounded once.
As in PyTorch, infinities and NaN pass through without a warning.
"""

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
