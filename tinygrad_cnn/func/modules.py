"""Modules as functions: their parameters and buffers are given by the caller, as arguments to differentiate by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..arrays.arguments import MISSING
from ..engine.tensor import Tensor
from ..ops.join import stack


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs), with these tensors, by name, in the place of its parameters and buffers.

    Several dictionaries are one. args: a tuple, or the only argument. tie_weights: a tensor that the module has under
    several names is replaced under all of them. strict: a RuntimeError where names are missing or unexpected; without
    it, a name that a module does not have is its parameter for this call.
    Afterwards the module has its own again; buffers that it changed in place are those that were given.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Linear(2, 1, bias=False)
    >>> tg.func.functional_call(layer, {"weight": tg.tensor([[1.0, 10.0]])}, tg.tensor([2.0, 3.0])).tolist()
    [32.0]
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        given = dict(parameter_and_buffer_dicts)
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        given = {}
        for part in parameter_and_buffer_dicts:
            if not isinstance(part, dict):
                raise ValueError(f"functional_call: expected dictionaries of tensors, got {type(part).__name__}")
            if twice := given.keys() & part.keys():
                raise ValueError(f"functional_call: {sorted(twice)[0]} is in several of the dictionaries")
            given |= part
    else:
        kind = type(parameter_and_buffer_dicts).__name__
        raise ValueError(f"functional_call: expected a dictionary of tensors, or several, got {kind}")
    for name, value in given.items():
        if not (value is None or isinstance(value, Tensor)):
            raise TypeError(f"functional_call: {name} must be a Tensor, got {type(value).__name__}")
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    if strict and own.keys() != given.keys():
        missing, unexpected = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
        raise RuntimeError(f"functional_call: missing {missing}, unexpected {unexpected}; strict is True")
    if tie_weights:
        given = _tied(own, given)
    places = []
    for name, value in given.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        held = owner._buffers if last in owner._buffers else owner._parameters
        places.append((held, last, held.get(last, MISSING), value))
    if not isinstance(kwargs, Mapping | None):
        raise TypeError(f"functional_call: kwargs must be a dict or None, got {type(kwargs).__name__}")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for held, last, _, value in places:
            held[last] = value
        return module(*args, **(kwargs or {}))
    finally:
        for held, last, before, _ in places:
            if before is MISSING:
                held.pop(last, None)
            else:
                held[last] = before


def _tied(own: dict, given: dict) -> dict:
    """What is given for one name of a tensor, for all of its names."""
    names: dict[int, list[str]] = {}
    for name, t in own.items():
        names.setdefault(id(t), []).append(name)
    found = dict(given)
    for same in names.values():
        values = [given[name] for name in same if name in given]
        if any(v is not values[0] for v in values):
            raise ValueError(f"functional_call: {same} are one tensor of the module, and were given different ones")
        if values:
            found.update(dict.fromkeys(same, values[0]))
    return found


def stack_module_state(models: Iterable) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of modules that are built alike, each stacked: what `vmap` runs as an ensemble.

    >>> import tinygrad_cnn as tg
    >>> models = [tg.nn.Linear(2, 3) for _ in range(5)]
    >>> parameters, buffers = tg.func.stack_module_state(models)
    >>> parameters["weight"].shape
    (5, 3, 2)
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: expected at least one module")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: all modules must be in training, or all in evaluation")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError(
            f"stack_module_state: expected modules of one class, got {sorted({type(m).__name__ for m in models})}"
        )
    parameters = _stacked([dict(m.named_parameters()) for m in models])
    buffers = _stacked([dict(m.named_buffers()) for m in models])
    return parameters, buffers


def _stacked(states: list[dict]) -> dict[str, Tensor]:
    found = {}
    for name, first in states[0].items():
        whole = stack([state[name] for state in states]).detach()
        whole.requires_grad = first.requires_grad
        found[name] = whole
    return found


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """The module itself, whose batch norms keep no running statistics any more, which `vmap` could not move.

    >>> import tinygrad_cnn as tg
    >>> tg.func.replace_all_batch_norm_modules_(tg.nn.BatchNorm1d(2)).running_mean is None
    True
    """
    for module in root.modules():
        if isinstance(getattr(module, "track_running_stats", None), bool) and "BatchNorm" in type(module).__name__:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
