"""How each op is written as nodes of ONNX, a topic a file; whoever wants to add one reads `writing.py` first."""

from ..writing import FUNCTIONS, TABLE
from . import elementwise, layers, loss, recurrent, reduce, shape
