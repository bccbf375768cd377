"""Tensors of a module that are computed from others: symmetric, orthogonal, of a norm, whatever a module makes.

`register_parametrization(layer, "weight", how)` moves the parameter to `layer.parametrizations.weight.original`, and
`layer.weight` is `how(original)` from then on, computed whenever it is asked for, with its gradient.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from ...autograd.grad_mode import no_grad
from ...engine.tensor import Tensor
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

M = TypeVar("M", bound=Module)

_blocks = 0  # how many `cached` blocks are open
_cache: dict[tuple[int, str], Tensor] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """A block in which each tensor is computed once, when it is first asked for.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.weight_norm(tg.nn.Linear(2, 2))
    >>> with tg.nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    >>> layer.weight is layer.weight
    False
    """
    global _blocks
    _blocks += 1
    try:
        yield
    finally:
        _blocks -= 1
        if not _blocks:
            _cache.clear()


def _keep(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _put(tensor: Tensor, value: Tensor) -> None:
    if value is not tensor:
        tensor.data = value.detach()


def _same(what: str, made: Any, wanted: Tensor) -> None:
    """Raise a ValueError where what a parametrization made has not the dtype and shape of the tensor."""
    if not isinstance(made, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(made).__name__}.")
    for name in ("dtype", "shape"):
        if getattr(made, name) != getattr(wanted, name):
            raise ValueError(
                f"{what} may not change the {name} of the tensor, unless unsafe=True: it was {getattr(wanted, name)}, "
                f"it would be {getattr(made, name)}"
            )


class ParametrizationList(ModuleList):
    """What a tensor is computed from, `original` or `original0`, `original1`, ..., and the modules that do it.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.weight_norm(tg.nn.Linear(3, 2))
    >>> type(layer.parametrizations.weight).__name__, layer.parametrizations.weight.original0.shape
    ('ParametrizationList', (2, 1))
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        new: Any = original
        with no_grad():
            before = original.clone()
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(f"right_inverse must return a Tensor or a sequence of Tensors, got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            if new.dtype != original.dtype:
                raise ValueError(f"right_inverse may not change the dtype: it was {original.dtype}, it is {new.dtype}")
            _put(original, new)
            _keep(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"right_inverse must return a Tensor or a sequence of Tensors, element {i} is a "
                        f"{type(part).__name__}"
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part.detach(), original.requires_grad)
                _keep(self, f"original{i}", part)
        if not unsafe:
            _same("A parametrization", self(), before)

    def originals(self) -> list[Tensor]:
        """What the tensor is computed from."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Let the tensor be this value: the originals become what the modules say that it comes from."""
        new: Any = value
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
            parts, own = [new] if self.is_tensor else list(new), self.originals()
            if len(parts) != len(own) or any(not isinstance(p, Tensor) for p in parts):
                raise ValueError(f"right_inverse must return {len(own)} Tensors, as at first; got {new!r:.80}")
            for tensor, part in zip(own, parts, strict=True):
                if tensor.dtype != part.dtype:
                    raise ValueError(f"right_inverse made {part.dtype} of what is kept as {tensor.dtype}")
                _put(tensor, part)

    def forward(self) -> Tensor:
        """The tensor."""
        first, *others = self
        made = first(*self.originals())
        for module in others:
            made = module(made)
        return made


def _parametrized(kind: type[M]) -> type[M]:
    """A subclass of a module's class, whose instances compute what `parametrizations` names."""

    class Parametrized(kind):  # type: ignore[misc, valid-type]
        def __getattr__(self, name: str) -> Any:
            lists = vars(self).get("_modules", {}).get("parametrizations", ())
            if name not in lists:
                return super().__getattr__(name)
            if not _blocks:
                return lists[name]()
            if (id(self), name) not in _cache:
                _cache[id(self), name] = lists[name]()
            return _cache[id(self), name]

        def __setattr__(self, name: str, value: Any) -> None:
            lists = vars(self).get("_modules", {}).get("parametrizations", ())
            if name in lists and not isinstance(value, Parameter):
                lists[name].right_inverse(value)
            else:
                super().__setattr__(name, value)

        def __deepcopy__(self, memo: dict) -> Any:
            twin = memo[id(self)] = type(self).__new__(type(self))
            twin.__dict__.update(copy.deepcopy(vars(self), memo))
            return twin

        def __getstate__(self) -> Any:
            raise RuntimeError(
                "Serialization of parametrized modules is only supported through state_dict(): save that, and register "
                "the parametrizations again before it is loaded"
            )

        def _load_from_state_dict(self, state_dict: Any, prefix: str, *more: Any) -> None:
            for name, parametrizations in self.parametrizations.items():
                for parametrization in parametrizations:
                    if hasattr(parametrization, "rename"):
                        parametrization.rename(state_dict, prefix, name)
            super()._load_from_state_dict(state_dict, prefix, *more)

    Parametrized.__name__ = Parametrized.__qualname__ = f"Parametrized{kind.__name__}"
    return Parametrized


def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Let `module.tensor_name` be parametrization(original) from now on; a second one comes behind the first.

    Where the parametrization has `right_inverse(value)`, the original becomes that of the tensor, and assigning to it
    works as well; it may return several tensors, which are the arguments then. unsafe: dtype and shape may change.
    ValueError where the module has no such parameter or buffer, or where they change.

    >>> import tinygrad_cnn as tg
    >>> class Symmetric(tg.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = tg.nn.utils.parametrize.register_parametrization(tg.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all()), list(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        lists: Any = module.parametrizations
        if not unsafe:
            now = getattr(module, tensor_name)
            made = parametrization(now)
            _same("A parametrization", made, now)
            if hasattr(parametrization, "right_inverse"):
                with contextlib.suppress(NotImplementedError):
                    _same("right_inverse of a parametrization", parametrization.right_inverse(made), now)
        lists[tensor_name].append(parametrization)
        lists[tensor_name].unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module {module} does not have a parameter, a buffer, or a parametrized element with name {tensor_name!r}"
        )
    held = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized(type(module))
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = held  # type: ignore[operator]
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module, or this tensor of it, is parametrized.

    >>> import tinygrad_cnn as tg
    >>> tg.nn.utils.parametrize.is_parametrized(tg.nn.Linear(2, 2))
    False
    """
    lists = vars(module).get("_modules", {}).get("parametrizations")
    if not isinstance(lists, ModuleDict):
        return False
    return len(lists) > 0 if tensor_name is None else tensor_name in lists


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Let the tensor be a parameter or a buffer again, with its value, or with the original's.

    ValueError where it is not parametrized, and for leave_parametrized=False where it is made of several tensors.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.weight_norm(tg.nn.Linear(2, 2))
    >>> tg.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    lists: Any = module.parametrizations
    held = lists[tensor_name]
    if held.is_tensor:
        tensor = held.original
        if leave_parametrized:
            with no_grad():
                _put(tensor, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        tensor = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (leave_parametrized=False) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    del lists[tensor_name]
    if not len(lists):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    _keep(module, tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of a module without its parametrizations.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.utils.parametrizations.weight_norm(tg.nn.Linear(2, 2))
    >>> type(layer).__name__, tg.nn.utils.parametrize.type_before_parametrizations(layer).__name__
    ('ParametrizedLinear', 'Linear')
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
