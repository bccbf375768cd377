"""`torch.utils.data` by its other name; the code is in `tinygrad_cnn.data`."""

from ...data import *  # noqa: F403
from ...data import __all__ as __all__
from . import dataset as dataset
from . import sampler as sampler
