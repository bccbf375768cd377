"""Where a training keeps what it needs to go on: one file, or the folder of a run.

runs/digits-1/config.json       all options, the seed, versions
              metrics.jsonl     a line a step and a line an epoch
              checkpoints/      step-00000207.tgc: the newest ones; best.tgc: that of the lowest loss
              report.html
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ... import files
from .. import UserError
from ..card import Card

CONFIG, METRICS, CHECKPOINTS, BEST, REPORT = "config.json", "metrics.jsonl", "checkpoints", "best.tgc", "report.html"
Write = Callable[[Path], None]


def shown(path: str | Path) -> str:
    """A path as the user would write it: from here, if it is below."""
    whole = Path(os.path.abspath(path))
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)


class File:
    """One file, which is always the newest checkpoint."""

    def __init__(self, path: Path):
        self.path = path

    def save(self, write: Write, step: int, best: bool) -> None:
        write(self.path)

    def close(self) -> None: ...


class Folder:
    """The folder of a run, of which this process is the only one that writes into it."""

    def __init__(self, path: Path, keep: int):
        self.path, self.keep = path, keep
        self._lock()

    @classmethod
    def new(cls, wish: str, data: str, keep: int, config: dict[str, Any]) -> Folder:
        """Make it; without a wish the next of runs/DATA-1, runs/DATA-2, ..."""
        path = Path(wish) if wish else _numbered(Path("runs").absolute(), data)
        (path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        folder = cls(path, keep)
        files.write(path / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
        return folder

    def _lock(self) -> None:
        """Two trainings in one folder would ruin each other; the lock goes with the process, however it ends."""
        self.handle = (self.path / METRICS).open("ab")
        with contextlib.suppress(ImportError):  # where there are no such locks
            import fcntl

            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.handle.close()
                raise UserError(f"--run: another process is training in {shown(self.path)}; wait for its end") from None
            except OSError:
                pass  # a disk without locks

    def close(self) -> None:
        self.handle.close()

    def save(self, write: Write, step: int, best: bool) -> None:
        """Write a checkpoint; the oldest ones go, and those of steps that are still to be done once more."""
        folder = self.path / CHECKPOINTS
        newest = folder / f"step-{step:08d}.tgc"
        write(newest)
        if best:
            files.write(folder / BEST, newest.read_bytes())
        there = newest_first(self.path)
        for path in [p for p in there if _step(p) > step] + [p for p in there if _step(p) <= step][self.keep :]:
            path.unlink(missing_ok=True)


def _numbered(runs: Path, data: str) -> Path:
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = runs / f"{data}-{number}"
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints of a run."""
    found = [p for p in (folder / CHECKPOINTS).glob("step-*.tgc") if p.stem.removeprefix("step-").isdigit()]
    return sorted(found, key=_step, reverse=True)


def newest(place: Path) -> tuple[Path, dict[str, Any]]:
    """The newest checkpoint that is whole, and what it holds; one that is not is passed over, which is said.

    UserError where there is none.
    """
    from ...checkpoint import load

    damaged = []
    for path in newest_first(place) if place.is_dir() else [place]:
        try:
            held = load(path)
        except (RuntimeError, OSError) as error:
            damaged.append(str(error))
            continue
        if damaged:
            print(f"tinygrad-cnn: {'; '.join(damaged)}; taking {path.name} instead", file=sys.stderr)
        return path, held
    if damaged:
        raise UserError("; ".join(damaged))
    raise UserError(f"{shown(place)} holds no checkpoint: it ended before the first one")


def config(options: argparse.Namespace, seed: int, card: Card) -> dict[str, Any]:
    """What config.json says of a run that begins."""
    from ..info import collect

    found = collect()
    versions = {name: found[name] for name in ("tinygrad_cnn", "python", "numpy")} | found["extras"]
    machine = {name: found[name] for name in ("machine", "threads", "kernels")}
    return {"options": lasting(options), "seed": seed, "network": card._asdict(), "versions": versions, **machine}


def lasting(options: argparse.Namespace) -> dict[str, Any]:
    """The options that a run is gone on with."""
    return {name: value for name, value in vars(options).items() if name not in ("folder", "resume", "json")}


def config_of(folder: Path) -> dict[str, Any]:
    """What config.json says. UserError where this is no folder of a run."""
    try:
        said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return {**said, "options": dict(said["options"])}
    except FileNotFoundError:
        raise UserError(f"{shown(folder)} is no folder of a run: it has no {CONFIG}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{shown(folder / CONFIG)} is damaged: {error!r}") from None


def begun_with(place: Path) -> dict[str, Any]:
    """The options that a run was begun with, of its folder or of a checkpoint; {} of a file that is no such thing."""
    if place.is_dir():
        return config_of(place)["options"]
    _, held = newest(place)
    more = held.get("more") if isinstance(held, dict) else None
    options = more.get("options") if isinstance(more, dict) else None
    return dict(options) if isinstance(options, dict) else {}
