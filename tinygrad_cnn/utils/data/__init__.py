"""`torch.utils.data` by its other name; the code is in `tinygrad_cnn.data`."""

from tinygrad_cnn.data import *  # noqa: F403
from tinygrad_cnn.data import __all__ as __all__
from tinygrad_cnn.utils.data import dataset as dataset
from tinygrad_cnn.utils.data import sampler as sampler
