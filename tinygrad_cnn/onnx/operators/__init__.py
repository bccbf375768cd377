"""What operators of ONNX do, in our own ops, a topic a file; `table.py` says how one is added."""

from . import elementwise, layers, recurrent, shape
from .table import OPERATORS, SETTINGS, STATISTICS, Node
