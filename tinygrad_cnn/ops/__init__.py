"""Every op with its rules under it, one topic a file. `declared.py` says which names appear where.

The files below come with the package. The others are opened when one of their names is first asked for, so that
`import tinygrad_cnn` stays quick: a new file is one of these, and `python -m tinygrad_cnn.testing.stubs` writes its
names into `names.py`.
"""

import importlib as _importlib
import pkgutil as _pkgutil

from . import (
    activation,
    choice,
    circular,
    compare,
    conv,
    cumulative,
    dropout,
    einsum,
    elementwise,
    embedding,
    extreme,
    gather,
    index,
    join,
    linalg,
    loss,
    magnitude,
    norm,
    pointwise_loss,
    pool,
    rearrange,
    rectifier,
    reduce,
    shape,
    softmax,
    sort,
    unary,
)


def open_all() -> None:
    """Open every file, for whoever goes through all ops."""
    for file in _pkgutil.iter_modules(__path__):
        _importlib.import_module(f"{__name__}.{file.name}")
