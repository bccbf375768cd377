"""`tinygrad_cnn.vision.models.googlenet`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.vision.models import *
