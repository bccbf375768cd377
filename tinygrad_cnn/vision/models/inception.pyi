"""`tinygrad_cnn.vision.models.inception`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.vision.models import *
