"""`tinygrad_cnn.nn.modules`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.nn import *
from tinygrad_cnn.nn.module import *
from tinygrad_cnn.nn.container import *
from tinygrad_cnn.nn.conv import *
from tinygrad_cnn.nn.norm import *
from tinygrad_cnn.nn.pool import *
from tinygrad_cnn.nn.loss import *
from tinygrad_cnn.nn.linear import *
from tinygrad_cnn.nn.activation import *
from tinygrad_cnn.nn.dropout import *
from tinygrad_cnn.nn.embedding import *
from tinygrad_cnn.nn.shape import *
from tinygrad_cnn.nn.lazy import *
from tinygrad_cnn.nn.rnn import *
from tinygrad_cnn.nn.parameter import *
from tinygrad_cnn.nn.container import _Numbered as _Numbered, _Named as _Named, _Parameters as _Parameters
from tinygrad_cnn.nn.conv import _Conv as _Conv, _ConvTranspose as _ConvTranspose
_ConvNd = _Conv
_ConvTransposeNd = _ConvTranspose
from tinygrad_cnn.nn.norm import _WithStatistics as _WithStatistics, _BatchNorm as _BatchNorm, _InstanceNorm as _InstanceNorm
_NormBase = _WithStatistics
from tinygrad_cnn.nn.pool import _Pool as _Pool, _MaxPool as _MaxPool, _LPPool as _LPPool, _AdaptivePool as _AdaptivePool, _AdaptiveAvgPool as _AdaptiveAvgPool, _AdaptiveMaxPool as _AdaptiveMaxPool
_MaxPoolNd = _MaxPool
_LPPoolNd = _LPPool
_AdaptiveAvgPoolNd = _AdaptiveAvgPool
from tinygrad_cnn.nn.loss import _Loss as _Loss, _WeightedLoss as _WeightedLoss, _MarginLoss as _MarginLoss
from tinygrad_cnn.nn.activation import _InPlace as _InPlace, _AlongDim as _AlongDim
from tinygrad_cnn.nn.dropout import _Dropout as _Dropout
_DropoutNd = _Dropout
from tinygrad_cnn.nn.shape import _Pad as _Pad, _ConstantPad as _ConstantPad, _ZeroPad as _ZeroPad
from tinygrad_cnn.nn.lazy import _Lazy as _Lazy, _LazyConv as _LazyConv, _LazyConvForward as _LazyConvForward, _LazyConvTranspose as _LazyConvTranspose, _LazyNorm as _LazyNorm
