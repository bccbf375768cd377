"""`tinygrad_cnn._tensor`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.engine.tensor import *
