"""What shows itself in a notebook: the page, a graph, a Tensor with a history, a Module.

A picture where one can be laid out quickly and stays small, else a list that unfolds; neither `dot` nor
anything else is needed. A notebook asks the tensor or module, and that opens this room.
"""

from __future__ import annotations

import base64
import html as markup
from typing import Any

from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.nn import Module

from .charts import escape
from .dot import plural, shape_text, summary
from .fold import depth_of, view
from .names import printable
from .page import html
from .snapshot import snapshot
from .source import document_from
from .svg import describe, svg
from .text import about, short_name, text

READABLE = 60
LARGEST = 150_000
SECONDS = 5.0


class Graph:
    """A document that draws itself where it is shown: as text, and in a notebook as a picture.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> tg.viz.Graph(tg.viz.snapshot(x * x, names={"x": x}))
    graph: 1 op, 0 parameter tensors
      x    input ()
      mul  ()  <- x, x  saves 8 B   = result
    """

    def __init__(self, source: Any):
        self.document = document_from(source)

    def __repr__(self) -> str:
        return text(self.document)

    def _repr_html_(self) -> str:
        return picture(self.document) or listing(self.document)


class Page:
    """The page that steps through backward, where it is shown: in a notebook, inside a frame of its own.

    >>> Page("graph: 2 ops", "<!doctype html><p>…")
    <Page graph: 2 ops, 19 characters; a notebook shows it>
    """

    def __init__(self, title: str, html: str, height: int = 720):
        self.title, self.html, self.height = title, html, height

    def __repr__(self) -> str:
        return f"<Page {printable(self.title)}, {len(self.html):,} characters; a notebook shows it>"

    def _repr_html_(self) -> str:
        # A sandbox: its script sees nothing of the notebook, and asks nobody.
        return (
            f'<iframe title="{escape(printable(self.title))}" sandbox="allow-scripts allow-downloads" srcdoc="'
            f'{markup.escape(self.html)}" style="width:100%;height:{self.height}px;border:1px solid #8d8d99"></iframe>'
        )


def show(source: Any, *, height: int = 720, **options: Any) -> Page:
    """The page of `viz.html`, to be shown inline in a notebook: `viz.show(r)` as a cell's last line.

    source and options: as for `viz.html`. height: in pixels. Raises a RuntimeError where no layout program is there.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> tg.viz.show(x * 2)  # doctest: +SKIP
    <Page graph: 1 op, 0 parameter tensors, 45,316 characters; a notebook shows it>
    """
    if height < 1:
        raise ValueError(f"show: height is a number of pixels, got {height}")
    document = document_from(source)
    if options.get("timings") is True:
        options["timings"] = getattr(source, "timings", None) or False
    return Page(f"{document['title']}: {summary(document)}", html(document, **options), height)


def picture(document: dict[str, Any]) -> str:
    """An <img> of the graph; "" where no layout program is installed, or the picture would be large."""
    depth = next((d for d in range(depth_of(document), -1, -1) if len(view(document, d).boxes) <= READABLE), None)
    if depth is None:
        return ""
    try:
        drawn = svg(document, depth=depth, seconds=SECONDS, legend=False)
    except (RuntimeError, ValueError):
        return ""
    if len(drawn) > LARGEST:
        return ""
    data = base64.b64encode(drawn.encode()).decode()
    return f'<img style="max-width:100%" alt="{escape(describe(document))}" src="data:image/svg+xml;base64,{data}"/>'


def listing(document: dict[str, Any], most: int = 300) -> str:
    """The nodes as a list, one part for each module."""
    parts: list[str] = []
    module = None
    for node in document["nodes"][:most]:
        if node["module"] != module:
            parts.append("</ul></details>" if module is not None else "")
            module = node["module"]
            kind = next((m["class"] for m in document["modules"] if m["path"] == module), "")
            head = escape(f"{module}: {kind}" if kind else module or "outside of modules")
            parts.append(f"<details open><summary>{head}</summary><ul>")
        parts.append(
            f"<li><code>{escape(short_name(node))}</code> {escape(about(document, node).replace('<-', '←'))}</li>"
        )
    parts.append("</ul></details>" if module is not None else "")
    left = len(document["nodes"]) - most
    more = f"<p>and {plural(left, 'node')} more</p>" if left > 0 else ""
    return f"<div><p>{escape(document['title'])}: {escape(summary(document))}</p>{''.join(parts)}{more}</div>"


def module_listing(module: Module, name: str = "") -> str:
    """A Module as a list that unfolds: its class, its parameters and their shapes, its modules."""
    own = sum(p.numel() for p in module.parameters())
    head = escape(f"{name}: {type(module).__name__}" if name else type(module).__name__)
    extra = module.extra_repr()
    head += f"({escape(extra)})" if extra else ""
    items = [
        f"<li><code>{escape(n)}</code> {escape(shape_text(p.shape))}{'' if p.requires_grad else ', frozen'}</li>"
        for n, p in module.named_parameters(recurse=False)
    ]
    items += [f"<li>{module_listing(child, n)}</li>" for n, child in module.named_children()]
    if not items:
        return head
    is_open = "" if name else " open"
    return f"<details{is_open}><summary>{head}, {own:,} parameters</summary><ul>{''.join(items)}</ul></details>"


def html_of(shown: Tensor | Module) -> str:
    """The HTML of a tensor with a history or of a module; "" for a leaf, whose repr says all."""
    if isinstance(shown, Module):
        return module_listing(shown)
    if shown.grad_fn is None:
        return ""
    return f"<pre>{escape(repr(shown))}</pre>{Graph(snapshot(shown))._repr_html_()}"
