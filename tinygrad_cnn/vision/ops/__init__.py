"""The blocks that torchvision's networks are made of, and boxes, with its names, arguments and parameters' names.

What is for detection beyond that (`nms`, `roi_align` ...) imports, and is refused when it is called.
"""

from ...pytorch.absent import explains
from .boxes import box_area, box_convert, box_iou
from .focal_loss import sigmoid_focal_loss
from .misc import MLP, Conv2dNormActivation, FrozenBatchNorm2d, Permute, SqueezeExcitation
from .stochastic_depth import StochasticDepth, stochastic_depth

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "FrozenBatchNorm2d",
    "Permute",
    "SqueezeExcitation",
    "StochasticDepth",
    "box_area",
    "box_convert",
    "box_iou",
    "sigmoid_focal_loss",
    "stochastic_depth",
]

explains(__name__)
