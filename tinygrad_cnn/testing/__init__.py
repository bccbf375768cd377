"""Tools for tests: comparison within tolerances, finite-difference checks, and the table of cases of all ops."""

from ..autograd.numerical import GradcheckError, gradcheck, gradgradcheck
from .close import assert_close

__all__ = ["GradcheckError", "assert_close", "gradcheck", "gradgradcheck"]
