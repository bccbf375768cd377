"""Checkpoints of a training: all that it needs to go on, in one file, written by `save` (see `serialization`)."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from .nn import Module
from .nn.state import held_by, unchanged_by_errors
from .optim import Optimizer
from .random import get_rng_state, set_rng_state, source_of
from .serialization import load, load_metadata, save

__all__ = ["load", "load_checkpoint", "load_metadata", "save", "save_checkpoint"]


def save_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
    **more: Any,
) -> None:
    """Save all that training needs to go on as if it had not stopped.

    That is the states of these three, of the library's random numbers, and of what else is named in `more`: whatever
    has a state (a DataLoader, an averaged model, another optimizer, a generator), and plain values, which
    `load_checkpoint` returns. A run that was stopped after any step and goes on gives what the other one gives, to the
    last bit, if each step is saved like this:

    >>> import os, tempfile, tinygrad_cnn as tg
    >>> from tinygrad_cnn.data import DataLoader, TensorDataset
    >>> data = TensorDataset(tg.randn(10, 4), tg.arange(10) % 2)
    >>> def train(file, steps):
    ...     net = tg.nn.Sequential(tg.nn.Linear(4, 8), tg.nn.Dropout(), tg.nn.Linear(8, 2))
    ...     optimizer = tg.optim.Adam(net.parameters())
    ...     scheduler = tg.optim.lr_scheduler.StepLR(optimizer, 1)
    ...     loader = DataLoader(data, batch_size=4, shuffle=True, num_workers=2)
    ...     run = {"epoch": 0, "losses": []}
    ...     if os.path.exists(file):
    ...         run = load_checkpoint(file, net, optimizer, scheduler, loader=loader)
    ...     while run["epoch"] < 2:
    ...         for x, y in loader:  # after loading: the rest of the epoch
    ...             loss = tg.nn.functional.cross_entropy(net(x), y)
    ...             optimizer.zero_grad()
    ...             loss.backward()
    ...             optimizer.step()
    ...             run["losses"].append(loss.item())
    ...             save_checkpoint(file, net, optimizer, scheduler, loader=loader, **run)
    ...             if len(run["losses"]) == steps:
    ...                 return
    ...         scheduler.step()
    ...         run["epoch"] += 1
    ...     return [p.tolist() for p in net.parameters()], run["losses"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = tg.manual_seed(3)
    ...     whole = train(f"{folder}/whole", steps=None)
    ...     _ = tg.manual_seed(3)
    ...     train(f"{folder}/stopped", steps=2)
    ...     _ = tg.manual_seed(4)
    ...     train(f"{folder}/stopped", steps=None) == whole
    True
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    given = {name: part for name, part in parts.items() if part is not None}
    others = {name: more.pop(name) for name in list(more) if _has_state(more[name])}
    kinds = {name: type(part).__name__ for name, part in (given | others).items()}
    states = {name: None if part is None else part.state_dict() for name, part in parts.items()}
    more_states = {name: _state_of(part) for name, part in others.items()}
    save({"checkpoint": 1, "kinds": kinds, **states, "parts": more_states, "rng": get_rng_state(), "more": more}, f)


def load_checkpoint(
    f: str | os.PathLike | BinaryIO,
    model: Module,
    optimizer: Optimizer | None = None,
    scheduler: Any = None,
    **parts: Any,
) -> dict[str, Any]:
    """Put what `save_checkpoint` has saved into the model, the optimizer, the scheduler and these parts.

    Returns the plain values that were saved with them. What was saved and is not given here is passed over. Raises a
    RuntimeError or ValueError where they do not fit together; then nothing has changed.

    >>> import io, tinygrad_cnn as tg
    >>> net, again, file = tg.nn.Linear(2, 1), tg.nn.Linear(2, 1), io.BytesIO()
    >>> save_checkpoint(file, net, epoch=7)
    >>> load_checkpoint(file, again), tg.equal(net.weight, again.weight)
    ({'epoch': 7}, True)
    """
    held, parts = load(f), {name: part for name, part in parts.items() if part is not None}
    own = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    if not isinstance(held, dict) or held.get("checkpoint") != 1 or not {*own, "rng", "more"} <= held.keys():
        raise RuntimeError("load_checkpoint: this file was not made by save_checkpoint; read it with load()")
    states = {name: held[name] for name in own if held[name] is not None} | dict(held.get("parts", {}))
    given = {name: part for name, part in own.items() if part is not None} | parts
    for name, part in given.items():
        if not _has_state(part):
            raise TypeError(f"load_checkpoint: {name} has no state, it is a {type(part).__name__}")
        if name not in states:
            raise RuntimeError(f"load_checkpoint: the file holds no state of the {name} that was given")
    modules = [m for part in given.values() if isinstance(part, Module) for m in part.modules()]
    others = [part for part in given.values() if not isinstance(part, Module)]
    at_risk = [*held_by(modules), *(d for part in others for d in _changed_by_loading(part))]
    with unchanged_by_errors(at_risk), contextlib.ExitStack() as undo:
        for name, part in given.items():
            if name in parts and not isinstance(part, Module):  # what its state is kept in is not known
                undo.callback(_load_into, part, copy.deepcopy(_state_of(part)))
            _load_into(part, states[name])
        for name, saved in held.get("kinds", {}).items():
            kind = type(given.get(name)).__name__
            if name in given and name != "model" and saved != kind:  # a model is told by the names in its state
                raise ValueError(f"load_checkpoint: the {name} was saved from a {saved}, this one is a {kind}")
        set_rng_state(held["rng"])
        undo.pop_all()
    return held["more"]


def _has_state(part: Any) -> bool:
    return source_of(part) is not None or (hasattr(part, "state_dict") and hasattr(part, "load_state_dict"))


def _state_of(part: Any) -> Any:
    generator = source_of(part)
    return part.state_dict() if generator is None else generator.get()


def _load_into(part: Any, state: Any) -> None:
    generator = source_of(part)
    part.load_state_dict(state) if generator is None else generator.set(state)


def _changed_by_loading(part: Any) -> Iterator[dict]:
    """The dicts that loading a state may change: attributes, and what is in them of groups and schedulers."""
    yield getattr(part, "__dict__", {})
    yield from getattr(part, "param_groups", ())
    for scheduler in getattr(part, "_schedulers", ()):
        yield from _changed_by_loading(scheduler)
