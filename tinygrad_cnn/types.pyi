"""`tinygrad_cnn.types`, whose names stand elsewhere.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

from tinygrad_cnn.utils.types import *
from tinygrad_cnn.utils.types import _device as _device, _size_of as _size_of, _bool as _bool, _int as _int, _float as _float, _complex as _complex, _size as _size, _TensorOrTensors as _TensorOrTensors, _size_any_t as _size_any_t, _size_1_t as _size_1_t, _size_2_t as _size_2_t, _size_3_t as _size_3_t, _size_4_t as _size_4_t, _size_5_t as _size_5_t, _size_6_t as _size_6_t, _ratio_any_t as _ratio_any_t, _ratio_2_t as _ratio_2_t, _ratio_3_t as _ratio_3_t, _maybe_indices_t as _maybe_indices_t, _ntuple as _ntuple, _single as _single, _pair as _pair, _triple as _triple, _quadruple as _quadruple, _reverse_repeat_tuple as _reverse_repeat_tuple
