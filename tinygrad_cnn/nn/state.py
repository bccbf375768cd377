"""The state of a Module: a flat dict from dotted paths to tensors, and the way back.

Loading looks at everything first and changes nothing unless all of it fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor
from .parameter import Parameter

EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _entries(module: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every key of the state with the module and the name that it stands for; shared ones each time."""
    for name, p in module._parameters.items():
        if p is not None:
            yield prefix + name, module, name
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            yield prefix + name, module, name
    if hasattr(type(module), "get_extra_state"):
        yield prefix + EXTRA, module, EXTRA
    for name, child in module._modules.items():
        if child is not None:
            yield from _entries(child, f"{prefix}{name}.")


def collect(module: Any, into: dict[str, Any], prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Put the state of a module into a dict."""
    for key, owner, name in _entries(module, prefix):
        if name == EXTRA:
            into[key] = owner.get_extra_state()
        else:
            tensor = getattr(owner, name)
            into[key] = tensor if keep_vars else tensor.detach()
    return into


def load(module: Any, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy a state into a module, or raise a RuntimeError that lists all that does not fit."""
    if not isinstance(state, Mapping):
        raise TypeError(f"load_state_dict: expected state_dict to be dict-like, got {type(state).__name__}")
    entries = {key: (owner, name) for key, owner, name in _entries(module)}
    missing = [key for key in entries if key not in state]
    unexpected = [key for key in state if key not in entries]
    present = [(*entries[key], value) for key, value in state.items() if key in entries]
    problems = []
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}.")
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}.")
    passable = bool(problems)
    for key in entries:
        if key in state:
            problems += _misfit(key, *entries[key], state[key])
    if problems:
        cure = "strict=False passes over missing and unexpected keys" if passable else "build the model as it was saved"
        problems.append(f"Nothing was loaded; {cure}.")
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    for owner, name, value in present:
        if name == EXTRA:
            owner.set_extra_state(value)
        elif assign:
            _assign(owner, name, value)
        else:
            own = getattr(owner, name)
            np.copyto(own._array, value._array, casting="unsafe")
            own.version().bump("load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _misfit(key: str, owner: Any, name: str, value: Any) -> list[str]:
    """Why this value cannot be loaded, in no lines if it can."""
    if name == EXTRA:
        return []
    if not isinstance(value, Tensor):
        return [f"{key}: expected a Tensor, got {type(value).__name__}."]
    own = getattr(owner, name)
    if own.shape == value.shape:
        return []
    return [
        f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from checkpoint, "
        f"the shape in current model is {tuple(own.shape)}."
    ]


def _assign(owner: Any, name: str, value: Tensor) -> None:
    own = getattr(owner, name)
    if isinstance(own, Parameter):
        value = value if isinstance(value, Parameter) else Parameter(value, own.requires_grad)
        value.requires_grad = own.requires_grad
    setattr(owner, name, value)
