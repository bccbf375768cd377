"""The page: one HTML file that steps through the backward pass, offline and without a server.

Python sets the formulas, writes the ordered list of steps and says what is inside what (`nest`); `web/page.js`
does the rest in the browser, where the graph is laid out as it is folded. Without scripts the list remains, and a
picture that Graphviz laid out.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tinygrad_cnn import files

from .dot import DARK, GREY, STYLES, dot, show_set, summary
from .fold import depth_of, view
from .heat import WARMTH, WIDTHS, Scale, heat_scale, style
from .mathml import mathml
from .names import printable
from .nest import nest
from .snapshot import json_text
from .source import document_from
from .svg import SECONDS, describe, engine, layout, polish
from .sweep import frames
from .text import step_text
from .words import plural, shape_text

WEB = Path(__file__).parent / "web"
READABLE = 150
COLOURS = {kind: [box["fillcolor"], box["color"]] for kind, box in (STYLES | {"grey": GREY}).items()}
SHOW = ("shapes", "grads", "params")
OPEN = 3  # of so many problems the causes are shown at once


def html(
    source: Any,
    path: str | Path | None = None,
    *,
    depth: int | None = None,
    show: Any = SHOW,
    hide: Any = (),
    timings: dict[str, Any] | bool = False,
    seconds: float = SECONDS,
) -> str:
    """The page as text; written to `path` if one is given.

    source: a finished recording, a document, or a Tensor. depth: of modules at the start. timings: True
    takes those of the recording; without them, the same program gives the same bytes. seconds: for laying
    out the picture that stands without scripts; where that takes longer, modules are folded.

    Raises a RuntimeError, before anything is written, where no layout program is installed.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> page = html(x * 2, "graph.html")  # doctest: +SKIP
    """
    document = document_from(source)
    if timings is True:
        timings = getattr(source, "timings", None) or {}
    text = page(document, depth=depth, show=show, hide=hide, timings=timings or None, seconds=seconds)
    if path is not None:
        files.write(path, text)
    return text


def page(
    document: dict[str, Any],
    *,
    depth: int | None = None,
    show: Any = SHOW,
    hide: Any = (),
    timings: dict[str, Any] | None = None,
    seconds: float = SECONDS,
    compared: dict[str, Any] | None = None,
    live: dict[str, Any] | None = None,
) -> str:
    """The page of a document; `compared` is what `diff` found beside another one, `live` what a server adds to it."""
    engine()
    shown = show_set(show)
    scale = heat_scale(document)
    data = {
        "document": document,
        "nest": nest(document, view(document, hide=hide, parameters="params" in shown)),
        "depth": depth,
        "show": sorted(shown),
        "colours": COLOURS,
        "warmth": WARMTH,
        "heat": None if scale is None else [scale.low, scale.high, len(WIDTHS)],
        "math": _formulas(document),
        "timings": timings,
        "compared": compared,
        "live": live,
        "lists": [lists(frame) for frame in frames(document)] if "sweep" in document else None,
    }
    parts = {
        "title": _shown(document["title"]),
        "summary": _shown(summary(document)),
        **lists(document),
        "ramp": _ramp(scale),
        "css": _whole("page.css") + style() + _colours(),
        "js": _whole("page.js"),
        "unused": _unused(document) + _notes(document),
        "picture": _picture(document, depth, {"show": shown, "hide": hide, "legend": False}, seconds),
        "data": _json(data),
    }
    text = (WEB / "page.html").read_text(encoding="utf-8")
    pieces = text.split("<!--{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}-->")
        out += [parts[name], rest]
    return "".join(out)


def lists(document: dict[str, Any]) -> dict[str, str]:
    """What the page says of the document's numbers by itself; where a slider changes them, it says this anew."""
    return {"alarm": _alarm(document), "problems": _problems(document), "steps": _steps(document)}


def _whole(name: str) -> str:
    """A file of web/ with its parts: //{name} in a script, /*{name}*/ in a style."""
    text, suffix = (WEB / name).read_text(encoding="utf-8"), Path(name).suffix
    return re.sub(r"//\{(\w+)\}|/\*\{(\w+)\}\*/", lambda part: _whole(f"{part[1] or part[2]}{suffix}"), text)


def _shown(text: str) -> str:
    """Text as it can stand in the page."""
    return escape(printable(text))


def _json(value: Any) -> str:
    """JSON that can stand inside a script element."""
    return json_text(value).replace("<", "\\u003c")


def _picture(document: dict[str, Any], depth: int | None, options: dict, seconds: float) -> str:
    """The picture that stands without scripts."""
    if depth is None:
        few = [d for d in range(depth_of(document) + 1) if len(view(document, d).boxes) <= READABLE]
        depth = max(few, default=0)
    for d in range(depth, -1, -1):
        laid = layout([dot(document, d, **options).source], seconds)[0]
        if laid is not None:
            return re.sub(r"<style>.*?</style>", "", polish(laid, document["title"], describe(document)), flags=re.S)
    return f"<p>The graph of {len(document['nodes'])} nodes could not be laid out in {seconds:g} s.</p>"


def _colours() -> str:
    """The pictures' colours on a dark page."""
    rules = ["svg text:not([fill]){fill:#e9e9f0}"]
    rules += [f'svg [fill="{a}"]{{fill:{b}}}svg [stroke="{a}"]{{stroke:{b}}}' for a, b in DARK.items()]
    chosen = "".join(f":root[data-theme=dark] {part}}}" for r in rules for part in r.split("}") if part)
    asked = f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{''.join(rules)}}}}}"
    return f"\n@media screen{{{asked}\n{chosen}}}\n"


def _formulas(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    """MathML of each formula, by its text for each name of an input; the page fills in the shapes."""
    out: dict[str, dict[str, str]] = {}
    for node in document["nodes"]:
        names = frozenset(
            {"g", "out", *(e["port"].partition("[")[0] for e in node["inputs"])}
            | {s["name"] for s in node["saved"] if "shape" in s}
        )
        rules = document["rules"].get(node["op"], {}).get("inputs", {})
        for edge in node["inputs"]:
            name = edge["port"].partition("[")[0]
            formula = edge.get("formula") or rules.get(name, {}).get("formula")
            if formula and edge["needs_grad"] and formula not in out.setdefault(name, {}):
                out[name][formula] = mathml(formula, name, names)
    return out


def _steps(document: dict[str, Any]) -> str:
    """The ordered list of steps, which is the page for people who do not see the picture."""
    items = []
    number = 0
    for i, one in enumerate(document["passes"]):
        for step in one["steps"]:
            number += 1
            prefix = f"pass {i + 1}, " if len(document["passes"]) > 1 else ""
            line = _shown(prefix + step_text(document, step).replace(" -> ", " → "))
            items.append(f'<li><a href="#step={number}">{line}</a></li>')
    if not items:
        items = [f'<li><a href="#node={_shown(n["id"])}">{_shown(n["id"])}</a></li>' for n in document["nodes"]]
    return "\n".join(items)


def _unused(document: dict[str, Any]) -> str:
    """Parameters that got no gradient; that is not the same as a gradient of zero."""
    items = [
        f"<li><code>{_shown(u['name'])}</code> {_shown(shape_text(u['shape']))}: {_shown(u['reason'])}</li>"
        for u in document["unused"]
    ]
    return f"<h3>No gradient computed</h3><ul>{''.join(items)}</ul>" if items else ""


def _alarm(document: dict[str, Any]) -> str:
    """How many problems there are, with the way to the list."""
    count = len(document.get("problems", ()))
    return f'<a id="alarm" href="#problems">⚠ {plural(count, "problem")}</a>' if count else ""


def _problems(document: dict[str, Any]) -> str:
    """What is wrong, each with its causes, the first cause last; all of them lead to their nodes."""
    items = []
    for i, problem in enumerate(document.get("problems", ())):
        causes = "".join(f"<li>{_jump(cause)}</li>" for cause in problem["chain"])
        count = plural(len(problem["chain"]), "cause")
        items.append(
            f'<li><p><b class="kind">{_shown(problem["kind"].replace("_", " "))}</b> {_jump(problem)}</p>'
            f"<details{' open' if i < OPEN else ''}><summary>{count}, the first one last</summary>"
            f"<ol>{causes}</ol></details></li>"
        )
    if not items:
        said = "No problem found: all is finite, nothing dead, vanishing or exploding, no gradient missing."
        return f'<p class="quiet">{said}</p>'
    return f'<ol class="problems">{"".join(items)}</ol>'


def _jump(place: dict[str, Any]) -> str:
    """A text that leads to its node, if it has one."""
    text = _shown(place["text"])
    return text if place["node"] is None else f'<a href="#node={_shown(quote(place["node"]))}">{text}</a>'


def _ramp(scale: Scale | None) -> str:
    """The legend of gradients: an arrow of each step of the scale, and what has no place on it."""
    sample = '<svg class="ramp" width="26" height="10" aria-hidden="true">{}</svg>{}'
    zero = '<path class="zero" d="M1 5h24"/><path class="core" d="M1 5h24"/>'
    parts = [sample.format(zero, "zero"), sample.format('<path class="bad" d="M1 5h24"/>', "NaN, infinite"), "✂ cut"]
    if scale is not None:
        steps = "".join(f'<path class="h{k}" d="M{1 + 22 * k} 5h20"/>' for k in range(len(WIDTHS)))
        low, *_, high = scale.ends()
        ramp = f'<svg class="ramp" width="{22 * len(WIDTHS)}" height="10" aria-hidden="true">{steps}</svg>'
        parts.insert(0, f"gradient, ‖g‖ {low} {ramp} {high}")
    return "".join(f"      <span>{part}</span>\n" for part in parts)


def _notes(document: dict[str, Any]) -> str:
    """What the recorder failed at."""
    items = "".join(f"<li>{_shown(note)}</li>" for note in document.get("notes", ()))
    return f"<h3>Not recorded</h3><ul>{items}</ul>" if items else ""
