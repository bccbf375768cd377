"""A distribution of what functions make of the values of another."""

from __future__ import annotations

from typing import Any

from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .independent import Independent, sum_rightmost
from .transforms import ComposeTransform, Transform


class TransformedDistribution(Distribution):
    """y = f(x) with x of the base distribution: ln p(y) = ln p(x) - ln |dy/dx|, for a transform or a list of them.

    >>> import tinygrad_cnn as tg
    >>> from tinygrad_cnn.distributions import AffineTransform, Normal
    >>> d = tg.distributions.TransformedDistribution(Normal(0.0, 1.0), [AffineTransform(loc=3.0, scale=2.0)])
    >>> d.log_prob(tg.tensor(4.0)).item() == Normal(3.0, 2.0).log_prob(tg.tensor(4.0)).item()
    True
    """

    arg_constraints: dict[str, Any] = {}

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None):
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(f"TransformedDistribution: transforms must be a Transform or a list, got {transforms!r}")
        both = ComposeTransform(self.transforms)
        events = len(base_distribution.event_shape)
        if events + len(base_distribution.batch_shape) < both.domain.event_dim:
            raise ValueError(
                f"TransformedDistribution: {base_distribution} must have at least {both.domain.event_dim} axes for "
                f"{self.transforms}"
            )
        if both.domain.event_dim > events:
            base_distribution = Independent(base_distribution, both.domain.event_dim - events)
        self.base_dist = base_distribution
        whole = base_distribution.batch_shape + base_distribution.event_shape
        event_dim = max(both.codomain.event_dim, events + both.codomain.event_dim - both.domain.event_dim)
        super().__init__(whole[: len(whole) - event_dim], whole[len(whole) - event_dim :], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = object.__new__(type(self)) if _instance is None else _instance
        shape = (*batch_shape, *self._event_shape)
        inner = len(self.base_dist.event_shape)
        TransformedDistribution.__init__(
            new, self.base_dist.expand(shape[: len(shape) - inner]), self.transforms, self._checks
        )
        return new

    @property
    def has_rsample(self) -> Any:  # type: ignore[override]
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:  # type: ignore[override]
        if not self.transforms:
            return self.base_dist.support
        found, events = self.transforms[-1].codomain, len(self._event_shape)
        return constraints.independent(found, events - found.event_dim) if events > found.event_dim else found

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            return ComposeTransform(self.transforms)(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return ComposeTransform(self.transforms)(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._checked(value)
        events, total, y = len(self._event_shape), 0.0, value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            events += transform.domain.event_dim - transform.codomain.event_dim
            moved = transform.log_abs_det_jacobian(x, y)
            total = total - sum_rightmost(moved, events - transform.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), events - len(self.base_dist.event_shape))

    def _of_rising(self, value: Any) -> Any:
        """A probability, of at most or of at least, as the transforms rise or fall."""
        sign = ComposeTransform(self.transforms).sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Any) -> Any:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        self._checked_base(value)
        return self._of_rising(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Any:
        return ComposeTransform(self.transforms)(self.base_dist.icdf(self._of_rising(value)))

    def _checked_base(self, value: Any) -> None:
        if self._checks:
            self.base_dist._validate_sample(value)
