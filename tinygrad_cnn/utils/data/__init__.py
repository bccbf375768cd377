"""Here because PyTorch scripts import it: `utils.data`, which is `tinygrad_cnn.data`."""

from ...data import *  # noqa: F403
from ...data import __all__ as __all__
from ...pytorch.absent import explains

explains(__name__)
