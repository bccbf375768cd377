"""What a picture can be made of."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.engine.tensor import Tensor

from .snapshot import SCHEMA, snapshot


def document_from(source: Any) -> dict[str, Any]:
    """The document of a document, a finished recording, a Graph, or a Tensor with a history."""
    if isinstance(source, dict):
        if source.get("schema") != SCHEMA:
            raise ValueError(f"viz: expected a document of schema {SCHEMA!r}, got {source.get('schema')!r}")
        return source
    if isinstance(source, Tensor):
        return snapshot(source)
    document = getattr(source, "document", None)
    if not isinstance(document, dict):
        raise TypeError(f"viz: expected a Tensor, a recording or a snapshot, got {type(source).__name__}")
    return document
