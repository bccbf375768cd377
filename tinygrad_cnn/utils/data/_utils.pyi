"""`tinygrad_cnn.utils.data._utils`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.data import *
from tinygrad_cnn.data.loader import *
from tinygrad_cnn.data.collate import *
from tinygrad_cnn.data.workers import *
from tinygrad_cnn.data.dataset import *
from tinygrad_cnn.data.sampler import *
