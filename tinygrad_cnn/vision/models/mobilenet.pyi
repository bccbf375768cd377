"""`tinygrad_cnn.vision.models.mobilenet`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.vision.models import *
