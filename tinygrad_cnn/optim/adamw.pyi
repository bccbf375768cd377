"""`tinygrad_cnn.optim.adamw`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.optim import *
