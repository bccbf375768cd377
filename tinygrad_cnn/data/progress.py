"""How far an epoch has come: all that is needed to go on with it, in a loader of the same settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

NONE: dict[str, Any] = {}  # the states where nothing has one


class Drawn(NamedTuple):
    """An index of the order, or END, or an error in its place; and where the order stands after it."""

    index: Any = None
    handed: int = 0  # how many indices there were, with this one
    checksum: int = 0  # of all of them
    samplers: dict[str, Any] = NONE  # the states of samplers that know where they are
    marks: dict[str, Any] = NONE  # the states of what samplers draw from
    last: bool = False  # of a batch that is shorter: its samplers have come to their end, and begin anew
    error: Exception | None = None


class LaneAt(NamedTuple):
    """How many batches a worker has made, the states of its dataset after them, and whether its stream has ended."""

    fetched: int = 0
    states: dict[str, Any] = NONE
    ended: bool = False


class At(NamedTuple):
    """A place in an epoch: the index of the batch before, the worker whose turn is next, and where all of them are."""

    drawn: Drawn
    turn: int
    lanes: tuple[LaneAt, ...]


class Progress:
    """How far an epoch has come.

    seed: of its random numbers; begin: the states of what the order is drawn from, before it was. `at` is the place
    after what was handed out, in one object, so that no interrupt finds half of a step; `ahead` is what `marks` are
    after the last index that was read.
    """

    def __init__(self, seed: int, begin: Mapping[str, Any] = NONE, lanes: tuple[LaneAt, ...] = (LaneAt(),)):
        self.seed = seed
        self.begin = begin
        self.at = At(Drawn(), 0, lanes)
        self.ahead: dict[str, Any] = NONE
        self.finished = False

    def hand_out(self, worker: int, drawn: Drawn, lane: LaneAt | None) -> None:
        """A batch, or the error in its place, is about to be handed out; `lane` says where its worker is now."""
        lanes = self.at.lanes
        if drawn.handed != self.at.drawn.handed + 1 or (lane is not None and lane.fetched != lanes[worker].fetched + 1):
            raise interrupted()
        self.at = At(drawn, (worker + 1) % len(lanes), lanes if lane is None else self._with(worker, lane))

    def begin_lane(self, worker: int, lane: LaneAt) -> None:
        """A worker begins here."""
        self.at = self.at._replace(lanes=self._with(worker, lane))

    def end_lane(self, worker: int, drawn: Drawn, lane: LaneAt) -> None:
        """The stream of a worker has ended, and gave no batch for this index."""
        self.at = At(drawn, self.at.turn, self._with(worker, lane))

    def _with(self, worker: int, lane: LaneAt) -> tuple[LaneAt, ...]:
        return (*self.at.lanes[:worker], lane, *self.at.lanes[worker + 1 :])

    def state_dict(self, by_lane: bool) -> dict[str, Any]:
        """Plain values; those of the workers only if each has a place of its own."""
        drawn, turn, lanes = self.at
        state = {"seed": self.seed, "begin": self.begin, **drawn._asdict()}
        del state["index"], state["error"]
        return state | ({"turn": turn, "lanes": [lane._asdict() for lane in lanes]} if by_lane else {})


def again(state: Mapping[str, Any]) -> Progress:
    """The progress of a `state_dict`."""
    values = copy.deepcopy(dict(state))
    turn, lanes = values.pop("turn", 0), values.pop("lanes", [])
    progress = Progress(values.pop("seed"), values.pop("begin"))
    progress.at = At(Drawn(**values), turn, tuple(LaneAt(**lane) for lane in lanes))
    return progress


def interrupted() -> RuntimeError:
    """The error of a loop in which an interrupt has lost a batch."""
    return RuntimeError(
        "DataLoader: this loop was interrupted in the middle of something and cannot go on; another one goes on from "
        "here after loader.load_state_dict(loader.state_dict())"
    )
