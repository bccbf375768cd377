"""Linear algebra under PyTorch's names: solve, det, inv, svd, eigh, qr, cholesky, lstsq, norms ...

    x = tg.linalg.solve(A, b)
    U, S, Vh = tg.linalg.svd(A, full_matrices=False)

Values come from NumPy's LAPACK, of one matrix or of a batch. All is made of ops with rules, which say over their
definitions that they appear here (`ops/solve.py`, `ops/factors.py`, `ops/spectrum.py`), so gradients have gradients:

>>> import tinygrad_cnn as tg
>>> A = tg.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
>>> tg.linalg.slogdet(A).logabsdet.backward()
>>> A.grad.tolist()
[[0.5, 0.0], [0.0, 0.25]]
"""

from __future__ import annotations

import sys
from typing import Any

from .ops.declared import asked, open_place
from .ops.matrices import LinAlgError
from .surface import forms

__all__ = ["LinAlgError", *open_place(sys.modules[__name__], forms.of_linalg)]


def __getattr__(name: str) -> Any:
    return asked(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
