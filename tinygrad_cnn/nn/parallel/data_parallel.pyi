"""`tinygrad_cnn.nn.parallel.data_parallel`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.nn.parallel import *
