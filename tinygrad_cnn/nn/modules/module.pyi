"""`tinygrad_cnn.nn.modules.module`, whose names stand elsewhere.

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
from tinygrad_cnn.nn.hooks import *
from tinygrad_cnn.nn.conv import _Conv as _Conv, _ConvTranspose as _ConvTranspose
_ConvNd = _Conv
_ConvTransposeNd = _ConvTranspose
from tinygrad_cnn.nn.norm import _WithStatistics as _WithStatistics, _BatchNorm as _BatchNorm, _InstanceNorm as _InstanceNorm
_NormBase = _WithStatistics
from tinygrad_cnn.nn.pool import _MaxPool as _MaxPool, _LPPool as _LPPool, _AdaptiveAvgPool as _AdaptiveAvgPool
_MaxPoolNd = _MaxPool
_LPPoolNd = _LPPool
_AdaptiveAvgPoolNd = _AdaptiveAvgPool
from tinygrad_cnn.nn.loss import _Loss as _Loss, _WeightedLoss as _WeightedLoss
from tinygrad_cnn.nn.dropout import _Dropout as _Dropout
_DropoutNd = _Dropout
