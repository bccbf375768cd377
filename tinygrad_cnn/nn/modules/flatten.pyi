"""`tinygrad_cnn.nn.modules.flatten`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.nn.modules import *
from tinygrad_cnn.nn.modules import _ConvNd as _ConvNd, _ConvTransposeNd as _ConvTransposeNd, _NormBase as _NormBase, _BatchNorm as _BatchNorm, _InstanceNorm as _InstanceNorm, _MaxPoolNd as _MaxPoolNd, _LPPoolNd as _LPPoolNd, _AdaptiveAvgPoolNd as _AdaptiveAvgPoolNd, _Loss as _Loss, _WeightedLoss as _WeightedLoss, _DropoutNd as _DropoutNd
