"""The state of a Module: a flat dict from dotted paths to tensors, and the way back.

Loading looks at everything first and changes nothing unless all of it fits. Each module loads its own tensors, in
`_load_from_state_dict`, which a module may override as in PyTorch: to rename keys of an older version, say.
"""

from __future__ import annotations

import contextlib
import functools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine.tensor import Tensor
from ..random import get_rng_state, set_rng_state
from .parameter import Parameter, is_lazy

EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _own(module: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a state that are the module's own, by name."""
    for name, p in module._parameters.items():
        if p is not None:
            yield name, p
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            yield name, buffer


def collect(module: Any, into: dict[str, Any], prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Put the state of a module and of those in it into a dict."""
    local = {"version": module._version}
    if hasattr(into, "_metadata"):
        into._metadata[prefix[:-1]] = local
    for hook in module._state_dict_pre_hooks.values():
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(into, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=into, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook, in_place in module._state_dict_hooks.values():
        given = hook(module, into, prefix, local)
        if given is not None and in_place:
            raise RuntimeError("state_dict post-hook must return None; change the dict that it is given")
        into = into if given is None else given
    return into


def save_own(module: Any, into: dict[str, Any], prefix: str, keep_vars: bool) -> None:
    """Put the state of this one module into a dict."""
    for name, tensor in _own(module):
        into[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
    if _has(module, "get_extra_state"):
        into[prefix + EXTRA] = module.get_extra_state()


class Loading:
    """What loading has found so far: keys, errors, and what is to be done if there are none."""

    def __init__(self, assign: bool):
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self.work: list[Callable[[], None]] = []

    def load(self) -> None:
        """Do what is to be done."""
        while self.work:
            self.work.pop(0)()


def load(module: Any, state: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy a state into a module, or raise a RuntimeError that lists all that does not fit."""
    if not isinstance(state, Mapping):
        raise TypeError(f"load_state_dict: expected state_dict to be dict-like, got {type(state).__name__}")
    found = Loading(assign)
    with unchanged_by_errors(held_by(_at_risk(module))):
        _visit(module, OrderedDict(state), "", getattr(state, "_metadata", {}), found)
        problems = []
        if strict and found.unexpected:
            problems.append(f"Unexpected key(s) in state_dict: {_quoted(found.unexpected)}.")
        if strict and found.missing:
            problems.append(f"Missing key(s) in state_dict: {_quoted(found.missing)}.")
        cure = "strict=False passes over missing and unexpected keys" if problems else "build the model as it was saved"
        problems += found.errors
        if problems:
            lines = "\n\t".join([*problems, f"Nothing was loaded; {cure}."])
            raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{lines}")
        found.load()
    return IncompatibleKeys(found.missing, found.unexpected)


def _visit(module: Any, state: dict[str, Any], prefix: str, metadata: Mapping, found: Loading) -> None:
    """Let a module and those in it load their part; `state` is theirs to change."""
    local = {**metadata.get(prefix[:-1], {}), "loading": found}
    if found.assign:
        local["assign_to_params_buffers"] = True
    given = (state, prefix, local, True, found.missing, found.unexpected, found.errors)
    for hook, with_module in module._load_state_dict_pre_hooks.values():
        hook(module, *given) if with_module else hook(*given)
    module._load_from_state_dict(*given)
    for name, child in module._modules.items():
        if child is not None:
            inner = f"{prefix}{name}."
            _visit(child, {k: v for k, v in state.items() if k.startswith(inner)}, inner, metadata, found)
    if module._load_state_dict_post_hooks and not found.errors:
        found.load()  # for hooks that look at what was loaded
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, IncompatibleKeys(found.missing, found.unexpected)) is not None:
            raise AssertionError("load_state_dict post-hook must return None; change the lists that it is given")


def load_own(
    module: Any,
    state: Mapping[str, Any],
    prefix: str,
    local: Mapping[str, Any],
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    """Look at the part of a state that is this one module's; what fits is loaded when everything has been looked at.

    A module with a `_load_from_state_dict` of its own may go on with the values that it has got, so there it is loaded
    at once.
    """
    found: Loading = local["loading"]
    own: dict[str, Any] = dict(_own(module))
    work: list[Callable[[], None]] = []
    for name, tensor in own.items():
        key = prefix + name
        if key not in state:
            missing.append(key)
            continue
        value = state[key]
        errors += _misfit(key, tensor, value)
        if isinstance(value, Tensor):
            put = _assign if found.assign else _copy
            work.append(functools.partial(put, module, name, value))
    if _has(module, "get_extra_state"):
        if prefix + EXTRA in state:
            found.work.append(functools.partial(module.set_extra_state, state[prefix + EXTRA]))
        else:
            missing.append(prefix + EXTRA)
        own[EXTRA] = None
    for key in state:
        if key.startswith(prefix):
            name, _, deeper = key[len(prefix) :].partition(".")
            if name not in (module._modules if deeper else own):
                unexpected.append(key)
    if not _overrides(module):
        found.work += work
    elif not errors:
        for task in work:
            task()


def _has(module: Any, method: str) -> bool:
    """Whether a module has a method of its own, where all have one that is there to be overridden."""
    kind = next(k for k in type(module).__mro__ if method in vars(k))
    return kind.__module__.partition(".")[0] != __package__.partition(".")[0]


def _overrides(module: Any) -> bool:
    return _has(module, "_load_from_state_dict")


def _at_risk(module: Any) -> list:
    """The modules that may have changed before an error is found: those with a way of loading of their own."""
    if any(_has(m, "set_extra_state") or m._load_state_dict_post_hooks for m in module.modules()):
        return list(module.modules())
    return [m for m in module.modules() if _overrides(m)]


def held_by(modules: Iterable[Any]) -> Iterator[dict]:
    """The dicts in which modules keep what they have."""
    for m in modules:
        yield from (vars(m), m._parameters, m._buffers)


@contextlib.contextmanager
def unchanged_by_errors(dicts: Iterable[dict]) -> Iterator[None]:
    """A block after which these dicts, the tensors in them and the random numbers are as before, if an error ends it.

    Nothing is called again of what has just failed.
    """
    kept = [(d, dict(d)) for d in dicts]
    tensors = {t for _, before in kept for t in before.values() if isinstance(t, Tensor) and not is_lazy(t)}
    arrays = [(t, t._array, t._array.copy()) for t in tensors]
    random = get_rng_state()
    try:
        yield
    except BaseException:
        set_rng_state(random)
        for d, before in kept:
            d.clear()
            d.update(before)
        for t, array, values in arrays:
            np.copyto(array, values)
            t._array = array
            t.version().bump("load_state_dict")
        raise


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _misfit(key: str, own: Tensor, value: Any) -> list[str]:
    """Why this value cannot be loaded, in no lines if it can."""
    if not isinstance(value, Tensor):
        return [f"{key}: expected a Tensor, got {type(value).__name__}."]
    if is_lazy(own) or own.shape == value.shape or (own.shape == () and value.shape == (1,)):
        return []
    return [
        f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from checkpoint, "
        f"the shape in current model is {tuple(own.shape)}."
    ]


def _copy(owner: Any, name: str, value: Tensor) -> None:
    own = getattr(owner, name)
    if is_lazy(own):
        if is_lazy(value):
            return
        own.materialize(value.shape)
    np.copyto(own._array, value._array.reshape(own.shape), casting="unsafe")
    own.version().bump("load_state_dict")


def _assign(owner: Any, name: str, value: Tensor) -> None:
    own = getattr(owner, name)
    if isinstance(own, Parameter):
        value = value if isinstance(value, Parameter) else Parameter(value, own.requires_grad)
        value.requires_grad = own.requires_grad
    setattr(owner, name, value)
