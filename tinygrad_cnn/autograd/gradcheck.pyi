"""`tinygrad_cnn.autograd.gradcheck`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.autograd.numerical import *
