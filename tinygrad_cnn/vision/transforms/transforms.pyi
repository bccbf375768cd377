"""`tinygrad_cnn.vision.transforms.transforms`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.vision.transforms import *
