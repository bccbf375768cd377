"""`tinygrad_cnn.utils.hooks`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.nn.hooks import *
