"""Here because PyTorch scripts import it: `utils.data`, which is `tinygrad_cnn.data`."""

from ...data import *  # noqa: F403
from ...data import __all__ as __all__
from . import dataset as dataset
from . import distributed as distributed
from . import sampler as sampler
