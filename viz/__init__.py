"""Pictures of the graph, and a page that steps through the backward pass. Everything draws from one document."""

from .diff import compare, diff
from .dot import dot
from .notebook import Graph
from .page import html
from .recorder import record
from .snapshot import load, save, snapshot, to_json
from .svg import svg
from .text import text

__all__ = ["Graph", "compare", "diff", "dot", "html", "load", "record", "save", "snapshot", "svg", "text", "to_json"]
