"""A trained network, as `train` has left it: the folder of a run, a file of weights, or a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from . import UserError
from .card import Card
from .train.keep import BEST, CHECKPOINTS, config_of, newest

WHERE = "the folder of a run, or a file of weights"


class Saved(NamedTuple):
    """A network in eval mode, what must be known of it, and the file that its weights were in."""

    model: Any
    card: Card
    path: Path


def read(place: str) -> Saved:
    """The network in a folder or a file. UserError where there is none."""
    path = chosen(Path(place)) if Path(place).is_dir() else Path(place)
    try:
        state, metadata = contents(path)
        card = Card.read(metadata, str(path))
        model = card.build()
        model.load_state_dict(state)
    except (RuntimeError, ValueError, TypeError, KeyError, ImportError) as error:
        raise UserError(error) from None
    return Saved(model.eval(), card, path)


def chosen(folder: Path) -> Path:
    """The checkpoint of a run that its result is of: with --patience the best, otherwise the newest."""
    best = folder / CHECKPOINTS / BEST
    if config_of(folder)["options"].get("patience") and best.exists():
        return best
    return newest(folder)[0]


def contents(path: Path) -> tuple[Any, dict[str, str]]:
    """The state_dict and the metadata of a file."""
    from ..checkpoint import load, load_metadata

    if path.suffix.lower() == ".onnx":
        raise UserError(f"{path}: ONNX files are written here, and run by others; name {WHERE}")
    held = load(path)
    if isinstance(held, dict) and held.get("checkpoint") == 1:
        return held["model"], dict(held["more"].get("metadata", {}))
    if not isinstance(held, dict):
        raise UserError(f"{path} holds a {type(held).__name__}; name {WHERE}")
    return held, load_metadata(path)
