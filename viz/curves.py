"""The history of a run: what was measured at each step and each epoch, as plain data.

    history = viz.History(model)                       # it looks at the model's gradients
    for epoch in range(epochs):
        for x, y in loader:
            ...
            loss.backward()
            history.step(loss=loss)                    # the norms of each layer at this step
            optimizer.step()
        history.epoch(loss=mean, accuracy=..., test_loss=..., test_accuracy=..., lr=...)
    viz.draw.gradients(history)                        # the film of them, one picture

Names are free; those that end in "loss", "accuracy" or "lr" are drawn together.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.nn import Module

from .features import gradient_norms
from .names import printable
from .probe import require_model
from .samples import number

SCHEMA = "tinygrad_cnn.viz.history/1"
KINDS = ("epochs", "steps")


class History:
    """What was measured during a run: two lists of rows, `steps` and `epochs`.

    model: each `step` then also notes the norm of each of its layers' gradients, so it is to be called between
    `loss.backward()` and `zero_grad()`. The model is not kept by `to_dict`, nor compared.

    >>> history = History()
    >>> history.epoch(loss=2.3, accuracy=0.1)
    >>> history.epoch(loss=0.5, accuracy=0.9, test_accuracy=0.85)
    >>> history.values("loss").tolist(), history.values("test_accuracy").tolist()
    ([2.3, 0.5], [nan, 0.85])
    >>> History.from_json(history.to_json()) == history
    True
    """

    def __init__(self, model: Module | None = None) -> None:
        self.model = None if model is None else require_model("History", model)
        self.steps: list[dict[str, Any]] = []
        self.epochs: list[dict[str, Any]] = []

    # recording

    def step(self, *, gradients: Mapping[str, float | None] | None = None, **values: Any) -> None:
        """Add what one step measured: numbers by name, and `gradients`, by default those of the History's model."""
        if gradients is None and self.model is not None:
            gradients = gradient_norms(self.model)
        self.steps.append(_row("step", gradients, values))

    def epoch(self, *, gradients: Mapping[str, float | None] | None = None, **values: Any) -> None:
        """Add what one epoch measured."""
        self.epochs.append(_row("epoch", gradients, values))

    # as arrays

    def names(self, of: str = "epochs") -> list[str]:
        """What was measured, in order of first appearance."""
        return list(dict.fromkeys(name for row in self._rows(of) for name in row if name != "gradients"))

    def values(self, name: str, of: str = "epochs") -> np.ndarray:
        """One number for each epoch or step, NaN where it was not measured.        -> (T,)"""
        if name not in (known := self.names(of)):
            raise KeyError(f"History: no {name!r} was recorded in {of}; there are {', '.join(known) or 'none'}")
        return np.array([row.get(name, math.nan) for row in self._rows(of)], dtype=np.float64)

    def gradients(self, of: str = "steps") -> tuple[list[str], np.ndarray]:
        """The layers, and the norms of their gradients (layers, T), NaN where one was not computed."""
        rows = [row.get("gradients", {}) for row in self._rows(of)]
        layers = list(dict.fromkeys(layer for row in rows for layer in row))
        norms = [[math.nan if row.get(layer) is None else row[layer] for row in rows] for layer in layers]
        return layers, np.array(norms, dtype=np.float64).reshape(len(layers), len(rows))

    def computed(self, of: str = "steps") -> np.ndarray:
        """Which of these norms there are (layers, T): False where a gradient was not computed, which is not zero."""
        rows = [row.get("gradients", {}) for row in self._rows(of)]
        layers, norms = self.gradients(of)
        return np.array([[row.get(layer) is not None for row in rows] for layer in layers], bool).reshape(norms.shape)

    def _rows(self, of: str) -> list[dict[str, Any]]:
        if of not in KINDS:
            raise ValueError(f"History: of must be 'epochs' or 'steps', got {of!r}")
        return self.epochs if of == "epochs" else self.steps

    # as text

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold: NaN and infinities are strings."""
        return {"schema": SCHEMA, **{kind: [_plain(row) for row in self._rows(kind)] for kind in KINDS}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """The History of such data. Raises a ValueError that says what is wrong with it."""
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            given = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise ValueError(f"History: expected data of schema {SCHEMA!r}, got {given!r}")
        history = cls()
        for kind in KINDS:
            rows = data.get(kind, [])
            if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
                raise ValueError(f"History: {kind} must be a list of objects")
            history._rows(kind).extend(_row(kind, row.get("gradients"), _without_gradients(row)) for row in rows)
        return history

    def to_json(self) -> str:
        """All of it as JSON text, for `from_json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    def to_csv(self, of: str = "epochs") -> str:
        """A table with a head: the number from 1, what was measured, "gradient LAYER" for each layer."""
        rows, names = self._rows(of), self.names(of)
        layers, norms = self.gradients(of)
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow([of.removesuffix("s"), *names, *(f"gradient {layer}" for layer in layers)])
        for i, row in enumerate(rows):
            cells = [number(row[name]) if name in row else "" for name in names]
            table.writerow([i + 1, *cells, *("" if math.isnan(n) else number(n) for n in norms[:, i])])
        return out.getvalue()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"<History of {len(self.epochs)} epochs, {len(self.steps)} steps: {printable(', '.join(self.names()))}>"


def _row(what: str, gradients: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {str(name): _number(f"{what} {name}", value) for name, value in values.items()}
    if gradients is not None:
        if not isinstance(gradients, Mapping):
            raise TypeError(f"History: gradients must be {{layer: norm}}, got {type(gradients).__name__}")
        row["gradients"] = {
            str(layer): None if n is None else _number(f"gradients[{layer!r}]", n) for layer, n in gradients.items()
        }
    return row


def _number(what: str, value: Any) -> float:
    try:
        return float(value.item() if isinstance(value, Tensor | np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"History: {what} must be one number, got {type(value).__name__} {value!r:.60}") from None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {name: number(value) for name, value in row.items() if name != "gradients"}
    if "gradients" in row:
        out["gradients"] = {layer: None if n is None else number(n) for layer, n in row["gradients"].items()}
    return out


def _without_gradients(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "gradients"}
