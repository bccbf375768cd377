"""What `surface/` attaches to Tensor.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

import builtins
from typing import Any
from typing import Literal
from typing import overload
from typing_extensions import Self
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import numpy as np
from tinygrad_cnn.arrays.device import device as Device
from tinygrad_cnn.arrays.device import layout as Layout
from tinygrad_cnn.arrays.size import Size
from tinygrad_cnn.arrays.types import Axis
from tinygrad_cnn.arrays.types import DType
from tinygrad_cnn.arrays.types import Number
from tinygrad_cnn.arrays.types import Shape
from tinygrad_cnn.engine.node import Handle
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.ops.extreme import Chosen
from tinygrad_cnn.ops.extreme import MinMax
from tinygrad_cnn.ops.factors import QR
from tinygrad_cnn.ops.former import SVDWithV
from tinygrad_cnn.ops.former import TriangularSolution
from tinygrad_cnn.ops.histogram import Histogram
from tinygrad_cnn.ops.numbers import Frexp
from tinygrad_cnn.ops.shape import memory_format
from tinygrad_cnn.ops.solve import SLogDet
from tinygrad_cnn.random import Generator
from tinygrad_cnn.surface.storage import Storage

class Attached:
    @property
    def H(self) -> Tensor:
        """The transposed matrix; a number stays as it is."""

    @property
    def T(self) -> Tensor:
        """The transposed matrix, a view. Of other than 2 axes their reverse order, with a UserWarning, as in PyTorch."""

    def __abs__(self) -> Tensor:
        """|input|; the gradient at 0 is 0."""

    def __add__(self, other: Tensor | Number) -> Tensor:
        """self + other"""

    def __and__(self, other: Tensor | Number) -> Tensor:
        """self & other"""

    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> np.ndarray:
        ...

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: builtins.bool = False) -> Tensor:
        """What a function of NumPy made of a tensor is a tensor; truth values are bytes then, 0 or 1, as in PyTorch."""

    def __bool__(self) -> builtins.bool:
        ...

    def __complex__(self) -> builtins.complex:
        ...

    def __contains__(self, element: Tensor | Number) -> builtins.bool:
        """Whether an element equals this one."""

    def __deepcopy__(self, memo: builtins.dict) -> Tensor:
        """A leaf on memory of its own; tensors that share memory, copied together, share it again."""

    def __dlpack__(self, *, stream: Any = -1, max_version: builtins.tuple[builtins.int, builtins.int] | None = None, dl_device: builtins.tuple[Any, builtins.int] | None = None, copy: builtins.bool | None = None) -> Any:
        """A capsule with this memory, for the `from_dlpack` of another library; a change there is a change here."""

    def __dlpack_device__(self) -> builtins.tuple[builtins.int, builtins.int]:
        """Where the memory is, in DLPack's numbers: (1, 0), the CPU."""

    def __eq__(self, other: Tensor | Number) -> Tensor:  # type: ignore[override]
        """self == other, elementwise"""

    def __float__(self) -> builtins.float:
        ...

    def __floordiv__(self, other: Tensor | Number) -> Tensor:
        """self // other"""

    def __format__(self, spec: builtins.str) -> builtins.str:
        ...

    def __ge__(self, other: Tensor | Number) -> Tensor:
        """self >= other, elementwise"""

    def __getitem__(self, index: Any) -> Tensor:
        """input[index], with every kind of index that NumPy has: ints, slices, None, ..., masks, arrays of places."""

    def __gt__(self, other: Tensor | Number) -> Tensor:
        """self > other, elementwise"""

    def __iadd__(self, other: Tensor | Number) -> Tensor:
        """self += other"""

    def __iand__(self, other: Tensor | Number) -> Tensor:
        """self &= other"""

    def __ifloordiv__(self, other: Tensor | Number) -> Tensor:
        """self //= other"""

    def __ilshift__(self, other: Tensor | Number) -> Tensor:
        """self <<= other"""

    def __imatmul__(self, other: Tensor | Number) -> Tensor:
        """self @= other"""

    def __imod__(self, other: Tensor | Number) -> Tensor:
        """self %= other"""

    def __imul__(self, other: Tensor | Number) -> Tensor:
        """self *= other"""

    def __index__(self) -> builtins.int:
        ...

    def __init__(self, *data: Any, **named: Any) -> None:
        """Tensor(2, 3) has this shape and no values yet; Tensor([2, 3]) has these values, of the default floating dtype."""

    def __int__(self) -> builtins.int:
        ...

    def __invert__(self) -> Tensor:
        """~input, bit by bit; for bool: not."""

    def __ior__(self, other: Tensor | Number) -> Tensor:
        """self |= other"""

    def __ipow__(self, other: Tensor | Number) -> Tensor:
        """self **= other"""

    def __irshift__(self, other: Tensor | Number) -> Tensor:
        """self >>= other"""

    def __isub__(self, other: Tensor | Number) -> Tensor:
        """self -= other"""

    def __iter__(self) -> Iterator[Tensor]:
        ...

    def __itruediv__(self, other: Tensor | Number) -> Tensor:
        """self /= other"""

    def __ixor__(self, other: Tensor | Number) -> Tensor:
        """self ^= other"""

    def __le__(self, other: Tensor | Number) -> Tensor:
        """self <= other, elementwise"""

    def __len__(self) -> builtins.int:
        ...

    def __lshift__(self, other: Tensor | Number) -> Tensor:
        """self << other"""

    def __lt__(self, other: Tensor | Number) -> Tensor:
        """self < other, elementwise"""

    def __matmul__(self, other: Tensor | Number) -> Tensor:
        """self @ other"""

    def __mod__(self, other: Tensor | Number) -> Tensor:
        """self % other"""

    def __mul__(self, other: Tensor | Number) -> Tensor:
        """self * other"""

    def __ne__(self, other: Tensor | Number) -> Tensor:  # type: ignore[override]
        """self != other, elementwise"""

    def __neg__(self) -> Tensor:
        """-input."""

    def __or__(self, other: Tensor | Number) -> Tensor:
        """self | other"""

    def __pos__(self) -> Tensor:
        ...

    def __pow__(self, other: Tensor | Number) -> Tensor:
        """self ** other"""

    def __radd__(self, other: Tensor | Number) -> Tensor:
        """other + self"""

    def __rand__(self, other: Tensor | Number) -> Tensor:
        """other & self"""

    def __reduce__(self) -> builtins.tuple:
        ...

    def __repr__(self) -> builtins.str:
        ...

    def __rfloordiv__(self, other: Tensor | Number) -> Tensor:
        """other // self"""

    def __rlshift__(self, other: Tensor | Number) -> Tensor:
        """other << self"""

    def __rmatmul__(self, other: Tensor | Number) -> Tensor:
        """other @ self"""

    def __rmod__(self, other: Tensor | Number) -> Tensor:
        """other % self"""

    def __rmul__(self, other: Tensor | Number) -> Tensor:
        """other * self"""

    def __ror__(self, other: Tensor | Number) -> Tensor:
        """other | self"""

    def __rpow__(self, other: Tensor | Number) -> Tensor:
        """other ** self"""

    def __rrshift__(self, other: Tensor | Number) -> Tensor:
        """other >> self"""

    def __rshift__(self, other: Tensor | Number) -> Tensor:
        """self >> other"""

    def __rsub__(self, other: Tensor | Number) -> Tensor:
        """other - self"""

    def __rtruediv__(self, other: Tensor | Number) -> Tensor:
        """other / self"""

    def __rxor__(self, other: Tensor | Number) -> Tensor:
        """other ^ self"""

    def __setitem__(self, index: Any, value: Tensor | Number) -> None:
        """self[index] = value, by every kind of index that can be read."""

    def __sub__(self, other: Tensor | Number) -> Tensor:
        """self - other"""

    def __truediv__(self, other: Tensor | Number) -> Tensor:
        """self / other"""

    def __xor__(self, other: Tensor | Number) -> Tensor:
        """self ^ other"""

    @property
    def _base(self) -> Tensor | None:
        """The tensor that this one is a view of, None if it is none."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> builtins.dict[builtins.str, builtins.str]:
        """What a notebook shows of a tensor or a module: text, and HTML where there is more to see."""

    @property
    def _version(self) -> builtins.int:
        """How often its memory was changed in place; views count together. RuntimeError for a tensor of `inference_mode`."""

    def abs(self) -> Tensor:
        """|input|; the gradient at 0 is 0."""

    def abs_(self) -> Self:
        """In place: the tensor becomes its `abs`."""

    def absolute(self) -> Tensor:
        """|input|; the gradient at 0 is 0."""

    def absolute_(self) -> Self:
        """In place: the tensor becomes its `absolute`."""

    def acos(self) -> Tensor:
        """The angle in [0, π] whose cosine is input."""

    def acos_(self) -> Self:
        """In place: the tensor becomes its `acos`."""

    def acosh(self) -> Tensor:
        """The number >= 0 whose cosh is input; NaN below 1."""

    def acosh_(self) -> Self:
        """In place: the tensor becomes its `acosh`."""

    def add(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor:
        """input + alpha · other."""

    def add_(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `add`."""

    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta·input + alpha·Σ batch1[i] @ batch2[i]        (B, n, k) (B, k, m) -> (n, m)"""

    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addbmm`."""

    def addcdiv(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """input + value · tensor1 / tensor2, of floating tensors."""

    def addcdiv_(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addcdiv`."""

    def addcmul(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor:
        """input + value · tensor1 · tensor2."""

    def addcmul_(self, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addcmul`."""

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · mat1 @ mat2; input broadcasts to (N, M)."""

    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addmm`."""

    def addmv(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · mat @ vec."""

    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addmv`."""

    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta·input + alpha·vec1[i]·vec2[j]        input broadcasts to (n, m)"""

    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `addr`."""

    def adjoint(self) -> Tensor:
        """The last two axes change places: the transposed matrices of a batch; a number has none."""

    def all(self, dim: Axis | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Whether all elements along `dim` are not zero."""

    def allclose(self, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> builtins.bool:
        """Whether all elements are close: |input - other| <= atol + rtol · |other|; a Python bool."""

    def amax(self, dim: Axis | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The greatest element along dim; NaN if there is one."""

    def amin(self, dim: Axis | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The smallest element along dim; NaN if there is one."""

    def aminmax(self, *, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> MinMax:
        """The smallest and the greatest element along dim, as (min, max)."""

    def angle(self) -> Tensor:
        """The angle to the positive numbers: π for negative ones, 0 for the others, NaN for NaN."""

    def any(self, dim: Axis | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Whether any element along `dim` is not zero."""

    def apply_(self, callable: Callable[[Any], Any]) -> Self:
        """In place: the tensor becomes its `apply`."""

    def arccos(self) -> Tensor:
        """The angle in [0, π] whose cosine is input."""

    def arccos_(self) -> Self:
        """In place: the tensor becomes its `arccos`."""

    def arccosh(self) -> Tensor:
        """The number >= 0 whose cosh is input; NaN below 1."""

    def arccosh_(self) -> Self:
        """In place: the tensor becomes its `arccosh`."""

    def arcsin(self) -> Tensor:
        """The angle in [-π/2, π/2] whose sine is input."""

    def arcsin_(self) -> Self:
        """In place: the tensor becomes its `arcsin`."""

    def arcsinh(self) -> Tensor:
        """The number whose sinh is input."""

    def arcsinh_(self) -> Self:
        """In place: the tensor becomes its `arcsinh`."""

    def arctan(self) -> Tensor:
        """The angle in (-π/2, π/2) whose tangent is input."""

    def arctan2(self, other: Tensor) -> Tensor:
        """The angle of the point (other, input) to the x axis, in (-π, π]."""

    def arctan2_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `arctan2`."""

    def arctan_(self) -> Self:
        """In place: the tensor becomes its `arctan`."""

    def arctanh(self) -> Tensor:
        """The number whose tanh is input; NaN beyond -1 and 1."""

    def arctanh_(self) -> Self:
        """In place: the tensor becomes its `arctanh`."""

    def argmax(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Where the greatest element along dim stands, the first of equal ones; without dim in the flattened tensor."""

    def argmin(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """Where the smallest element along dim stands, the first of equal ones; without dim in the flattened tensor."""

    def argsort(self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = False) -> Tensor:
        """The places that bring the elements along dim in order; equal ones keep theirs, stable or not."""

    def argwhere(self) -> Tensor:
        """The places that are not zero, a row each        -> (n, ndim) int64"""

    def as_strided(self, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Tensor:
        """The memory of input with these sizes and strides, counted in elements from storage_offset on. A view."""

    def as_strided_(self, size: Sequence[builtins.int], stride: Sequence[builtins.int], storage_offset: builtins.int | None = None) -> Self:
        """In place: the tensor itself gets the shape of its `as_strided`."""

    def asin(self) -> Tensor:
        """The angle in [-π/2, π/2] whose sine is input."""

    def asin_(self) -> Self:
        """In place: the tensor becomes its `asin`."""

    def asinh(self) -> Tensor:
        """The number whose sinh is input."""

    def asinh_(self) -> Self:
        """In place: the tensor becomes its `asinh`."""

    def atan(self) -> Tensor:
        """The angle in (-π/2, π/2) whose tangent is input."""

    def atan2(self, other: Tensor) -> Tensor:
        """The angle of the point (other, input) to the x axis, in (-π, π]."""

    def atan2_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `atan2`."""

    def atan_(self) -> Self:
        """In place: the tensor becomes its `atan`."""

    def atanh(self) -> Tensor:
        """The number whose tanh is input; NaN beyond -1 and 1."""

    def atanh_(self) -> Self:
        """In place: the tensor becomes its `atanh`."""

    def backward(self, gradient: Tensor | None = None, retain_graph: builtins.bool | None = None, create_graph: builtins.bool = False, inputs: Any = None) -> None:
        """Add d(self)/d(leaf) to the `.grad` of every leaf that needs a gradient; see `autograd.backward`."""

    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · batch1 @ batch2."""

    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `baddbmm`."""

    def bernoulli(self, p: Tensor | builtins.float | None = None, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
        """1 with the probability that stands in input (or with probability p everywhere), else 0."""

    def bernoulli_(self, p: Tensor | builtins.float = 0.5, *, generator: Generator | None = None) -> Tensor:
        """In place: 1 with probability p, a number or a tensor, else 0."""

    def bincount(self, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
        """How often each integer 0, 1, ... occurs, or the sum of its weights        (n,) -> (max + 1,)"""

    def bitwise_and(self, other: Tensor | Number) -> Tensor:
        """input & other, bit by bit; for bool: both."""

    def bitwise_and_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `bitwise_and`."""

    def bitwise_left_shift(self, other: Tensor | Number) -> Tensor:
        """input << other."""

    def bitwise_left_shift_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `bitwise_left_shift`."""

    def bitwise_not(self) -> Tensor:
        """~input, bit by bit; for bool: not."""

    def bitwise_not_(self) -> Self:
        """In place: the tensor becomes its `bitwise_not`."""

    def bitwise_or(self, other: Tensor | Number) -> Tensor:
        """input | other, bit by bit; for bool: one or both."""

    def bitwise_or_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `bitwise_or`."""

    def bitwise_right_shift(self, other: Tensor | Number) -> Tensor:
        """input >> other; the sign stays."""

    def bitwise_right_shift_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `bitwise_right_shift`."""

    def bitwise_xor(self, other: Tensor | Number) -> Tensor:
        """input ^ other, bit by bit; for bool: just one."""

    def bitwise_xor_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `bitwise_xor`."""

    def bmm(self, mat2: Tensor) -> Tensor:
        """input[b] @ mat2[b]: (B, N, K) (B, K, M) -> (B, N, M)."""

    def bool(self, memory_format: Any = None) -> Tensor:
        """In dtype bool; itself where it is that already."""

    def broadcast_to(self, size: Sequence[builtins.int]) -> Tensor:
        """`expand`, under NumPy's name."""

    def byte(self, memory_format: Any = None) -> Tensor:
        """In dtype uint8; itself where it is that already."""

    def cauchy_(self, median: builtins.float = 0, sigma: builtins.float = 1, *, generator: Generator | None = None) -> Self:
        """In place: the tensor becomes its `cauchy`."""

    def ceil(self) -> Tensor:
        """The smallest integer >= input."""

    def ceil_(self) -> Self:
        """In place: the tensor becomes its `ceil`."""

    def char(self, memory_format: Any = None) -> Tensor:
        """In dtype int8; itself where it is that already."""

    def cholesky(self, upper: builtins.bool = False) -> Tensor:
        """L with input = L Lᵀ, or its transpose: deprecated, as in PyTorch, for `linalg.cholesky`."""

    def cholesky_inverse(self, upper: builtins.bool = False) -> Tensor:
        """The inverse of A, where input is its triangle of `linalg.cholesky`: (B, N, N) -> (B, N, N)."""

    def cholesky_solve(self, input2: Tensor, upper: builtins.bool = False) -> Tensor:
        """X of A X = input, where input2 is A's triangle of `linalg.cholesky`: (B, N, K) (B, N, N) -> (B, N, K)."""

    def chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """At most `chunks` parts of one length along axis dim, the last may be shorter. Views."""

    def clamp(self, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
        """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

    def clamp_(self, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Self:
        """In place: the tensor becomes its `clamp`."""

    def clamp_max(self, max: Tensor | Number) -> Tensor:
        """min(input, max)"""

    def clamp_max_(self, max: Tensor | Number) -> Self:
        """In place: the tensor becomes its `clamp_max`."""

    def clamp_min(self, min: Tensor | Number) -> Tensor:
        """max(input, min)"""

    def clamp_min_(self, min: Tensor | Number) -> Self:
        """In place: the tensor becomes its `clamp_min`."""

    def clip(self, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
        """min(max(input, min), max), elementwise; where min > max it is max. The bounds are tensors or numbers."""

    def clip_(self, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Self:
        """In place: the tensor becomes its `clip`."""

    def clone(self, memory_format: memory_format | None = None) -> Tensor:
        """A copy, in memory of its own; the gradient passes through."""

    def conj(self) -> Tensor:
        """input itself: a real number is its own conjugate."""

    def conj_physical(self) -> Tensor:
        """`conj`, which elsewhere is a copy; of real numbers it is input itself."""

    def conj_physical_(self) -> Self:
        """In place: the tensor becomes its `conj_physical`."""

    def contiguous(self, *, memory_format: memory_format = ...) -> Tensor:
        """The tensor itself where its elements lie in memory in their order, else such a copy."""

    def copy_(self, src: Tensor | Number, non_blocking: builtins.bool = False) -> Tensor:
        """In place: the values of src, in the dtype of self."""

    def copysign(self, other: Tensor | Number) -> Tensor:
        """|input| with the sign of other, also of -0.0; integers become floating."""

    def copysign_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `copysign`."""

    def corrcoef(self) -> Tensor:
        """The correlations of variables, a row each: cov(x, y) / √(var x · var y)        (V, n) -> (V, V)"""

    def cos(self) -> Tensor:
        """cos(input)."""

    def cos_(self) -> Self:
        """In place: the tensor becomes its `cos`."""

    def cosh(self) -> Tensor:
        """(e^input + e^-input) / 2."""

    def cosh_(self) -> Self:
        """In place: the tensor becomes its `cosh`."""

    def count_nonzero(self, dim: Axis | None = None) -> Tensor:
        """How many elements along dim are not zero, int64."""

    def cov(self, *, correction: builtins.int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
        """The covariances of variables, a row each: Σ (x - mean x)·(y - mean y) / (n - correction)        (V, n) -> (V, V)"""

    def cpu(self, memory_format: Any = None) -> Tensor:
        """Itself: the CPU is where all tensors are, in the memory that they lie in."""

    def cross(self, other: Tensor, dim: builtins.int | None = None) -> Tensor:
        """As `linalg.cross`, along the first axis of length 3 where dim is not given, which is deprecated."""

    def cuda(self, device: Any = None, non_blocking: builtins.bool = False) -> Tensor:
        """There is no CUDA here: a RuntimeError that says so."""

    def cummax(self, dim: builtins.int) -> Chosen:
        """The greatest of elements 0 to i along dim, as (values, indices)."""

    def cummin(self, dim: builtins.int) -> Chosen:
        """The smallest of elements 0 to i along dim, as (values, indices)."""

    def cumprod(self, dim: builtins.int, dtype: DType | None = None) -> Tensor:
        """out[i] = input[0] · ... · input[i] along dim. The gradient is right where elements are 0."""

    def cumprod_(self, dim: builtins.int, dtype: DType | None = None) -> Self:
        """In place: the tensor becomes its `cumprod`."""

    def cumsum(self, dim: builtins.int, dtype: DType | None = None) -> Tensor:
        """out[i] = input[0] + ... + input[i] along dim."""

    def cumsum_(self, dim: builtins.int, dtype: DType | None = None) -> Self:
        """In place: the tensor becomes its `cumsum`."""

    def data_ptr(self) -> builtins.int:
        """The address of the first element."""

    def deg2rad(self) -> Tensor:
        """input · π / 180."""

    def deg2rad_(self) -> Self:
        """In place: the tensor becomes its `deg2rad`."""

    def det(self) -> Tensor:
        """The determinant, as `linalg.det`: (B, N, N) -> (B)."""

    def detach_(self) -> Tensor:
        """In place: without history, a leaf that needs no gradient."""

    @property
    def device(self) -> Device:
        """The CPU."""

    def diag(self, diagonal: builtins.int = 0) -> Tensor:
        """The diagonal of a matrix, a copy; of a vector, the matrix that has it as its diagonal."""

    def diag_embed(self, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor:
        """Matrices of zeros with the rows of input on their diagonals        (..., n) -> (..., n, n)"""

    def diagflat(self, offset: builtins.int = 0) -> Tensor:
        """A matrix of zeros with all elements of input on a diagonal, `offset` above the main one."""

    def diagonal(self, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """The elements whose places along dim1 and dim2 are equal (or `offset` apart), as the last axis. A view."""

    def diagonal_scatter(self, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """input with its diagonal, as `diagonal` gives it, replaced by src."""

    def diff(self, n: builtins.int = 1, dim: builtins.int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
        """out[i] = input[i + 1] - input[i] along dim, n times; prepend and append are joined to input first."""

    def digamma(self) -> Tensor:
        """The derivative of ln Γ; -inf at 0, NaN at -1, -2, ..."""

    def digamma_(self) -> Self:
        """In place: the tensor becomes its `digamma`."""

    def dim(self) -> builtins.int:
        """The number of axes."""

    def dist(self, other: Tensor, p: builtins.float = 2) -> Tensor:
        """|input - other|, the p-norm of all elements; the shapes broadcast."""

    def div(self, other: Tensor | Number, *, rounding_mode: builtins.str | None = None) -> Tensor:
        """input / other, in floating numbers; rounding_mode "floor" or "trunc" rounds the quotient and keeps integers."""

    def div_(self, other: Tensor | Number, *, rounding_mode: builtins.str | None = None) -> Self:
        """In place: the tensor becomes its `div`."""

    def divide(self, other: Tensor | Number, *, rounding_mode: builtins.str | None = None) -> Tensor:
        """input / other, in floating numbers; rounding_mode "floor" or "trunc" rounds the quotient and keeps integers."""

    def divide_(self, other: Tensor | Number, *, rounding_mode: builtins.str | None = None) -> Self:
        """In place: the tensor becomes its `divide`."""

    def dot(self, tensor: Tensor) -> Tensor:
        """Σ input · tensor: (K,) (K,) -> ()."""

    def double(self, memory_format: Any = None) -> Tensor:
        """In dtype float64; itself where it is that already."""

    def dsplit(self, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
        """So many equal parts along axis 2, or parts that begin at the given places. Views."""

    @property
    def dtype(self) -> np.dtype:
        """The type of the elements, a NumPy dtype."""

    def eig(self, **kwargs: Any) -> Any:
        """Refused, as in PyTorch, which has removed it: use linalg.eig."""

    def element_size(self) -> builtins.int:
        """Bytes of one element."""

    def eq(self, other: Tensor | Number) -> Tensor:
        """input == other."""

    def eq_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `eq`."""

    def equal(self, other: Tensor | builtins.dict) -> builtins.bool:
        """Whether both have one shape and the same elements; a Python bool. Also of two states of a generator."""

    def erf(self) -> Tensor:
        """2/√π ∫₀^input e^(-t²) dt."""

    def erf_(self) -> Self:
        """In place: the tensor becomes its `erf`."""

    def erfc(self) -> Tensor:
        """1 - erf(input), exact to the last digits where that is small."""

    def erfc_(self) -> Self:
        """In place: the tensor becomes its `erfc`."""

    def erfinv(self) -> Tensor:
        """The y with erf(y) = input; ±inf at ±1, NaN beyond."""

    def erfinv_(self) -> Self:
        """In place: the tensor becomes its `erfinv`."""

    def exp(self) -> Tensor:
        """e^input."""

    def exp2(self) -> Tensor:
        """2^input."""

    def exp2_(self) -> Self:
        """In place: the tensor becomes its `exp2`."""

    def exp_(self) -> Self:
        """In place: the tensor becomes its `exp`."""

    @overload
    def expand(self, size: Shape) -> Tensor:
        """Repeat along axes of length 1, without copying; -1 keeps a length, new axes come in front."""
    @overload
    def expand(self, *size: builtins.int) -> Tensor:
        """Repeat along axes of length 1, without copying; -1 keeps a length, new axes come in front."""

    def expand_as(self, other: Tensor) -> Tensor:
        """`input.expand(other.shape)`."""

    def expm1(self) -> Tensor:
        """e^input - 1, exact to the last digits for small input."""

    def expm1_(self) -> Self:
        """In place: the tensor becomes its `expm1`."""

    def exponential_(self, lambd: builtins.float = 1, *, generator: Generator | None = None) -> Tensor:
        """In place: random numbers x ≥ 0 of the density λ·exp(-λx)."""

    def fill(self, value: Tensor | Number) -> Tensor:
        """`value`, a number, in the shape and dtype of input."""

    def fill_(self, value: Tensor | Number) -> Tensor:
        """In place: every element becomes this number."""

    def fill_diagonal_(self, value: Tensor | Number, wrap: builtins.bool = False) -> Self:
        """In place: the tensor becomes its `fill_diagonal`."""

    def fix(self) -> Tensor:
        """The integer part: rounded towards zero."""

    def fix_(self) -> Self:
        """In place: the tensor becomes its `fix`."""

    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """One axis in place of the axes start_dim to end_dim."""

    @overload
    def flip(self, dims: Sequence[builtins.int]) -> Tensor:
        """The order of the elements turned round along each axis of dims; a copy."""
    @overload
    def flip(self, *dims: builtins.int) -> Tensor:
        """The order of the elements turned round along each axis of dims; a copy."""

    def fliplr(self) -> Tensor:
        """Mirrored: axis 1 turned round."""

    def flipud(self) -> Tensor:
        """Upside down: axis 0 turned round."""

    def float(self, memory_format: Any = None) -> Tensor:
        """In dtype float32; itself where it is that already."""

    def float_power(self, exponent: Tensor | Number) -> Tensor:
        """input ** exponent, computed in float64."""

    def float_power_(self, exponent: Tensor | Number) -> Self:
        """In place: the tensor becomes its `float_power`."""

    def floor(self) -> Tensor:
        """The greatest integer <= input."""

    def floor_(self) -> Self:
        """In place: the tensor becomes its `floor`."""

    def floor_divide(self, other: Tensor | Number) -> Tensor:
        """⌊input / other⌋: rounded towards minus infinity, as `//`."""

    def floor_divide_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `floor_divide`."""

    def fmax(self, other: Tensor) -> Tensor:
        """The greater of the two; of a number and NaN the number."""

    def fmin(self, other: Tensor) -> Tensor:
        """The smaller of the two; of a number and NaN the number."""

    def fmod(self, other: Tensor | Number) -> Tensor:
        """input - other · trunc(input / other): the sign is that of input, as in C."""

    def fmod_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `fmod`."""

    def frac(self) -> Tensor:
        """input - trunc(input): the part behind the point, with the sign of input."""

    def frac_(self) -> Self:
        """In place: the tensor becomes its `frac`."""

    def frexp(self) -> Frexp:
        """input as mantissa · 2^exponent with ½ <= |mantissa| < 1. RuntimeError for integers."""

    def gather(self, dim: builtins.int, index: Tensor) -> Tensor:
        """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1; out has the shape of index."""

    def gcd(self, other: Tensor) -> Tensor:
        """The greatest common divisor; gcd(0, n) is |n|. NotImplementedError for all but integers."""

    def gcd_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `gcd`."""

    def ge(self, other: Tensor | Number) -> Tensor:
        """input >= other."""

    def ge_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `ge`."""

    def geometric_(self, p: builtins.float, *, generator: Generator | None = None) -> Self:
        """In place: the tensor becomes its `geometric`."""

    def ger(self, vec2: Tensor) -> Tensor:
        """Each element with each: (N,) (M,) -> (N, M)."""

    def get_device(self) -> builtins.int:
        """-1: the CPU."""

    def greater(self, other: Tensor | Number) -> Tensor:
        """input > other."""

    def greater_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `greater`."""

    def greater_equal(self, other: Tensor | Number) -> Tensor:
        """input >= other."""

    def greater_equal_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `greater_equal`."""

    def gt(self, other: Tensor | Number) -> Tensor:
        """input > other."""

    def gt_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `gt`."""

    def half(self, memory_format: Any = None) -> Tensor:
        """In dtype float16; itself where it is that already."""

    def hardshrink(self, lambd: builtins.float = 0.5) -> Tensor:
        """input, and 0 where -lambd <= input <= lambd."""

    def heaviside(self, values: Tensor) -> Tensor:
        """0 where input is negative (or NaN), 1 where it is positive, values where it is 0. RuntimeError for two dtypes."""

    def heaviside_(self, values: Tensor) -> Self:
        """In place: the tensor becomes its `heaviside`."""

    def histc(self, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0) -> Tensor:
        """How many elements fall into each of `bins` equal parts of [min, max]; if both are equal, of the input's range."""

    def histogram(self, bins: builtins.int | Tensor = 100, *, range: Sequence[builtins.float] | None = None, weight: Tensor | None = None, density: builtins.bool = False) -> Histogram:
        """How many elements fall between neighbouring edges, as (hist, bin_edges); the last part includes its end."""

    def hsplit(self, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
        """So many equal parts along axis 1 (of a vector along axis 0), or parts that begin at the given places. Views."""

    def hypot(self, other: Tensor) -> Tensor:
        """√(input² + other²), without overflow."""

    def hypot_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `hypot`."""

    def i0(self) -> Tensor:
        """Bessel's modified function of order 0: Σ (x²/4)^k / k!² over k = 0, 1, ... (A&S 9.6.12)"""

    def i0_(self) -> Self:
        """In place: the tensor becomes its `i0`."""

    def index_add(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Tensor:
        """input with alpha · source[i] added to slice index[i] of axis dim; repeated slices add up."""

    def index_add_(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `index_add`."""

    def index_copy(self, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor:
        """input with slice index[i] of axis dim replaced by source[i]."""

    def index_copy_(self, dim: builtins.int, index: Tensor, source: Tensor) -> Self:
        """In place: the tensor becomes its `index_copy`."""

    def index_fill(self, dim: builtins.int, index: Tensor, value: Tensor | Number) -> Tensor:
        """input with the slices of axis dim that `index` names set to one value."""

    def index_fill_(self, dim: builtins.int, index: Tensor, value: Tensor | Number) -> Self:
        """In place: the tensor becomes its `index_fill`."""

    def index_put(self, indices: builtins.tuple, values: Tensor | Number, accumulate: builtins.bool = False) -> Tensor:
        """input with input[indices] = values; with accumulate, input[indices] += values, where repeated places add up."""

    def index_put_(self, indices: builtins.tuple, values: Tensor | Number, accumulate: builtins.bool = False) -> Self:
        """In place: the tensor becomes its `index_put`."""

    def index_reduce(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True) -> Tensor:
        """`scatter_reduce` of whole slices: source[i] comes to slice index[i] of axis dim; prod, mean, amax or amin."""

    def index_reduce_(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True) -> Self:
        """In place: the tensor becomes its `index_reduce`."""

    def index_select(self, dim: builtins.int, index: Tensor) -> Tensor:
        """The slices of axis dim that `index`, a vector of ints, names; a copy."""

    def inner(self, other: Tensor) -> Tensor:
        """Σ over the last axis of both: (..., K) (___, K) -> (..., ___)."""

    def int(self, memory_format: Any = None) -> Tensor:
        """In dtype int32; itself where it is that already."""

    def inverse(self) -> Tensor:
        """The inverse, as `linalg.inv`: (B, N, N) -> (B, N, N)."""

    def is_complex(self) -> builtins.bool:
        """Whether the elements are complex numbers."""

    def is_conj(self) -> builtins.bool:
        """Whether input is a view of conjugated numbers, which nothing here is."""

    def is_contiguous(self, *, memory_format: memory_format = ...) -> builtins.bool:
        """Whether the elements lie in memory in their order (or channels last)."""

    @property
    def is_cpu(self) -> builtins.bool:
        """True: the CPU is where all tensors are."""

    is_cuda: builtins.bool

    def is_floating_point(self) -> builtins.bool:
        """Whether the elements are floating numbers."""

    def is_inference(self) -> builtins.bool:
        """Whether it was made in `inference_mode`."""

    is_ipu: builtins.bool

    is_meta: builtins.bool

    is_mkldnn: builtins.bool

    is_mps: builtins.bool

    def is_neg(self) -> builtins.bool:
        """Whether input is a view of negated numbers, which nothing here is."""

    is_nested: builtins.bool

    def is_nonzero(self) -> builtins.bool:
        """Whether its one number is not 0. RuntimeError for another number of elements."""

    def is_pinned(self) -> builtins.bool:
        """Whether it lies in page-locked memory: no, there is no device to copy it to."""

    is_quantized: builtins.bool

    def is_same_size(self, other: Tensor) -> builtins.bool:
        """Whether both have the same shape."""

    def is_signed(self) -> builtins.bool:
        """Whether the elements can be negative."""

    is_sparse: builtins.bool

    is_sparse_csr: builtins.bool

    is_xla: builtins.bool

    is_xpu: builtins.bool

    def isclose(self, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> Tensor:
        """|input - other| <= atol + rtol · |other|, elementwise; infinities are close to themselves alone."""

    def isfinite(self) -> Tensor:
        """It is neither infinite nor NaN."""

    def isinf(self) -> Tensor:
        """It is infinite, of either sign."""

    def isnan(self) -> Tensor:
        """It is NaN."""

    def isneginf(self) -> Tensor:
        """It is -inf."""

    def isposinf(self) -> Tensor:
        """It is +inf."""

    def isreal(self) -> Tensor:
        """Whether each element is real: all are, but for complex numbers with an imaginary part."""

    def item(self) -> builtins.int | builtins.float | builtins.bool:
        """The one number in this tensor, as a Python scalar."""

    @property
    def itemsize(self) -> builtins.int:
        """Bytes of one element."""

    def kron(self, other: Tensor) -> Tensor:
        """Kronecker's product: each element of input times all of other, (a, b) (c, d) -> (a·c, b·d)"""

    def kthvalue(self, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False) -> Chosen:
        """The k-th smallest element along dim, k counted from 1, as (values, indices)."""

    @property
    def layout(self) -> Layout:
        """`strided`, as all are."""

    def lcm(self, other: Tensor) -> Tensor:
        """The least common multiple; lcm(0, n) is 0. NotImplementedError for all but integers."""

    def lcm_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `lcm`."""

    def ldexp(self, other: Tensor) -> Tensor:
        """input · 2^other."""

    def ldexp_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `ldexp`."""

    def le(self, other: Tensor | Number) -> Tensor:
        """input <= other."""

    def le_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `le`."""

    def lerp(self, end: Tensor, weight: Tensor | Number) -> Tensor:
        """input + weight · (end - input): input for weight 0, end for weight 1, exactly."""

    def lerp_(self, end: Tensor, weight: Tensor | Number) -> Self:
        """In place: the tensor becomes its `lerp`."""

    def less(self, other: Tensor | Number) -> Tensor:
        """input < other."""

    def less_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `less`."""

    def less_equal(self, other: Tensor | Number) -> Tensor:
        """input <= other."""

    def less_equal_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `less_equal`."""

    def lgamma(self) -> Tensor:
        """ln |Γ(input)|: ln((n - 1)!) for a positive integer n; inf at 0, -1, -2, ..."""

    def lgamma_(self) -> Self:
        """In place: the tensor becomes its `lgamma`."""

    def log(self) -> Tensor:
        """ln input."""

    def log10(self) -> Tensor:
        """The logarithm to base 10."""

    def log10_(self) -> Self:
        """In place: the tensor becomes its `log10`."""

    def log1p(self) -> Tensor:
        """ln(1 + input), exact to the last digits for small input."""

    def log1p_(self) -> Self:
        """In place: the tensor becomes its `log1p`."""

    def log2(self) -> Tensor:
        """The logarithm to base 2."""

    def log2_(self) -> Self:
        """In place: the tensor becomes its `log2`."""

    def log_(self) -> Self:
        """In place: the tensor becomes its `log`."""

    def log_normal_(self, mean: builtins.float = 1, std: builtins.float = 2, *, generator: Generator | None = None) -> Self:
        """In place: the tensor becomes its `log_normal`."""

    def log_softmax(self, dim: builtins.int, dtype: DType | None = None) -> Tensor:
        """input - log Σ exp(input) along dim        any shape -> the same"""

    def logaddexp(self, other: Tensor) -> Tensor:
        """ln(e^input + e^other), without overflow."""

    def logaddexp2(self, other: Tensor) -> Tensor:
        """log2(2^input + 2^other), without overflow. NotImplementedError for integers."""

    def logcumsumexp(self, dim: builtins.int) -> Tensor:
        """out[i] = ln(e^input[0] + ... + e^input[i]) along dim, for inputs of any size."""

    def logdet(self) -> Tensor:
        """The logarithm of the determinant, NaN where that is negative: (B, N, N) -> (B)."""

    def logical_and(self, other: Tensor) -> Tensor:
        """Both are not zero."""

    def logical_and_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `logical_and`."""

    def logical_not(self) -> Tensor:
        """It is zero."""

    def logical_not_(self) -> Self:
        """In place: the tensor becomes its `logical_not`."""

    def logical_or(self, other: Tensor) -> Tensor:
        """One or both are not zero."""

    def logical_or_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `logical_or`."""

    def logical_xor(self, other: Tensor) -> Tensor:
        """Just one is not zero."""

    def logical_xor_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `logical_xor`."""

    def logit(self, eps: builtins.float | None = None) -> Tensor:
        """ln(input / (1 - input)), the inverse of sigmoid; with eps, input is held between eps and 1 - eps first."""

    def logit_(self, eps: builtins.float | None = None) -> Self:
        """In place: the tensor becomes its `logit`."""

    def logsumexp(self, dim: Axis, keepdim: builtins.bool = False) -> Tensor:
        """ln Σ e^input along dim, for inputs of any size."""

    def long(self, memory_format: Any = None) -> Tensor:
        """In dtype int64; itself where it is that already."""

    def lstsq(self, **kwargs: Any) -> Any:
        """Refused, as in PyTorch, which has removed it: use linalg.lstsq, whose first argument is the matrix."""

    def lt(self, other: Tensor | Number) -> Tensor:
        """input < other."""

    def lt_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `lt`."""

    def lu(self, pivot: builtins.bool = True, get_infos: builtins.bool = False) -> builtins.tuple[Tensor, ...]:
        """L and U in one matrix, swaps of rows, and with get_infos which pivot is zero: deprecated, as in PyTorch, for"""

    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
        """X of A X = input with what `lu` made of A: deprecated, as in PyTorch, for `linalg.lu_solve`."""

    @property
    def mH(self) -> Tensor:
        """The last two axes change places: the transposed matrices of a batch; a number has none."""

    @property
    def mT(self) -> Tensor:
        """The last two axes change places: the transposed matrices of a batch; a number has none."""

    def map_(self, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Self:
        """In place: the tensor becomes its `map`."""

    def masked_fill(self, mask: Tensor, value: Tensor | Number) -> Tensor:
        """`value`, a number, where the mask is True, input elsewhere; shapes broadcast, the dtype is that of input."""

    def masked_fill_(self, mask: Tensor, value: Tensor | Number) -> Self:
        """In place: the tensor becomes its `masked_fill`."""

    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """input with the places where the mask is True filled by the elements of source, one after the other."""

    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Self:
        """In place: the tensor becomes its `masked_scatter`."""

    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where the mask is True, as a vector; shapes broadcast."""

    def matmul(self, other: Tensor) -> Tensor:
        """input @ other: (..., N, K) (..., K, M) -> (..., N, M); axes in front broadcast."""

    def matrix_exp(self) -> Tensor:
        """The exponential of matrices, as `linalg.matrix_exp`: (B, N, N) -> (B, N, N)."""

    def matrix_power(self, n: builtins.int) -> Tensor:
        """A product of n times the same matrix, as `linalg.matrix_power`: (B, N, N) -> (B, N, N)."""

    @overload
    def max(self) -> Tensor:
        """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""
    @overload
    def max(self, dim: builtins.int, keepdim: builtins.bool = False) -> Chosen:
        """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""
    @overload
    def max(self, other: Tensor) -> Tensor:
        """The greatest element; with dim (values, indices) along it; with a second tensor the greater of the two."""

    def maximum(self, other: Tensor) -> Tensor:
        """The greater of the two; NaN if one is NaN. Equal operands share the gradient evenly."""

    def mean(self, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """Σ input / n along dim; NaN where n is 0. RuntimeError for integers, whose mean is none."""

    @overload
    def median(self) -> Tensor:
        """The middle element in order, the lower one of two; with dim (values, indices) along it. NaN if there is one."""
    @overload
    def median(self, dim: builtins.int, keepdim: builtins.bool = False) -> Chosen:
        """The middle element in order, the lower one of two; with dim (values, indices) along it. NaN if there is one."""

    @overload
    def min(self) -> Tensor:
        """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""
    @overload
    def min(self, dim: builtins.int, keepdim: builtins.bool = False) -> Chosen:
        """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""
    @overload
    def min(self, other: Tensor) -> Tensor:
        """The smallest element; with dim (values, indices) along it; with a second tensor the smaller of the two."""

    def minimum(self, other: Tensor) -> Tensor:
        """The smaller of the two; NaN if one is NaN. Equal operands share the gradient evenly."""

    def mm(self, mat2: Tensor) -> Tensor:
        """input @ mat2: (N, K) (K, M) -> (N, M)."""

    def mode(self, dim: builtins.int = -1, keepdim: builtins.bool = False) -> Chosen:
        """The most frequent element along dim, the smallest of several, as (values, indices): where it stands last."""

    def moveaxis(self, source: Axis, destination: Axis) -> Tensor:
        """The axes `source` become the axes `destination`, the others keep their order."""

    def movedim(self, source: Axis, destination: Axis) -> Tensor:
        """The axes `source` become the axes `destination`, the others keep their order."""

    def msort(self) -> Tensor:
        """The values of `sort` along the first axis."""

    def mul(self, other: Tensor | Number) -> Tensor:
        """input · other."""

    def mul_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `mul`."""

    def multinomial(self, num_samples: builtins.int, replacement: builtins.bool = False, *, generator: Generator | None = None, out: Tensor | None = None) -> Tensor:
        """Numbers of columns, drawn for each row with the weights that stand in it: (C,) or (N, C) -> (..., num_samples)."""

    def multiply(self, other: Tensor | Number) -> Tensor:
        """input · other."""

    def multiply_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `multiply`."""

    def mv(self, vec: Tensor) -> Tensor:
        """input @ vec: (N, K) (K,) -> (N,)."""

    def mvlgamma(self, p: builtins.int) -> Tensor:
        """The logarithm of the gamma function in p dimensions: p·(p - 1)/4·ln π + Σ lgamma(input - i/2) over i < p."""

    def mvlgamma_(self, p: builtins.int) -> Self:
        """In place: the tensor becomes its `mvlgamma`."""

    def nan_to_num(self, nan: builtins.float = 0.0, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Tensor:
        """NaN replaced by `nan`, the infinities by `posinf` and `neginf` (default: the largest finite numbers)."""

    def nan_to_num_(self, nan: builtins.float = 0.0, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Self:
        """In place: the tensor becomes its `nan_to_num`."""

    def nanmean(self, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """The mean along dim of what is not NaN."""

    @overload
    def nanmedian(self) -> Tensor:
        """`median` of what is not NaN; NaN where nothing else is there."""
    @overload
    def nanmedian(self, dim: builtins.int, keepdim: builtins.bool = False) -> Chosen:
        """`median` of what is not NaN; NaN where nothing else is there."""

    def nanquantile(self, q: builtins.float | Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: builtins.str = 'linear') -> Tensor:
        """`quantile` of what is not NaN; NaN where nothing else is there."""

    def nansum(self, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """The sum along dim, NaN counted as 0."""

    def narrow(self, dim: builtins.int, start: builtins.int, length: builtins.int) -> Tensor:
        """The `length` elements from `start` on along axis dim. A view."""

    def narrow_copy(self, dim: builtins.int, start: builtins.int, length: builtins.int) -> Tensor:
        """A copy of `narrow`."""

    @property
    def nbytes(self) -> builtins.int:
        """Bytes of all elements."""

    @property
    def ndim(self) -> builtins.int:
        """The number of axes."""

    def ndimension(self) -> builtins.int:
        """The number of axes."""

    def ne(self, other: Tensor | Number) -> Tensor:
        """input != other."""

    def ne_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `ne`."""

    def neg(self) -> Tensor:
        """-input."""

    def neg_(self) -> Self:
        """In place: the tensor becomes its `neg`."""

    def negative(self) -> Tensor:
        """-input."""

    def negative_(self) -> Self:
        """In place: the tensor becomes its `negative`."""

    def nelement(self) -> builtins.int:
        """The number of elements."""

    def new(self, *data: Any, **named: Any) -> Tensor:
        """A tensor of these sizes, or of this data, in the dtype of self."""

    def new_empty(self, *args: Any, dtype: DType | None = None, **kwargs: Any) -> Tensor:
        """`empty`, by default in the dtype of self."""

    def new_empty_strided(self, size: Sequence[builtins.int], stride: Sequence[builtins.int], dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """`empty_strided` in the dtype of input."""

    def new_full(self, *args: Any, dtype: DType | None = None, **kwargs: Any) -> Tensor:
        """`full`, by default in the dtype of self."""

    def new_ones(self, *args: Any, dtype: DType | None = None, **kwargs: Any) -> Tensor:
        """`ones`, by default in the dtype of self."""

    def new_tensor(self, data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """A tensor of this data, in the dtype of self."""

    def new_zeros(self, *args: Any, dtype: DType | None = None, **kwargs: Any) -> Tensor:
        """`zeros`, by default in the dtype of self."""

    def nextafter(self, other: Tensor) -> Tensor:
        """The next number that the dtype has after input, on the way to other."""

    def nextafter_(self, other: Tensor) -> Self:
        """In place: the tensor becomes its `nextafter`."""

    @overload
    def nonzero(self, *, as_tuple: Literal[False] = False) -> Tensor:
        """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""
    @overload
    def nonzero(self, *, as_tuple: Literal[True]) -> builtins.tuple[Tensor, ...]:
        """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""
    @overload
    def nonzero(self, *, as_tuple: builtins.bool = False) -> Any:
        """The places that are not zero, (n, ndim) int64; with as_tuple, one vector per axis, ready to index with."""

    def nonzero_static(self, *, size: builtins.int, fill_value: builtins.int = -1) -> Tensor:
        """The first `size` rows of `nonzero`, with rows of fill_value behind them where there are fewer."""

    def norm(self, p: builtins.float | builtins.str | None = 'fro', dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """(Σ |input|^p)^(1/p) along dim, of all elements without it; "fro" is p = 2, "nuc" the sum of singular values."""

    def normal_(self, mean: builtins.float = 0, std: builtins.float = 1, *, generator: Generator | None = None) -> Tensor:
        """In place: normal random numbers."""

    def not_equal(self, other: Tensor | Number) -> Tensor:
        """input != other."""

    def not_equal_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `not_equal`."""

    def numel(self) -> builtins.int:
        """The number of elements."""

    def numpy(self, *, force: builtins.bool = False) -> np.ndarray:
        """The array itself, on the same memory: a change of one is a change of the other."""

    def outer(self, vec2: Tensor) -> Tensor:
        """Each element with each: (N,) (M,) -> (N, M)."""

    @property
    def output_nr(self) -> builtins.int:
        """Which output of its `grad_fn` this is."""

    @overload
    def permute(self, dims: Sequence[builtins.int]) -> Tensor:
        """Axis i of the result is axis dims[i] of the input."""
    @overload
    def permute(self, *dims: builtins.int) -> Tensor:
        """Axis i of the result is axis dims[i] of the input."""

    def pin_memory(self) -> Tensor:
        """Itself: there is no device to copy it to."""

    def pinverse(self, rcond: builtins.float = 1e-15) -> Tensor:
        """Moore and Penrose's inverse, as `linalg.pinv` with rtol=rcond: (B, M, N) -> (B, N, M)."""

    def polygamma(self, n: builtins.int) -> Tensor:
        """`tinygrad_cnn.polygamma(n, input)`: the n-th derivative of digamma."""

    def polygamma_(self, n: builtins.int) -> Self:
        """In place: the tensor becomes its `polygamma`."""

    def positive(self) -> Tensor:
        """input itself. RuntimeError for bool."""

    def pow(self, exponent: Tensor | Number) -> Tensor:
        """input ** exponent; 0 ** 0 is 1, and a negative number to a fraction NaN."""

    def pow_(self, exponent: Tensor | Number) -> Self:
        """In place: the tensor becomes its `pow`."""

    def prelu(self, weight: Tensor) -> Tensor:
        """input where it is positive, else weight · input        (N, C, ...), (C,) or (1,) -> (N, C, ...)"""

    def prod(self, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """Π input along one axis, or of all elements. The gradient is right where elements are 0."""

    def put(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """input, seen as a vector, with source at the places that index names; with accumulate it is added there."""

    def put_(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Self:
        """In place: the tensor becomes its `put`."""

    def qr(self, some: builtins.bool = True) -> QR:
        """Q and R of input = Q R, with all columns of Q unless some: deprecated, as in PyTorch, for `linalg.qr`."""

    def quantile(self, q: builtins.float | Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, interpolation: builtins.str = 'linear') -> Tensor:
        """The element that a share q of all along dim is below: number q·(n - 1) in order, of all elements without dim."""

    def rad2deg(self) -> Tensor:
        """input · 180 / π."""

    def rad2deg_(self) -> Self:
        """In place: the tensor becomes its `rad2deg`."""

    def random_(self, from_: builtins.int | None = None, to: builtins.int | None = None, *, generator: Generator | None = None) -> Tensor:
        """In place: random integers from ≤ i < to; random_(to) begins at 0."""

    def ravel(self) -> Tensor:
        """All elements along one axis; a view where they lie in memory in their order, else a copy."""

    def reciprocal(self) -> Tensor:
        """1 / input."""

    def reciprocal_(self) -> Self:
        """In place: the tensor becomes its `reciprocal`."""

    def register_hook(self, hook: Callable) -> Handle:
        """Call `hook(grad)` whenever this tensor's gradient is computed; what it returns replaces the gradient."""

    def register_post_accumulate_grad_hook(self, hook: Callable) -> Handle:
        """Call `hook(tensor)` after a gradient was added to `.grad` of this leaf."""

    def relu(self) -> Tensor:
        """max(input, 0)."""

    def relu_(self) -> Self:
        """In place: the tensor becomes its `relu`."""

    def remainder(self, other: Tensor | Number) -> Tensor:
        """input - other · ⌊input / other⌋: the sign is that of other, as `%`."""

    def remainder_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `remainder`."""

    def renorm(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor:
        """input, where each slice along dim whose p-norm is greater than maxnorm is scaled down to it."""

    def renorm_(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Self:
        """In place: the tensor becomes its `renorm`."""

    @overload
    def repeat(self, repeats: Shape) -> Tensor:
        """The tensor repeats[i] times along axis i; more repeats than axes make new axes in front. A copy."""
    @overload
    def repeat(self, *repeats: builtins.int) -> Tensor:
        """The tensor repeats[i] times along axis i; more repeats than axes make new axes in front. A copy."""

    def repeat_interleave(self, repeats: builtins.int | Tensor, dim: builtins.int | None = None, *, output_size: builtins.int | None = None) -> Tensor:
        """Each slice of axis dim repeated, one behind the other: by one number, or by a number for each."""

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Set `requires_grad` in place."""

    @overload
    def reshape(self, shape: Sequence[builtins.int]) -> Tensor:
        """The same elements in the same order, in another shape; one -1 stands for whatever is left."""
    @overload
    def reshape(self, *shape: builtins.int) -> Tensor:
        """The same elements in the same order, in another shape; one -1 stands for whatever is left."""

    def reshape_as(self, other: Tensor) -> Tensor:
        """`input.reshape(other.shape)`."""

    def resize_(self, *sizes: Any, memory_format: Any = None) -> Tensor:
        """In place: another shape, of the elements that lie behind its first one in memory, as they lie there."""

    def resize_as_(self, the_template: Tensor, memory_format: Any = None) -> Tensor:
        """`resize_` to the shape of another tensor."""

    def resolve_conj(self) -> Tensor:
        """input itself: a real number is its own conjugate."""

    def resolve_neg(self) -> Tensor:
        """input itself: a real number is its own conjugate."""

    def retain_grad(self) -> None:
        """Keep the gradient in `.grad` as for a leaf."""

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether `.grad` is kept though this is no leaf."""

    def roll(self, shifts: Axis, dims: Axis | None = None) -> Tensor:
        """Shifted along axes; what leaves at the end comes in at the start. Without dims, as if it were one axis."""

    def rot90(self, k: builtins.int = 1, dims: Sequence[builtins.int] = ...) -> Tensor:
        """Turned by k · 90 degrees, from axis dims[0] towards axis dims[1]."""

    def round(self, decimals: builtins.int = 0) -> Tensor:
        """The nearest integer, or multiple of 10^-decimals; from the middle to the even one."""

    def round_(self, decimals: builtins.int = 0) -> Self:
        """In place: the tensor becomes its `round`."""

    def rsqrt(self) -> Tensor:
        """1 / √input."""

    def rsqrt_(self) -> Self:
        """In place: the tensor becomes its `rsqrt`."""

    def scatter(self, dim: builtins.int, index: Tensor, src: Tensor | Number | None = None, *, value: Number | None = None, reduce: builtins.str | None = None) -> Tensor:
        """input with out[index[i][j]][j] = src[i][j] for dim=0, out[i][index[i][j]] = src[i][j] for dim=1."""

    def scatter_(self, dim: builtins.int, index: Tensor, src: Tensor | Number | None = None, *, value: Number | None = None, reduce: builtins.str | None = None) -> Self:
        """In place: the tensor becomes its `scatter`."""

    def scatter_add(self, dim: builtins.int, index: Tensor, src: Tensor | Number) -> Tensor:
        """`scatter` that adds: what comes to one place adds up."""

    def scatter_add_(self, dim: builtins.int, index: Tensor, src: Tensor | Number) -> Self:
        """In place: the tensor becomes its `scatter_add`."""

    def scatter_reduce(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True) -> Tensor:
        """out[index[i][j]][j] is the sum (prod, mean, amax, amin) of input there and of all src[i][j] that come to it."""

    def scatter_reduce_(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: builtins.str, *, include_self: builtins.bool = True) -> Self:
        """In place: the tensor becomes its `scatter_reduce`."""

    def select(self, dim: builtins.int, index: builtins.int) -> Tensor:
        """Slice number `index` of axis dim, without that axis. A view."""

    def select_scatter(self, src: Tensor, dim: builtins.int, index: builtins.int) -> Tensor:
        """input with slice number `index` of axis dim replaced by src, which has the shape of the slice."""

    def sgn(self) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""

    def sgn_(self) -> Self:
        """In place: the tensor becomes its `sgn`."""

    @property
    def shape(self) -> Size:
        """The lengths of the axes."""

    def short(self, memory_format: Any = None) -> Tensor:
        """In dtype int16; itself where it is that already."""

    def sigmoid(self) -> Tensor:
        """1 / (1 + e^-input)."""

    def sigmoid_(self) -> Self:
        """In place: the tensor becomes its `sigmoid`."""

    def sign(self) -> Tensor:
        """-1, 0 or 1; 0 for NaN."""

    def sign_(self) -> Self:
        """In place: the tensor becomes its `sign`."""

    def signbit(self) -> Tensor:
        """Its sign is minus, also that of -0.0."""

    def sin(self) -> Tensor:
        """sin(input)."""

    def sin_(self) -> Self:
        """In place: the tensor becomes its `sin`."""

    def sinc(self) -> Tensor:
        """sin(π·input) / (π·input), and 1 at 0."""

    def sinc_(self) -> Self:
        """In place: the tensor becomes its `sinc`."""

    def sinh(self) -> Tensor:
        """(e^input - e^-input) / 2."""

    def sinh_(self) -> Self:
        """In place: the tensor becomes its `sinh`."""

    @overload
    def size(self) -> Size:
        """The shape, or the length of one axis."""
    @overload
    def size(self, dim: builtins.int) -> builtins.int:
        """The shape, or the length of one axis."""

    def slice_scatter(self, src: Tensor, dim: builtins.int = 0, start: builtins.int | None = None, end: builtins.int | None = None, step: builtins.int = 1) -> Tensor:
        """input with the slices start, start + step, ... below end of axis dim replaced by src."""

    def slogdet(self) -> SLogDet:
        """The sign of the determinant and the logarithm of its magnitude, as `linalg.slogdet`: (B, N, N) -> (B), (B)."""

    def softmax(self, dim: builtins.int, dtype: DType | None = None) -> Tensor:
        """exp(input) / Σ exp(input) along dim        any shape -> the same"""

    def solve(self, **kwargs: Any) -> Any:
        """Refused, as in PyTorch, which has removed it: use linalg.solve, whose first argument is the matrix."""

    def sort(self, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = False) -> Chosen:
        """The elements along dim in order, as (values, indices)."""

    def split(self, split_size_or_sections: Shape, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """Parts of one length along axis dim, the last may be shorter; or of the lengths in a list. Views."""

    def split_with_sizes(self, split_sizes: Sequence[builtins.int], dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """Parts of these lengths along axis dim, one behind the other; views."""

    def sqrt(self) -> Tensor:
        """√input."""

    def sqrt_(self) -> Self:
        """In place: the tensor becomes its `sqrt`."""

    def square(self) -> Tensor:
        """input²."""

    def square_(self) -> Self:
        """In place: the tensor becomes its `square`."""

    def squeeze(self, dim: Axis | None = None) -> Tensor:
        """Without the axes of length 1: all, or those named; a named axis of another length stays."""

    def squeeze_(self, dim: Axis | None = None) -> Self:
        """In place: the tensor itself gets the shape of its `squeeze`."""

    def std(self, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor:
        """√var: the standard deviation along dim."""

    def storage(self) -> Storage:
        """The memory that it lies in, as elements of its dtype. PyTorch means to give it up, and a UserWarning says so."""

    def storage_offset(self) -> builtins.int:
        """How many elements into the memory that it shares the tensor begins."""

    @overload
    def stride(self) -> builtins.tuple[builtins.int, ...]:
        """How many elements apart in memory neighbours along each axis (or one) lie."""
    @overload
    def stride(self, dim: builtins.int) -> builtins.int:
        """How many elements apart in memory neighbours along each axis (or one) lie."""

    def sub(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor:
        """input - alpha · other."""

    def sub_(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `sub`."""

    def subtract(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor:
        """input - alpha · other."""

    def subtract_(self, other: Tensor | Number, *, alpha: builtins.float = 1) -> Self:
        """In place: the tensor becomes its `subtract`."""

    def sum(self, dim: Axis | None = None, keepdim: builtins.bool = False, dtype: DType | None = None) -> Tensor:
        """Σ input along dim."""

    @overload
    def sum_to_size(self, size: Shape) -> Tensor:
        """The sum over the axes along which `size` would be expanded to the shape of input."""
    @overload
    def sum_to_size(self, *size: builtins.int) -> Tensor:
        """The sum over the axes along which `size` would be expanded to the shape of input."""

    def svd(self, some: builtins.bool = True, compute_uv: builtins.bool = True) -> SVDWithV:
        """U, S and V with input = U diag(S) Vᵀ: as `linalg.svd`, but the last is not transposed, and short unless not some."""

    def swapaxes(self, axis0: builtins.int, axis1: builtins.int) -> Tensor:
        """`transpose`, under NumPy's name."""

    def swapaxes_(self, axis0: builtins.int, axis1: builtins.int) -> Self:
        """In place: the tensor itself gets the shape of its `swapaxes`."""

    def swapdims(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """`transpose`."""

    def swapdims_(self, dim0: builtins.int, dim1: builtins.int) -> Self:
        """In place: the tensor itself gets the shape of its `swapdims`."""

    def symeig(self, **kwargs: Any) -> Any:
        """Refused, as in PyTorch, which has removed it: use linalg.eigh."""

    def t(self) -> Tensor:
        """The transposed matrix; a vector and a number stay as they are."""

    def t_(self) -> Self:
        """In place: the tensor itself gets the shape of its `t`."""

    def take(self, index: Tensor) -> Tensor:
        """The elements at these places of the flattened input, in the shape of index."""

    def take_along_dim(self, indices: Tensor, dim: builtins.int | None = None) -> Tensor:
        """`gather`, where the axes other than dim broadcast; without dim, of all elements in a row. -1 is the last."""

    def tan(self) -> Tensor:
        """tan(input)."""

    def tan_(self) -> Self:
        """In place: the tensor becomes its `tan`."""

    def tanh(self) -> Tensor:
        """sinh(input) / cosh(input)."""

    def tanh_(self) -> Self:
        """In place: the tensor becomes its `tanh`."""

    def tensor_split(self, indices_or_sections: Shape | Tensor, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """That many parts of lengths that differ by at most 1; or parts that begin at the given places. Views."""

    @overload
    def tile(self, dims: Sequence[builtins.int]) -> Tensor:
        """`repeat`, where missing repeats in front are 1."""
    @overload
    def tile(self, *dims: builtins.int) -> Tensor:
        """`repeat`, where missing repeats in front are 1."""

    def to(self, *args: Any, dtype: DType | None = None, device: Any = None, non_blocking: builtins.bool = False, copy: builtins.bool = False, memory_format: Any = None) -> Tensor:
        """`to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)`: converted; itself where nothing is to do."""

    def tolist(self) -> Any:
        """The elements as Python numbers, in lists of lists."""

    def topk(self, k: builtins.int, dim: builtins.int = -1, largest: builtins.bool = True, sorted: builtins.bool = True) -> Chosen:
        """The k largest (or smallest) elements along dim, in order, as (values, indices)."""

    def trace(self) -> Tensor:
        """The sum of the main diagonal of a matrix."""

    def transpose(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """The axes dim0 and dim1 change places."""

    def transpose_(self, dim0: builtins.int, dim1: builtins.int) -> Self:
        """In place: the tensor itself gets the shape of its `transpose`."""

    def triangular_solve(self, A: Tensor, upper: builtins.bool = True, transpose: builtins.bool = False, unitriangular: builtins.bool = False) -> TriangularSolution:
        """X of A X = input for a triangular A, and a copy of A: deprecated, as in PyTorch, for `linalg.solve_triangular`."""

    def tril(self, diagonal: builtins.int = 0) -> Tensor:
        """The lower triangle of each matrix, zeros above; `diagonal` counts upwards from the main one."""

    def tril_(self, diagonal: builtins.int = 0) -> Self:
        """In place: the tensor becomes its `tril`."""

    def triu(self, diagonal: builtins.int = 0) -> Tensor:
        """The upper triangle of each matrix, zeros below; `diagonal` counts upwards from the main one."""

    def triu_(self, diagonal: builtins.int = 0) -> Self:
        """In place: the tensor becomes its `triu`."""

    def true_divide(self, other: Tensor | Number) -> Tensor:
        """input / other, in floating numbers."""

    def true_divide_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `true_divide`."""

    def trunc(self) -> Tensor:
        """The integer part: rounded towards zero."""

    def trunc_(self) -> Self:
        """In place: the tensor becomes its `trunc`."""

    @overload
    def type(self) -> builtins.str:
        """Converted to this dtype; without one, the name of the type. Scripts compare it, so it begins with "torch"."""
    @overload
    def type(self, dtype: DType, non_blocking: builtins.bool = False) -> Tensor:
        """Converted to this dtype; without one, the name of the type. Scripts compare it, so it begins with "torch"."""

    def type_as(self, other: Tensor) -> Tensor:
        """In the dtype of other; itself where it is that already."""

    def unbind(self, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """The slices along axis dim, without that axis: what iteration gives. Views."""

    def unflatten(self, dim: builtins.int, sizes: Sequence[builtins.int]) -> Tensor:
        """Several axes of these sizes in place of axis dim; one of them may be -1."""

    def unfold(self, dimension: builtins.int, size: builtins.int, step: builtins.int) -> Tensor:
        """All windows of `size` elements along an axis, `step` apart; the elements of a window are the new last axis."""

    def uniform_(self, from_: builtins.float = 0, to: builtins.float = 1, *, generator: Generator | None = None, **named: builtins.float) -> Tensor:
        """In place: random numbers from ≤ x < to, all equally likely."""

    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: builtins.int | None = None) -> Tensor:
        """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
    @overload
    def unique(self, sorted: builtins.bool = True, *, return_inverse: Literal[True], return_counts: builtins.bool = False, dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
        """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: builtins.bool = False, *, return_counts: Literal[True], dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
        """The different elements in order; with return_inverse where each went, with return_counts how many there are."""
    @overload
    def unique(self, sorted: builtins.bool = True, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
        """The different elements in order; with return_inverse where each went, with return_counts how many there are."""

    @overload
    def unique_consecutive(self, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: builtins.int | None = None) -> Tensor:
        """The elements without those that equal the one before; return_inverse: where each went."""
    @overload
    def unique_consecutive(self, *, return_inverse: Literal[True], return_counts: builtins.bool = False, dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
        """The elements without those that equal the one before; return_inverse: where each went."""
    @overload
    def unique_consecutive(self, return_inverse: builtins.bool = False, *, return_counts: Literal[True], dim: builtins.int | None = None) -> builtins.tuple[Tensor, ...]:
        """The elements without those that equal the one before; return_inverse: where each went."""
    @overload
    def unique_consecutive(self, return_inverse: builtins.bool = False, return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
        """The elements without those that equal the one before; return_inverse: where each went."""

    def unsafe_chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """`chunk`."""

    def unsafe_split(self, split_size: builtins.int, dim: builtins.int = 0) -> builtins.tuple[Tensor, ...]:
        """`split`."""

    def unsqueeze(self, dim: builtins.int) -> Tensor:
        """With a new axis of length 1, which becomes axis dim."""

    def unsqueeze_(self, dim: builtins.int) -> Self:
        """In place: the tensor itself gets the shape of its `unsqueeze`."""

    def untyped_storage(self) -> Storage:
        """The memory that it lies in, as bytes."""

    def var(self, dim: Axis | builtins.bool | None = None, unbiased: builtins.bool | None = None, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor:
        """Σ (input - mean)² / (n - correction) along dim. unbiased=False is correction=0; the default is 1."""

    def vdot(self, other: Tensor) -> Tensor:
        """Σ input · other of two vectors, as `dot`: the numbers are real."""

    def view(self, *shape: Any, size: Any = None, dtype: DType | None = None) -> Tensor:
        """`view(2, -1)`: the same elements in another shape. `view(dtype)`: the same memory as numbers of another dtype."""

    def view_as(self, other: Tensor) -> Tensor:
        """`input.view(other.shape)`."""

    def vsplit(self, indices_or_sections: Shape) -> builtins.tuple[Tensor, ...]:
        """So many equal parts along axis 0, or parts that begin at the given places. Views."""

    def where(self, condition: Tensor, other: Tensor | Number) -> Tensor:
        """self where condition, else other."""

    def xlogy(self, other: Tensor | Number) -> Tensor:
        """input · ln(other), and 0 where input is 0 (unless other is NaN)."""

    def xlogy_(self, other: Tensor | Number) -> Self:
        """In place: the tensor becomes its `xlogy`."""

    def zero_(self) -> Tensor:
        """In place: every element becomes 0."""
