"""A graph that shows itself in a notebook: a picture where one can be laid out, else a list that unfolds."""

from __future__ import annotations

from html import escape
from typing import Any

from tinygrad_cnn.tensor import Tensor

from .recorder import record
from .snapshot import SCHEMA, snapshot
from .text import text


def document_from(source: Any) -> dict[str, Any]:
    """The document of what somebody wants to see: a document, a recording, a Graph, a Tensor."""
    if isinstance(source, dict):
        if source.get("schema") != SCHEMA:
            raise ValueError(f"viz: expected a document of schema {SCHEMA!r}, got {source.get('schema')!r}")
        return source
    if isinstance(source, (record, Graph)):
        return source.document
    if isinstance(source, Tensor):
        return snapshot(source)
    raise TypeError(f"viz: expected a Tensor, a recording or a snapshot, got {type(source).__name__}")


class Graph:
    """A document that draws itself."""

    def __init__(self, source: Any):
        self.document = document_from(source)

    def __repr__(self) -> str:
        return text(self.document)
