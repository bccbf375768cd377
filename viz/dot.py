"""The picture as DOT, by the graphviz package. No `dot` program is needed for that.

What things are is told by shape and label as well as by colour: ops are rounded boxes, parameters
cylinders, inputs ellipses, what was saved notes, results double boxes, folded modules
tabs. Data runs along solid arrows with its shape; gradients come back along dashed ones with ‖g‖.
"""

from __future__ import annotations

import textwrap
from typing import Any

import graphviz

from .fold import Arrow, Box, Frame, View, view
from .heat import CUT, ON_DARK, Scale, drawn, heat_scale
from .heat import STYLES as HEAT
from .names import printable
from .source import document_from
from .words import clip, figure, plural, shape_text, size_text

SHOW = ("shapes", "grads", "saved", "params", "values")
DEFAULT_SHOW = ("shapes", "grads", "params")

STYLES: dict[str, dict[str, str]] = {
    "op": {"shape": "box", "style": "rounded,filled", "fillcolor": "#e8eefc", "color": "#3b5bb5"},
    "parameter": {"shape": "cylinder", "style": "filled", "fillcolor": "#fdf0d5", "color": "#8a5a00"},
    "buffer": {"shape": "cylinder", "style": "filled,dashed", "fillcolor": "#f1f1f1", "color": "#555555"},
    "input": {"shape": "ellipse", "style": "filled", "fillcolor": "#ddf3e4", "color": "#1d6b3a"},
    "pick": {"shape": "cds", "style": "filled", "fillcolor": "#e8eefc", "color": "#3b5bb5"},
    "module": {"shape": "tab", "style": "filled", "fillcolor": "#efe6fb", "color": "#6a3fa0"},
    "saved": {"shape": "note", "style": "filled", "fillcolor": "#fff9c9", "color": "#6b6000"},
    "failed": {
        "shape": "octagon",
        "style": "filled",
        "fillcolor": "#ffdcdc",
        "color": "#c00018",
        "penwidth": "3",
        "margin": "0",
    },
    "output": {"shape": "box", "style": "filled", "peripheries": "2", "fillcolor": "#fbdfe4", "color": "#a3263c"},
}
# Every colour of a picture, and what it is on a dark page.
DARK = {
    "#e8eefc": "#26304d", "#3b5bb5": "#8fa8f0", "#fdf0d5": "#463714", "#8a5a00": "#e0b050", "#f1f1f1": "#2b2b33",
    "#555555": "#b4b4bf", "#ddf3e4": "#173b26", "#1d6b3a": "#6cc48e", "#efe6fb": "#382a4d", "#6a3fa0": "#bb98ea",
    "#fff9c9": "#3f3b12", "#6b6000": "#d6cc60", "#fbdfe4": "#4a1e28", "#a3263c": "#f08a9c", "#767676": "#9a9aa6",
    "#4a4a55": "#b9b9c6", "#b04a00": "#f0a060", "#8f3c00": "#f4b884", "#8d8d99": "#7c7c88", "#45454f": "#c2c2cd",
    "#1b1b22": "#e9e9f0", "#ffdcdc": "#5a1220", "#c00018": "#ff7a8c", **ON_DARK,
}  # fmt: skip
GREY = {"fillcolor": "#f1f1f1", "color": "#767676", "fontcolor": "#555555"}
MOST_LINES = 3  # of an arrow that several backward passes go along
FONT = "Helvetica,Arial,sans-serif"


def dot(
    source: Any,
    depth: int | None = None,
    *,
    show: Any = DEFAULT_SHOW,
    hide: Any = (),
    module: str | None = None,
    direction: str = "TB",
    legend: bool = True,
    backward: int | None = None,
) -> graphviz.Digraph:
    """The graph as a `graphviz.Digraph`; `.source` is the text.

    source: a document, a finished recording, or a Tensor. depth: of modules that are shown as frames
    (None: all). show: of shapes, grads, saved, params, values. hide: ops to leave out. module: the
    inside of one module. direction: TB, BT, LR or RL. legend: with a heading and what the shapes mean. backward: the
    number of the pass whose gradients are shown, from 1 (None: of each node the first pass that visits it).

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> "shape=ellipse" in tg.viz.dot(x + x).source
    True
    """
    document = document_from(source)
    shown = show_set(show)
    if direction not in ("TB", "BT", "LR", "RL"):
        raise ValueError(f"direction: expected TB, BT, LR or RL, got {direction!r}")
    seen = view(document, depth, hide=hide, module=module, parameters="params" in shown, backward=backward)
    heat = heat_scale(document)
    graph = graphviz.Digraph(
        "graph",
        graph_attr={
            "rankdir": direction,
            **({"label": _label([f"{seen.title}: {summary(document)}"])} if legend else {}),
            "labelloc": "t",
            "fontname": FONT,
            "fontsize": "14",
            "fontcolor": "#1b1b22",
            "nodesep": "0.3",
            "ranksep": "0.4",
            "bgcolor": "transparent",
        },
        node_attr={"fontname": FONT, "fontsize": "11", "fontcolor": "#1b1b22", "margin": "0.2,0.07", "height": "0.36"},
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": "#1b1b22", "arrowsize": "0.7"},
    )
    _Drawing(document, seen, shown, heat).draw(graph)
    if legend:
        _legend(graph, seen, shown, heat)
    return graph


def show_set(show: Any) -> set[str]:
    """The things to show, checked."""
    chosen = set(show.split(",") if isinstance(show, str) else show) - {""}
    if chosen - set(SHOW):
        raise ValueError(f"show: there is no {', '.join(sorted(chosen - set(SHOW)))}; choose of {', '.join(SHOW)}")
    return chosen


def summary(document: dict[str, Any]) -> str:
    """One line on the whole graph."""
    ops = sum(n["kind"] == "op" for n in document["nodes"])
    parameters = sum(n["kind"] == "parameter" for n in document["nodes"])
    steps = sum(len(p["steps"]) for p in document["passes"])
    parts = [plural(ops, "op"), plural(parameters, "parameter tensor")]
    return ", ".join(parts + ([f"{plural(steps, 'backward step')}"] if steps else []))


def attributes_text(document: dict[str, Any], node: dict, length: int = 36) -> str:
    """What a call was told beside its inputs, and not by default, in one short line."""
    texts = [f"{e['port']}={figure(e['number'])}" for e in node["inputs"] if isinstance(e.get("number"), (int, float))]
    defaults = document["rules"].get(node["op"], {}).get("defaults", {})
    for name, value in node["attributes"].items():
        usual = defaults.get(name)
        if value is None or value == usual or (isinstance(value, list) and value and value == [usual] * len(value)):
            continue
        texts.append(f"{name}={str(value).replace('[', '(').replace(']', ')')}")
    return clip(" ".join(texts), length)


class _Drawing:
    def __init__(self, document: dict, seen: View, shown: set[str], heat: Scale | None):
        self.document, self.seen, self.shown, self.heat = document, seen, shown, heat
        self.gradients = self.frames = 0
        self.passes = len(document["passes"])
        self.ids = {key: f"b{i}" for i, key in enumerate(seen.boxes)}

    def draw(self, graph: graphviz.Digraph) -> None:
        inside: dict[str, list[Box]] = {}
        for box in self.seen.boxes.values():
            inside.setdefault(box.frame, []).append(box)
        children: dict[str, list[Frame]] = {}
        for frame in self.seen.frames:
            children.setdefault(frame.within, []).append(frame)
        self._frame(graph, None, inside, children)
        for arrow in self.seen.arrows:
            self._arrow(graph, arrow)

    def _gradient_id(self) -> str:
        """g0, g1 ...: the page finds gradient arrows by their number."""
        self.gradients += 1
        return f"g{self.gradients - 1}"

    def _frame(self, graph: graphviz.Digraph, around: Frame | None, inside: dict, children: dict) -> None:
        path, key = (around.module, around.key) if around is not None else ("", "")
        for box in inside.get(key, []):
            self._box(graph, box)
        for frame in children.get(key, []):
            name = frame.module.removeprefix(f"{path}.") if path else frame.module
            kind = next((m["class"] for m in self.document["modules"] if m["path"] == frame.module), "")
            label = (f"{name}: {kind}" if kind and kind != name else name) + frame.suffix
            self.frames += 1
            with graph.subgraph(name=f"cluster_{self.frames}") as inner:
                inner.attr(
                    label=_safe(clip(label, 48)), labeljust="l", labelloc="t", fontsize="11", style="rounded",
                    color="#8d8d99", fontcolor="#45454f", tooltip=_safe(frame.module), **{"class": "frame"},
                )  # fmt: skip
                self._frame(inner, frame, inside, children)

    def _box(self, graph: graphviz.Digraph, box: Box) -> None:
        nodes = [self.document["nodes"][i] for i in box.nodes]
        node = nodes[0]
        failed = next((n["failed"] for n in nodes if "failed" in n), "")
        kind = "output" if len(nodes) == 1 and node.get("output") and box.kind == "op" else box.kind
        kind = "failed" if failed else kind
        style = dict(STYLES[kind])
        rows = [clip(box.title, 40)]
        if box.kind == "module":
            rows.append(f"{plural(sum(n['kind'] == 'op' for n in nodes), 'op')} inside")
        else:
            text = attributes_text(self.document, node)
            if text:
                rows.append(text)
            if node.get("inplace"):
                rows.append("changed in place")
            if node["kind"] in ("parameter", "buffer", "input") or kind == "output":
                word = "result" if kind == "output" else kind
                word = word if node["kind"] != "parameter" or node["needs_grad"] else "frozen parameter"
                rows.append(shape_text(node["shape"]) if word == box.title else f"{word} {shape_text(node['shape'])}")
            if "values" in self.shown and "value" in node:
                sample = self.document["tensors"][node["value"]]
                if sample["min"] is not None:
                    rows.append(f"{figure(sample['min'])} … {figure(sample['max'])}")
            if box.outside:
                rows.append(f"in {node['module'] or self.document['title']}")
        if failed:
            rows[0] = f"✗ {rows[0]}"
            rows += textwrap.wrap(failed, 44, max_lines=4, placeholder=" …")
        elif not any(n["needs_grad"] for n in nodes):
            style.update(GREY)
            rows.append(clip(node.get("reason", "").partition(":")[0], 40))
        if box.order is not None and "grads" in self.shown:
            rows[0] = f"{box.order}◂ {rows[0]}"
        name = self.ids[box.key]
        tooltip = node["id"] if box.kind != "module" else box.title
        classes = f"box {kind}" + ("" if failed or any(n["needs_grad"] for n in nodes) else " grey")
        graph.node(name, label=_label(rows), id=name, tooltip=_safe(tooltip), **{"class": classes}, **style)
        if "saved" in self.shown:
            self._saved(graph, name, nodes)

    def _saved(self, graph: graphviz.Digraph, name: str, nodes: list[dict]) -> None:
        saved = [s for n in nodes for s in n["saved"] if "shape" in s]
        if not saved:
            return
        if len(nodes) > 1:
            rows = [f"{plural(len(saved), 'array')}, {size_text(sum(s['bytes'] for s in saved))}"]
        else:
            rows = [f"{s['name']} {shape_text(s['shape'])}, {size_text(s['bytes'])}" for s in saved]
        graph.node(f"{name}s", label=_label(["saved", *rows]), **{"class": "box saved"}, **STYLES["saved"])
        graph.edge(f"{name}s", name, style="dotted", arrowhead="none", color="#6b6000", **{"class": "edge-saved"})

    def _arrow(self, graph: graphviz.Digraph, a: Any) -> None:
        source, target = self.ids[a.source], self.ids[a.target]
        label = ""
        if "shapes" in self.shown and a.shape is not None:
            label = f" {shape_text(a.shape)} "
        if a.count > 1:
            label = f" {a.count} tensors "
        tip = _safe(a.port if a.needs_grad else f"{a.port}: {a.reason}")
        if a.needs_grad:
            graph.edge(source, target, label=label, tooltip=tip, labeltooltip=tip, color="#4a4a55", **{"class": "data"})
        elif a.cut:  # gradients would go on behind the bar
            label = f" ✂ {a.cut}{label and ','}{label}"
            graph.edge(
                source, target, label=label, tooltip=tip, labeltooltip=tip, style="dotted", dir="both",
                arrowtail="teetee", color=CUT, fontcolor="#555555", **{"class": "data grey cut"},
            )  # fmt: skip
        else:
            graph.edge(
                source, target, label=label, tooltip=tip, labeltooltip=tip,
                style="dotted", color="#767676", fontcolor="#555555", **{"class": "data grey"},
            )  # fmt: skip
        if a.norm is not None and "grads" in self.shown:
            text = r"\n".join(gradient_texts(a, self.passes)) if a.count == 1 else ""
            tip = f"gradient into {tip}"  # an edge of the same direction, drawn backwards, runs beside the data's
            graph.edge(
                source, target, label=text, fontcolor="#8f3c00", dir="back", id=self._gradient_id(), tooltip=tip,
                labeltooltip=tip, **drawn(self.heat, a.norm),
            )  # fmt: skip


def gradient_texts(arrow: Arrow, passes: int) -> list[str]:
    """What crosses an arrow backwards, a line for each of several passes."""
    texts = [f" {f'{nr + 1}: ' if passes > 1 else ''}{crossing_text(one)} " for nr, one in arrow.passes.items()]
    return texts if len(texts) <= MOST_LINES else [*texts[: MOST_LINES - 1], f" … {len(texts)} passes "]


def crossing_text(one: dict[str, Any]) -> str:
    """The gradient that a step gives to an input: its norm, and which of several uses it is."""
    use = one.get("use", [1, 1])
    return f"‖g‖ {figure(one['norm'])}" + (f" ({use[0]} of {use[1]})" if use[1] > 1 else "")


def _legend(graph: graphviz.Digraph, seen: View, shown: set[str], heat: Scale | None) -> None:
    """What the shapes mean, of those that occur, and how large the gradients are."""
    kinds = [k for k in STYLES if k in {b.kind for b in seen.boxes.values()} | ({"saved"} & shown) | {"output"}]
    with graph.subgraph(name="cluster_legend") as inner:
        inner.attr(
            label=r"legend\nsolid: data\ndashed: gradient" if "grads" in shown else "legend", tooltip="legend",
            fontsize="11", style="dotted", color="#8d8d99", fontcolor="#45454f", **{"class": "legend"},
        )  # fmt: skip
        for k in kinds:
            word = {
                "op": r"op\nn◂: n-th in backward" if "grads" in shown else "op",
                "output": "result",
                "module": "folded module",
            }.get(k, k)
            inner.node(f"legend_{k}", label=word, fontsize="10", **{"class": f"box {k}"}, **STYLES[k])
        inner.node("legend_grey", label="needs no gradient", fontsize="10", shape="box", style="filled",
                   **GREY, **{"class": "box grey"})  # fmt: skip
        for a, b in zip(kinds, [*kinds[1:], "grey"], strict=True):
            inner.edge(f"legend_{a}", f"legend_{b}", style="invis")
        if heat is not None and "grads" in shown:
            _ramp(inner, heat, {a.norm for a in seen.arrows if a.norm is not None})


def _ramp(graph: graphviz.Digraph, heat: Scale, norms: set) -> None:
    """The scale, the largest ‖g‖ first, as arrows between its numbers; and what has no place on it, if it occurs."""
    ends = [f"‖g‖ {heat.ends()[-1]}", *reversed(heat.ends()[:-1])]
    for k, text in enumerate(ends):
        graph.node(f"heat_{k}", label=_label([text]), fontsize="10", shape="plaintext", height="0.2", margin="0.03")
    for k in range(len(ends) - 1):
        _sample(graph, f"heat_{k}", f"heat_{k + 1}", f"h{len(ends) - 2 - k}", "")
    for kind, text in (("zero", "zero"), ("bad", "NaN or infinite")):
        if any(heat.kind(norm) == kind for norm in norms):
            for end in ("from", "to"):
                graph.node(f"heat_{kind}_{end}", label="", shape="point", style="invis")
            _sample(graph, f"heat_{kind}_from", f"heat_{kind}_to", kind, f" {text} ")


def _sample(graph: graphviz.Digraph, source: str, target: str, kind: str, text: str) -> None:
    """An arrow of the legend, against the data as a gradient's is."""
    style = {"arrowhead" if key == "arrowtail" else key: value for key, value in HEAT[kind].items()}
    graph.edge(source, target, label=_label([text]) if text else "", **{"class": f"heat {kind}"}, **style)


def _label(rows: list[str]) -> str:
    """Lines of a label, every character as it is."""
    return graphviz.nohtml(r"\n".join(_safe(row) for row in rows))


def _safe(text: str) -> str:
    """Text that DOT takes as it is; what cannot be printed is replaced."""
    return graphviz.nohtml(printable(text).replace("\\", "\\\\"))
