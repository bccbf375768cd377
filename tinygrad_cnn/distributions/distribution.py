"""What all distributions have: shapes, checks, samples, and the names of what each may be asked for."""

from __future__ import annotations

import warnings
from typing import Any

from ..arrays.lines import user_level
from ..arrays.size import Size
from ..autograd.grad_mode import no_grad
from ..engine.tensor import Tensor
from ..ops.unary import exp, sqrt
from . import constraints
from .utils import lazy_property


class Distribution:
    """Chances of events. batch_shape: of how many distributions, each on its own; event_shape: of one event.

    A sample has the shape sample_shape + batch_shape + event_shape, and `log_prob` of it the first two. rsample gives
    samples that follow the parameters, so that gradients flow to them, where has_rsample. ValueError for parameters
    outside of `arg_constraints`, and for values outside of `support`, unless validate_args is False.

    >>> import tinygrad_cnn as tg
    >>> d = tg.distributions.Normal(tg.zeros(3), tg.ones(3))
    >>> d.batch_shape, d.event_shape, d.sample((2,)).shape
    ((3,), (), (2, 3))
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: dict[str, Any] = {}
    support: Any = None
    _checks = True

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._checks = validate_args
        if self._checks:
            for name, constraint in self.arg_constraints.items():
                later = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
                if later or constraints.is_dependent(constraint):
                    continue
                value = getattr(self, name)
                if not constraint.check(value).all():
                    raise ValueError(
                        f"{type(self).__name__}: expected parameter {name} of shape {tuple(value.shape)} to satisfy "
                        f"the constraint {constraint!r}, but found invalid values: {value.detach()}"
                    )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check what they are given, unless they are told themselves."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected a bool, got {value!r}")
        Distribution._checks = value

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`: an older name, with PyTorch's warning."""
        warnings.warn("sample_n(n) will be deprecated. Use .sample((n,)) instead", UserWarning, stacklevel=user_level())
        return self.sample((n,))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution for another batch_shape, to which its parameters broadcast."""
        batch_shape = Size(batch_shape)
        new = object.__new__(type(self)) if _instance is None else _instance
        for name, value in self.__dict__.items():
            if name in self.arg_constraints:
                events = getattr(self.arg_constraints[name], "event_dim", 0)
                new.__dict__[name] = value.expand((*batch_shape, *value.shape[value.ndim - events :]))
            elif not isinstance(getattr(type(self), name, None), lazy_property):
                new.__dict__[name] = value
        new._batch_shape = batch_shape
        return new

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    def _missing(self, name: str) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: {name} is not implemented")

    @property
    def mean(self) -> Any:
        return self._missing("mean")

    @property
    def mode(self) -> Any:
        return self._missing("mode")

    @property
    def variance(self) -> Any:
        return self._missing("variance")

    @property
    def stddev(self) -> Any:
        return sqrt(self.variance)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Drawn values, without a history."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Drawn values as a function of the parameters."""
        return self._missing("rsample")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of values, or of its density."""
        return self._missing("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most these values."""
        return self._missing("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The values whose `cdf` is given."""
        return self._missing("icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first axis."""
        return self._missing("enumerate_support")

    def entropy(self) -> Tensor:
        """The mean of -log_prob."""
        return self._missing("entropy")

    def perplexity(self) -> Tensor:
        """e to the entropy."""
        return exp(self.entropy())

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _values(self, counted: Tensor, expand: bool) -> Tensor:
        """Values along a new first axis, for the whole batch or to broadcast with it."""
        n = len(self._batch_shape)
        counted = counted.reshape((-1,) + (1,) * n + self._event_shape)
        return counted.expand((-1, *self._batch_shape, *self._event_shape)) if expand else counted

    def _validate_sample(self, value: Any) -> None:
        """Raise a ValueError unless these are values that the distribution may take."""
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: the value argument to log_prob must be a Tensor, got {type(value).__name__}")
        whole, given = self._batch_shape + self._event_shape, tuple(value.shape)
        events = len(self._event_shape)
        if given[len(given) - events :] != self._event_shape:
            raise ValueError(f"{name}: the last axes of a value must be {self._event_shape}, got shape {given}")
        if any(i != j and 1 not in (i, j) for i, j in zip(reversed(given), reversed(whole))):
            raise ValueError(f"{name}: shape {given} of a value does not broadcast with {tuple(whole)}")
        try:
            support = self.support
        except NotImplementedError:
            return
        if support is not None and not support.check(value).all():
            raise ValueError(
                f"{name}: expected a value within the support {support!r}, but found invalid values: {value.detach()}"
            )

    def _checked(self, value: Any) -> None:
        if self._checks:
            self._validate_sample(value)

    def __repr__(self) -> str:
        given = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        shown = ", ".join(f"{n}: {v.item() if v.numel() == 1 else tuple(v.shape)}" for n, v in given.items())
        return f"{type(self).__name__}({shown})"


class ExponentialFamily(Distribution):
    """Distributions whose density is e to a sum of statistics times natural parameters."""
