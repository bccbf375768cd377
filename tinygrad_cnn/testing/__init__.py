"""Tools for those who write ops: finite-difference checks, and the table of cases."""

from ..autograd.numerical import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
