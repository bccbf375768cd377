"""Functions that have an inverse, and the logarithm of how much they stretch: what densities are carried along by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops.activation import sigmoid, softplus
from ..ops.choice import clamp
from ..ops.circular import atanh, tanh
from ..ops.reduce import sum
from ..ops.unary import abs, exp, expm1, log, log1p
from ..surface.creation import zeros
from . import constraints
from .independent import sum_rightmost
from .utils import finfo


class Transform:
    """y = transform(x), x = transform.inv(y), and transform.log_abs_det_jacobian(x, y), ln |dy/dx|.

    domain and codomain are constraints; their event_dim says how many of the last axes the derivative is summed over.
    """

    bijective = False
    domain: Any = constraints.real
    codomain: Any = constraints.real
    _inverse: Any = None

    def __init__(self, cache_size: int = 0):
        self._cache_size = cache_size

    @property
    def inv(self) -> Any:
        return _Inverse(self)

    @property
    def sign(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: sign is not implemented")

    def __call__(self, x: Any) -> Any:
        return self._call(x)

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: the transform is not implemented")

    def _invert(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: the inverse is not implemented")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: log_abs_det_jacobian is not implemented")

    def forward_shape(self, shape: Any) -> Any:
        return shape

    inverse_shape = forward_shape

    def __eq__(self, other: Any) -> bool:
        return self is other or (type(self) is type(other) and vars(self) == vars(other))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    """A transform the other way round."""

    def __init__(self, transform: Transform):
        super().__init__()
        self.bijective = transform.bijective
        self.domain, self.codomain, self._inverse = transform.codomain, transform.domain, transform

    @property
    def inv(self) -> Any:
        return self._inverse

    @property
    def sign(self) -> Any:
        return self._inverse.sign

    def _call(self, x: Any) -> Any:
        return self._inverse._invert(x)

    def _invert(self, y: Any) -> Any:
        return self._inverse._call(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inverse.log_abs_det_jacobian(y, x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inverse})"


class ComposeTransform(Transform):
    """Several transforms, the first one first.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.distributions.transforms import AffineTransform, ExpTransform
    >>> both = ComposeTransform([AffineTransform(0.0, 2.0), ExpTransform()])
    >>> both(tg.tensor(0.0)).item(), both.inv(tg.tensor(1.0)).item()
    (1.0, 0.0)
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0):
        super().__init__(cache_size)
        self.parts = list(parts)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(part.bijective for part in self.parts)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        if not self.parts:
            return constraints.real
        first, needed = self.parts[0].domain, 0
        for part in reversed(self.parts):
            needed = max(needed + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        return constraints.independent(first, needed - first.event_dim) if needed > first.event_dim else first

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        if not self.parts:
            return constraints.real
        last, there = self.parts[-1].codomain, 0
        for part in self.parts:
            there = max(there + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return constraints.independent(last, there - last.event_dim) if there > last.event_dim else last

    @property
    def sign(self) -> Any:
        sign = 1
        for part in self.parts:
            sign = sign * part.sign
        return sign

    @property
    def inv(self) -> Any:
        return ComposeTransform([part.inv for part in reversed(self.parts)])

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        events, total = self.domain.event_dim, 0.0
        for part in self.parts:
            moved = part(x)
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, moved), events - part.domain.event_dim)
            events += part.codomain.event_dim - part.domain.event_dim
            x = moved
        return total if self.parts else zeros(x.shape, dtype=x.dtype)

    def __repr__(self) -> str:
        return f"ComposeTransform({self.parts})"


identity_transform = ComposeTransform([])


class ExpTransform(Transform):
    """y = e^x"""

    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Any) -> Any:
        return exp(x)

    def _invert(self, y: Any) -> Any:
        return log(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class PowerTransform(Transform):
    """y = x^exponent, for positive x"""

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0):
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        return self.exponent.sign() if hasattr(self.exponent, "sign") else (self.exponent > 0) - (self.exponent < 0)

    def _call(self, x: Any) -> Any:
        return x**self.exponent

    def _invert(self, y: Any) -> Any:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return log(abs(self.exponent * y / x))


class SigmoidTransform(Transform):
    """y = 1 / (1 + e^-x)"""

    codomain = constraints.unit_interval
    bijective = True
    sign = 1

    def _call(self, x: Any) -> Any:
        eps = finfo(x.dtype).eps
        return clamp(sigmoid(x), finfo(x.dtype).tiny, 1 - eps)

    def _invert(self, y: Any) -> Any:
        y = clamp(y, finfo(y.dtype).tiny, 1 - finfo(y.dtype).eps)
        return log(y) - log1p(-y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Transform):
    """y = ln(1 + e^x)"""

    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _invert(self, y: Any) -> Any:
        return log(-expm1(-y)) + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x)


class TanhTransform(Transform):
    """y = tanh x"""

    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = 1

    def _call(self, x: Any) -> Any:
        return tanh(x)

    def _invert(self, y: Any) -> Any:
        return atanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2 * (0.6931471805599453 - x - softplus(-2 * x))  # ln(1 - tanh² x), for x of any size


class AbsTransform(Transform):
    """y = |x|"""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return abs(x)

    def _invert(self, y: Any) -> Any:
        return y


class AffineTransform(Transform):
    """y = loc + scale · x; event_dim: how many of the last axes are one event."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain  # type: ignore[assignment]

    @property
    def sign(self) -> Any:
        return self.scale.sign() if hasattr(self.scale, "sign") else (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _invert(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        stretched = log(abs(zeros(x.shape, dtype=x.dtype) + self.scale))
        return sum(stretched, tuple(range(-self._event_dim, 0))) if self._event_dim else stretched
