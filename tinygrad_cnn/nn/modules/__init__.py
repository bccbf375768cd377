"""PyTorch's folder of the files of layers, whose names stand in `nn`: `pytorch/moved.py` leads there."""

import sys as _sys

from ...pytorch.moved import Moved as _Moved

_sys.modules[__name__].__class__ = _Moved
