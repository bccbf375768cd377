"""`tinygrad_cnn.nn.modules.linear`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.nn.modules import *
from tinygrad_cnn.nn.modules import _Numbered as _Numbered, _Named as _Named, _Parameters as _Parameters, _ConvNd as _ConvNd, _ConvTransposeNd as _ConvTransposeNd, _NormBase as _NormBase, _BatchNorm as _BatchNorm, _InstanceNorm as _InstanceNorm, _Pool as _Pool, _MaxPoolNd as _MaxPoolNd, _LPPoolNd as _LPPoolNd, _AdaptivePool as _AdaptivePool, _AdaptiveAvgPoolNd as _AdaptiveAvgPoolNd, _AdaptiveMaxPool as _AdaptiveMaxPool, _Loss as _Loss, _WeightedLoss as _WeightedLoss, _MarginLoss as _MarginLoss, _InPlace as _InPlace, _AlongDim as _AlongDim, _DropoutNd as _DropoutNd, _Pad as _Pad, _ConstantPad as _ConstantPad, _ZeroPad as _ZeroPad, _Lazy as _Lazy, _LazyConv as _LazyConv, _LazyConvForward as _LazyConvForward, _LazyConvTranspose as _LazyConvTranspose, _LazyNorm as _LazyNorm
