"""What was measured at each step and each epoch: as rows here or as lines in a file, and as curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Rows:
    """Rows that no file holds, written as a `training.JSONL` is."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def write(self, row: Mapping[str, Any], /, **values: Any) -> None:
        self.rows.append({**row, **values})

    def state_dict(self) -> dict[str, Any]:
        return {"rows": list(self.rows)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.rows = list(state_dict["rows"])


def history(rows: list[dict[str, Any]]) -> Any:
    """The rows as a `viz.History`: those of steps have a step."""
    from ... import viz

    curves = viz.History()
    for row in rows:
        values = {name: value for name, value in row.items() if name not in ("epoch", "step")}
        (curves.step if "step" in row else curves.epoch)(**values)
    return curves
