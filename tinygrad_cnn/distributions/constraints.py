"""Where parameters and samples may lie: `constraint.check(value)` is a tensor of truth values, one for each event.

PyTorch's names: those of constraints without numbers are the constraints themselves, `greater_than(0)` makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.matrices import indefinite
from ..ops.rearrange import tril
from ..surface.creation import tensor


class Constraint:
    """event_dim: how many of the last axes are one value. is_discrete: whether values are counted."""

    is_discrete = False
    event_dim = 0

    def check(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: check is not implemented")

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={value}" for name, value in vars(self).items() if name[0] != "_")
        return f"{_in_capitals(type(self).__name__)}({numbers})"


def _in_capitals(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


class _Simple(Constraint):
    """A constraint that a function checks."""

    def __init__(self, name: str, check: Callable, event_dim: int = 0, is_discrete: bool = False):
        self._name, self._check, self.event_dim, self.is_discrete = name, check, event_dim, is_discrete

    def check(self, value: Any) -> Any:
        return self._check(value)

    def __repr__(self) -> str:
        return f"{_in_capitals(self._name)}()"


class _Dependent(Constraint):
    """A constraint that depends on the parameters of the distribution, so that it cannot be checked by itself."""

    def check(self, value: Any) -> Any:
        raise ValueError("constraints: cannot determine validity of a dependent constraint")


class dependent_property(property):
    """A constraint that a distribution works out from its parameters: a property, on an instance."""

    def __init__(self, fget: Any = None, *, is_discrete: bool = False, event_dim: int = 0):
        super().__init__(fget)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fget: Callable) -> Any:
        return dependent_property(fget, is_discrete=self.is_discrete, event_dim=self.event_dim)


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint can only be checked for a distribution."""
    return isinstance(constraint, _Dependent | dependent_property)


class independent(Constraint):
    """A constraint of each number, for all along the last axes: they hold together or not at all."""

    def __init__(self, base_constraint: Any, reinterpreted_batch_ndims: int):
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    def check(self, value: Any) -> Any:
        found = self.base_constraint.check(value)
        n = self.reinterpreted_batch_ndims
        if found.ndim < n:
            raise ValueError(f"independent: expected a value of at least {self.event_dim} axes, got {value.ndim}")
        return found.reshape((*found.shape[: found.ndim - n], -1)).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint}, {self.reinterpreted_batch_ndims})"


class greater_than(Constraint):
    def __init__(self, lower_bound: Any):
        self.lower_bound = lower_bound

    def check(self, value: Any) -> Any:
        return value > self.lower_bound


class greater_than_eq(greater_than):
    def check(self, value: Any) -> Any:
        return value >= self.lower_bound


class less_than(Constraint):
    def __init__(self, upper_bound: Any):
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return value < self.upper_bound


class interval(Constraint):
    def __init__(self, lower_bound: Any, upper_bound: Any):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class half_open_interval(interval):
    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class integer_interval(interval):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & super().check(value)


class integer_greater_than(greater_than_eq):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & super().check(value)


def _square(value: Any) -> Any:
    return tensor(value.shape[-2:-1] == value.shape[-1:]).expand(value.shape[:-2])


def _symmetric(value: Any) -> Any:
    return _square(value) & ((value - value.mT).abs() <= 1e-6).all(-2).all(-1)


def _definite(value: Any) -> Any:
    found = _symmetric(value)
    return found & tensor(indefinite(value.detach().numpy()) == 0) if found.all() else found


def _lower(value: Any) -> Any:
    return (tril(value) == value).reshape((*value.shape[:-2], -1)).all(-1)


dependent = _Dependent()
real = _Simple("real", lambda value: value == value)
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = _Simple("boolean", lambda value: (value == 0) | (value == 1), 0, True)
nonnegative_integer = integer_greater_than(0)
positive_integer = integer_greater_than(1)
simplex = _Simple("simplex", lambda value: (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6), 1)
one_hot = _Simple("one_hot", lambda v: ((v == 0) | (v == 1)).all(-1) & (v.sum(-1) == 1), 1, True)
square = _Simple("square", _square, 2)
symmetric = _Simple("symmetric", _symmetric, 2)
positive_definite = _Simple("positive_definite", _definite, 2)
lower_triangular = _Simple("lower_triangular", _lower, 2)
lower_cholesky = _Simple("lower_cholesky", lambda v: _lower(v) & (v.diagonal(0, -2, -1) > 0).all(-1), 2)
