"""The state of a DataLoader: its settings, how far its epoch has come, what it draws from; and the way back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ..random import Generator, current_generator, drawn_from, rng
from .dataset import IterableDataset
from .held import Source, sources
from .order import END, Order, stateful, states_of
from .progress import Drawn, LaneAt, Progress, again

VERSION = 1
KEYS = {"version", "settings", "generators", "workers", "epoch", "samplers", "datasets"}


def begin(loader: Any) -> Order:
    """A new epoch."""
    of_order, default = _of_order(loader), current_generator()
    before, default_before = _states(of_order), default.get_state()
    try:
        # Drawn also where nobody uses it, so that the order to come does not depend on who does.
        seed = int(rng(loader.generator).integers(2**62))
        lanes = tuple(LaneAt(0, states) for states in loader._datasets or [{}] * _lanes(loader))
        progress = Progress(seed, {"default": default.get_state(), **_states(of_order)}, lanes)
        order = Order(_samplers(loader), of_order, progress)
    except BaseException:  # an epoch that has not begun has drawn nothing
        _put(of_order, before)
        default.set_state(default_before)
        raise
    loader._progress, loader._datasets = progress, []
    return order


def of(loader: Any) -> dict[str, Any]:
    """What DataLoader.state_dict returns."""
    progress = loader._progress if loader._progress is not None and not loader._progress.finished else None
    generators = _states(_all(loader))
    if progress is not None:
        for path, state in progress.ahead.items():
            if generators[path] == state:  # nobody else has drawn from it, so it goes back to what was handed out
                generators[path] = progress.at.drawn.marks[path]
    state = {
        "version": VERSION,
        "settings": _settings(loader),
        "generators": generators,
        "workers": loader._worker_seed,
        "epoch": None if progress is None else progress.state_dict(_by_lane(loader)),
        "samplers": states_of(_whole(*_samplers(loader))) if progress is None else {},
        "datasets": _between_epochs(loader) if progress is None else [],
    }
    return copy.deepcopy(state)


def load(loader: Any, state: Any) -> None:
    """What DataLoader.load_state_dict does."""
    progress = _checked(loader, state)
    everything, of_order, known = _all(loader), _of_order(loader), _whole(*_samplers(loader))
    before, known_before = _states(everything), states_of(known)
    order = None
    try:
        if progress is not None:
            order = _gone_through(loader, progress, of_order, state["generators"])
        elif known and state["samplers"]:
            known["whole"].load_state_dict(copy.deepcopy(state["samplers"]["whole"]))
        _put(everything, state["generators"])
    except BaseException:
        _put(everything, before)
        if known:
            known["whole"].load_state_dict(known_before["whole"])
        raise
    loader._order, loader._progress = order, progress
    loader._datasets = copy.deepcopy(state["datasets"])
    if state["workers"] != loader._worker_seed:
        loader._workers, loader._worker_seed = [], state["workers"]


def _gone_through(loader: Any, progress: Progress, of_order: dict[str, Source], generators: Mapping[str, Any]) -> Order:
    """The order of an epoch, gone through up to where it was."""
    samplers, origin, there = _samplers(loader), Generator().set_state(progress.begin["default"]), progress.at.drawn
    if there.samplers:  # that know where they are
        _put(of_order, generators)
        return drawn_from(origin, Order, samplers, of_order, progress)
    _put(of_order, progress.begin)
    order: Order = drawn_from(origin, Order, samplers, of_order, Progress(progress.seed))
    drawn = Drawn()
    while drawn.handed < there.handed:
        drawn = order.draw()
        if drawn.index is END or drawn.error is not None:
            raise RuntimeError(
                f"DataLoader.load_state_dict: the order ends before the {there.handed} batches that were handed out"
            ) from drawn.error
    if drawn.checksum != there.checksum:
        raise RuntimeError(
            "DataLoader.load_state_dict: the sampler gives other indices than it did: it was made with other "
            "arguments, or draws from what has no state here; give it a state_dict and a load_state_dict"
        )
    progress.ahead, order.progress = order.progress.ahead, progress
    return order


def _checked(loader: Any, state: Any) -> Progress | None:
    """The progress in a state, if it fits this loader."""
    if not isinstance(state, Mapping) or not state.keys() >= KEYS:
        raise TypeError(f"DataLoader.load_state_dict: expected the dict of state_dict(), got {type(state).__name__}")
    if not isinstance(state["settings"], Mapping) or not isinstance(state["generators"], Mapping):
        raise TypeError("DataLoader.load_state_dict: the state is damaged, its settings or generators are no dicts")
    if state["version"] != VERSION:
        raise ValueError(f"DataLoader.load_state_dict: the state is of version {state['version']}, expected {VERSION}")
    there, here = state["settings"], _settings(loader)
    there = {**there, "generators": sorted(state["generators"])}
    here = {**here, "generators": sorted(_all(loader))}
    other = [
        f"{name}: {there.get(name)} there, {here.get(name)} here"
        for name in {**there, **here}
        if there.get(name) != here.get(name)
    ]
    if other:
        raise ValueError(
            f"DataLoader.load_state_dict: the state is that of a loader with other settings ({'; '.join(other)}); "
            "make it as that one was. Nothing was loaded"
        )
    if state["epoch"] is None:
        return None
    try:
        progress = again(state["epoch"])
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError("DataLoader.load_state_dict: the state's epoch is damaged. Nothing was loaded") from error
    if not _by_lane(loader):
        n = _lanes(loader)
        progress.at = progress.at._replace(turn=progress.at.drawn.handed % n, lanes=(LaneAt(),) * n)
    return progress


def _settings(loader: Any) -> dict[str, Any]:
    """What must be the same for a loader to go on where another was."""
    made = {"batch_size": loader.batch_size, "drop_last": loader.drop_last}
    if isinstance(loader.dataset, IterableDataset):
        made["dataset"] = "a stream"
    else:
        try:
            made["len(dataset)"] = len(loader.dataset)
        except (TypeError, NotImplementedError):  # a sampler may do without
            made["len(dataset)"] = None
        made["sampler"] = " of ".join(_described(sampler) for sampler in _samplers(loader))
    if _by_lane(loader):
        made["num_workers"] = _lanes(loader)
    return made


def _described(sampler: Any) -> str:
    names = getattr(sampler, "_settings", ())
    return f"{type(sampler).__name__}({', '.join(f'{name}={getattr(sampler, name)}' for name in names)})"


def _lanes(loader: Any) -> int:
    return max(1, loader.num_workers)


def _by_lane(loader: Any) -> bool:
    """Whether each worker has a position of its own, so that their number matters."""
    return isinstance(loader.dataset, IterableDataset) or stateful(loader.dataset)


def _samplers(loader: Any) -> list[Any]:
    """What the order is iterated from, and what that is made of."""
    if loader.batch_sampler is None:
        return [loader.sampler]
    inner = getattr(loader.batch_sampler, "sampler", None)
    return [loader.batch_sampler] if inner is None else [loader.batch_sampler, inner]


def _of_order(loader: Any) -> dict[str, Source]:
    """What samplers draw from."""
    first, *inner = _samplers(loader)
    roots = {"generator": loader.generator, "sampler": inner[0] if inner else first, "batch_sampler": first}
    return sources(roots, beside=loader.dataset)


def _all(loader: Any) -> dict[str, Source]:
    """What samplers, dataset and collate_fn draw from, and the library's own generator if the loader has none."""
    found = _of_order(loader)
    known = {id(source.of) for source in found.values()}
    rest = sources({"dataset": loader.dataset, "collate_fn": loader.collate_fn})
    found.update({path: source for path, source in rest.items() if id(source.of) not in known})
    if loader.generator is None:
        default = current_generator()
        found["default"] = Source(default, default.get_state, default.set_state)
    return found


def _states(found: Mapping[str, Source]) -> dict[str, Any]:
    return {path: source.get() for path, source in found.items()}


def _put(found: Mapping[str, Source], states: Mapping[str, Any]) -> None:
    for path, source in found.items():
        try:
            source.set(states[path])
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise ValueError(f"DataLoader.load_state_dict: this is no state of {path}: {states[path]!r:.40}") from error


def _whole(*iterables: Any) -> dict[str, Any]:
    """The first of these that can tell its state and take it back, as `states_of` takes it."""
    return next(({"whole": it} for it in iterables if stateful(it)), {})


def _between_epochs(loader: Any) -> list[dict[str, Any]]:
    """The states that the datasets of the next epoch begin with, by worker; none where each epoch has new ones."""
    if loader._datasets or (loader.num_workers and not (loader.persistent_workers and loader._progress)):
        return loader._datasets
    if loader.num_workers == 0:
        return [states_of(_whole(loader.dataset))]
    return [{k: v for k, v in lane.states.items() if k == "whole"} for lane in loader._progress.at.lanes]
