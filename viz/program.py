"""A compiled program as a picture: what each instruction takes and makes, before and after any pass."""

from __future__ import annotations

from typing import Any

import graphviz

from tinygrad_cnn.compiler.program import Instruction, Program, Step, Value

from .dot import FONT, STYLES, _label, shape_text, size_text

KINDS = {"input": "input", "outside": "parameter", "constant": "buffer", "seed": "saved"}
EFFECT = {**STYLES["op"], "fillcolor": "#fff9c9", "color": "#6b6000"}


def program(source: Any, after: str | None = None, *, direction: str = "TB") -> graphviz.Digraph:
    """The program of a compiled function as a `graphviz.Digraph`; `.source` is the text.

    source: what `tinygrad_cnn.compile` returned, after a call. after: a pass, or "captured" for what was there before
    all of them; as it is now, if left out. Results of instructions are double boxes where they are returned; what has
    an effect besides is yellow. Raises a ValueError for a pass that did not run.

    >>> import tinygrad_cnn as tg
    >>> @tg.compile
    ... def f(x):
    ...     return (x * 2).exp()
    >>> y = f(tg.ones(3))
    >>> "exp" in tg.viz.program(f, "captured").source
    True
    """
    found: Program = source if isinstance(source, Program) else source.program
    steps = {step.name: step for step in found.history}
    if after is not None and after not in steps:
        raise ValueError(f"program: no pass {after!r} ran; there are {', '.join(steps)}")
    step = steps[after] if after is not None else found.history[-1]
    heading = f"{found.name}: {len(step.listed)} instructions, {size_text(step.nbytes)} of results"
    graph = graphviz.Digraph(
        "program",
        graph_attr={"rankdir": direction, "label": _label([heading]), "labelloc": "t", "fontname": FONT,
                    "bgcolor": "transparent"},
        node_attr={"fontname": FONT, "fontsize": "11", "margin": "0.2,0.07", "height": "0.36"},
        edge_attr={"fontname": FONT, "fontsize": "10", "arrowsize": "0.7"},
    )  # fmt: skip
    _draw(graph, step, found.kept())
    return graph


def _draw(graph: graphviz.Digraph, step: Step, kept: set[Value]) -> None:
    made: dict[Value, str] = {}
    for k, (i, reads, results) in enumerate(step.listed):
        name = f"i{k}"
        where = [f"line {i.line[1]}"] if i.line else []
        style = STYLES["output"] if not kept.isdisjoint(results) else EFFECT if i.effect else STYLES["op"]
        graph.node(name, label=_label([_named(i), *where]), **style)
        for v in reads:
            if v not in made:
                made[v] = f"v{len(made)}_"
                graph.node(made[v], label=_label([v.name]), **STYLES[KINDS.get(v.kind, "saved")])
            graph.edge(made[v], name, label="" if v.dtype is None else _label([shape_text(v.shape)]))
        made.update(dict.fromkeys(results, name))


def _named(i: Instruction) -> str:
    return f"{i.name} ×{len(i.source)}" if isinstance(i.source, list) else i.name
