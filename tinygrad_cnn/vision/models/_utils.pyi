"""`tinygrad_cnn.vision.models._utils`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.vision.weights import *
from tinygrad_cnn.vision.weights import _get_enum_from_fn as _get_enum_from_fn, _meant as _meant, _ovewrite_named_param as _ovewrite_named_param, _ovewrite_value_param as _ovewrite_value_param, _make_divisible as _make_divisible, _preset as _preset, _IMAGENET_CATEGORIES as _IMAGENET_CATEGORIES, _COCO_CATEGORIES as _COCO_CATEGORIES, _COCO_PERSON_CATEGORIES as _COCO_PERSON_CATEGORIES, _COCO_PERSON_KEYPOINT_NAMES as _COCO_PERSON_KEYPOINT_NAMES, _VOC_CATEGORIES as _VOC_CATEGORIES
