"""What is wrong with a graph and its backward passes, each with its causes back to the first one.

    for problem in viz.problems(r):
        print(problem["kind"], problem["text"], [cause["text"] for cause in problem["chain"]])

Found in the document alone. Only what cannot be chance is a problem: a unit that is off for a few examples, a bias in
front of a batch norm, or a mask of −∞ in attention is none. The kinds are

    nan           the first NaN or infinity that reaches a result or a gradient, in forward and in each backward pass
    exploding     layers that get far more than the median layer, and than the one nearest to the loss
    vanishing     layers that get far less
    dead          a gate that is closed everywhere, or units of it that are off for all examples
    zero          parameters whose gradient is all zero for another reason
    frozen        parameters with requires_grad False
    no_gradient   parameters without a gradient, and why
    unreached     modules that the loss does not reach
    unused        outputs that nothing uses
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

from .flow import Flow, Graph, Link, link, listed, short
from .owners import without_gradient
from .words import figure, plural, power

Problem = dict[str, Any]
# A layer is far from the others where its gradient is so many powers of ten away from that of the layer nearest to
# the loss, and so many from the median. Healthy networks stay within three quarters of both; ResNet-18 on two images,
# whose last batch norms see two numbers a channel, comes nearest.
LIMITS = {"exploding": (2.3, 1.5), "vanishing": (3.0, 1.4)}
FEWEST_LAYERS = 3
# These make all that flows through them larger or smaller alike, because the script says so.
SCALES = {"mul", "div", "neg", "mean", "sum", "expand"}
RELUS = {"relu", "relu_mask", "threshold", "hardtanh", "relu6", "clamp", "hardswish", "hardsigmoid"}
CHOICES = RELUS | {"maximum", "minimum", "fmax", "fmin", "where", "max", "min", "amax", "amin", "max_pool2d"}
CERTAIN = 10  # so many numbers are not all on the closed side of a gate by chance
MANY = 8  # observations of each unit, below which a unit that is off says nothing


def problems(source: Any) -> list[Problem]:
    """The problems of a document, a finished recording, or a Tensor: kind, text, node, and the chain of causes.

    `node` is where to look, an id of the document or None; the last link of `chain` is the first cause.

    >>> import tinygrad_cnn as tg
    >>> x = tg.tensor([0.0, 4.0], requires_grad=True)
    >>> with tg.viz.record(names={"x": x}) as r:
    ...     x.sqrt().sum().backward()
    >>> [(problem["kind"], problem["node"], len(problem["chain"])) for problem in problems(r)]
    [('nan', 'sqrt', 2)]
    >>> problems(r)[0]["chain"][0]["text"]
    'the gradient of x is not finite'
    """
    from .source import document_from  # which needs snapshot, which lists the problems of each document

    return found(document_from(source))


def found(document: dict[str, Any]) -> list[Problem]:
    """The problems of a document, the gravest kinds first; one that comes back in later passes is told once."""
    graph = Graph(document)
    flows = [Flow(graph, one) for one in document["passes"]]
    out: dict[tuple, Problem] = {}
    for key, problem in _all(graph, flows):
        out.setdefault(key, problem)
    return list(out.values())


def _all(graph: Graph, flows: list[Flow]) -> Iterator[tuple[tuple, Problem]]:
    yield from _values(graph)
    for nr, flow in enumerate(flows):
        yield from _gradients(graph, flow, nr)
    for flow in flows:
        yield from _sizes(graph, flow)
    alive = {leaf["node"] for flow in flows for leaf in flow.leaves if leaf["norm"] != 0}
    for flow in flows:
        yield from _zeros(graph, flow, alive)
    for flow in flows:
        yield from _units(graph, flow)
    yield from without_gradient(graph, flows)


def _problem(kind: str, text: str, node: str | None, chain: list[Link], *key: Any) -> tuple[tuple, Problem]:
    problem = {"kind": kind, "text": text, "node": node, "chain": short(chain)}
    return (kind, *(key or (node, text))), problem


# NaN and infinity


def _values(graph: Graph) -> Iterator[tuple[tuple, Problem]]:
    """Where what makes a result NaN or infinite comes from."""
    ends = [name for one in graph.document["passes"] for name in one["outputs"]]
    ends = ends or [name for name, node in graph.nodes.items() if node.get("output")]
    for end in ends:
        if bad := graph.bad(end):
            links, first = _origin(graph, end)
            why = _made(graph, first)
            chain = [link(f"the result, {graph.called(end)}, is {bad}", end), *links, link(why, first)]
            if first == end:
                del chain[0]
            what = graph.bad(first)
            made = "made by" if graph.nodes[first]["kind"] in ("op", "pick") else "in"
            text = f"the first {what} of forward is {made} {graph.called(first)}"
            yield _problem("nan", text, first, chain, first)


def _origin(graph: Graph, name: str) -> tuple[list[Link], str]:
    """From a value that is not finite against the arrows, to the node that made it of finite ones."""
    links: list[Link] = []
    while (source := _bad_source(graph, name)) is not None:
        name = source
        links.append(link(f"{graph.called(name)} is {graph.bad(name)} already", name))
    return links[:-1], name


def _bad_source(graph: Graph, name: str) -> str | None:
    """The nearest value that is not finite among those that this one was made of, NaN before infinity."""
    nearest, seen = [name], {name}
    while nearest:
        sources = [s for n in nearest for s in graph.sources(graph.nodes[n]) if s not in seen]
        seen.update(sources)
        bad = sorted((graph.bad(s) != "NaN", i) for i, s in enumerate(sources) if graph.bad(s))
        if bad:
            return sources[bad[0][1]]
        nearest = [s for s in sources if not graph.stats(graph.nodes[s])]
    return None


def _made(graph: Graph, name: str) -> str:
    """How a node makes NaN or infinity of finite numbers, or that it is one itself."""
    node, bad = graph.nodes[name], graph.bad(name)
    called = graph.called(name)
    if node["kind"] not in ("op", "pick"):
        stats = graph.stats(node)
        return f"{called} itself holds NaN or infinity: {plural(stats['nan'] + stats['inf'], 'number')}"
    spread = graph.spread(node)
    reason = _undefined(graph, node) or f"the result is not defined there, or too large for {node['dtype']}"
    return f"{called} makes {bad} of finite numbers: {reason}" + (f"; {spread}" if spread else "")


def _undefined(graph: Graph, node: dict) -> str:
    op = node["op"]
    inputs = [graph.stats(graph.nodes.get(edge["from"])) for edge in node["inputs"]]
    first = inputs[0] if inputs and inputs[0] and inputs[0]["min"] is not None else None
    if first and op in ("log", "log2", "log10", "sqrt", "rsqrt") and first["min"] < 0:
        return f"the {op} of a negative number"
    if first and op in ("log", "log2", "log10", "rsqrt", "reciprocal") and first["zeros"]:
        return f"the {op} of zero"
    if op == "div" and len(inputs) > 1:
        edge = node["inputs"][1]
        if edge.get("number", 1) == 0 or (inputs[1] and inputs[1]["zeros"]):
            return "a division by zero"
    if first and op in ("asin", "acos", "atanh") and max(-first["min"], first["max"]) >= 1:
        return f"the {op} of a number that is not between −1 and 1"
    if op in ("exp", "exp2", "expm1", "sinh", "cosh", "pow", "square", "mul"):
        return f"the result is too large for {node['dtype']}"
    return ""


def _gradients(graph: Graph, flow: Flow, nr: int) -> Iterator[tuple[tuple, Problem]]:
    """The first gradient of a pass that is not finite."""
    bad = graph.document["bad"]["backward"][nr] if nr < len(graph.document["bad"]["backward"]) else None
    if bad is None:
        return
    step = flow.order[bad["step"]]
    node = graph.nodes[step["node"]]
    called, what = graph.called(node["id"]), bad["norm"].lstrip("-")
    which = f" of pass {nr + 1}" if len(graph.document["passes"]) > 1 else ""
    hit = [s["node"] for s in flow.leaves if isinstance(s["norm"], str)]
    chain = [link(f"the gradient of {_names(graph, hit)} is not finite", hit[0])] if hit else []
    if bad["port"] is None:
        text = f"the first {what} of backward{which} is what arrives at {called}"
        why = "what backward began with is not finite"
        if flow.into.get(node["id"]):
            why = f"all that is sent to {called} is finite: the sum is too large, or a hook changed it"
        chain.append(link(why, node["id"]))
    else:
        port = node["inputs"][bad["port"]]["port"]
        text = f"the first {what} of backward{which} is made by {called} for its {port}, whose gradient it is"
        links = _values_in_rule(graph, node)
        spread = graph.spread(node)
        arrives = f"{called}: ‖g‖ = {figure(step['norm'])} arrives, but "
        if links:
            chain += [link(f"{arrives}its values are not finite", node["id"]), *links]
        else:
            chain.append(link(f"{arrives}its slope is endless" + (f"; {spread}" if spread else ""), node["id"]))
    yield _problem("nan", text, node["id"], chain, "backward", node["id"], bad["port"])


def _values_in_rule(graph: Graph, node: dict) -> list[Link]:
    """Why a rule computes with numbers that are not finite: the chain of its node's values."""
    names = [node["id"], *graph.sources(node)]
    name = next((n for n in reversed(names) if graph.bad(n)), None)
    if name is None:
        return []
    links, first = _origin(graph, name)
    between = [] if first == name else [link(f"{graph.called(name)} is {graph.bad(name)} in forward", name), *links]
    return [*between, link(_made(graph, first), first)]


# sizes


def _sizes(graph: Graph, flow: Flow) -> Iterator[tuple[tuple, Problem]]:
    """Layers whose gradient is far from that of the others, and the ops that made it so."""
    layers = _layers(graph, flow)
    if len(layers) < FEWEST_LAYERS:
        return
    sizes = [size for size, _, _ in layers.values()]
    nearest, median = sizes[0], statistics.median(sizes)
    for kind, sign in (("exploding", 1), ("vanishing", -1)):
        far = {
            name: it
            for name, it in layers.items()
            if sign * (it[0] - nearest) > LIMITS[kind][0] and sign * (it[0] - median) > LIMITS[kind][1]
        }
        if not far:
            continue
        worst = max(far, key=lambda name: sign * far[name][0])
        _, step, leaf = far[worst]
        who = listed([graph.owner(name) for name in reversed(far)])
        size = far[worst][0]
        text = f"{who}: the gradient {'explodes' if sign > 0 else 'vanishes'} in {len(far)} of {len(layers)} layers, "
        text += f"to {power(size - median, 2)} times that of the median layer"
        effect = (
            f"‖g‖ = {figure(step['norm'])} arrives at {graph.owner(worst)}, {power(size - nearest, 2)} times that of "
        )
        effect += f"the layer nearest to the loss, {power(size - median, 2)} times the median of {len(layers)} layers"
        yield _problem(kind, text, leaf, [link(effect, leaf), *_trail(graph, flow, step, sign)], *far)


def _layers(graph: Graph, flow: Flow) -> dict[str, tuple[float, dict, str]]:
    """log10 ‖g‖ of what arrives at each layer, without what the script itself scales; nearest to the loss first."""
    scaled: dict[str, float] = {}  # by how many powers of ten the script's own factors made it larger
    for step in flow.order:
        pair = flow.strongest(step["node"])
        scaled[step["node"]] = 0.0 if pair is None else scaled.get(pair[0]["node"], 0.0) + _scaling(graph, *pair)
    place = {step["node"]: i for i, step in enumerate(flow.order)}
    met: list[tuple[int, str, float, dict, str]] = []
    for leaf in flow.leaves:
        if leaf["norm"] == 0 or isinstance(leaf["norm"], str):
            continue
        owner = graph.layer(graph.nodes[leaf["node"]])
        for step, _ in flow.into.get(leaf["node"], ()):
            if step["norm"] and not isinstance(step["norm"], str):
                size = math.log10(step["norm"]) - scaled[step["node"]]
                met.append((place[step["node"]], owner, size, step, leaf["node"]))
    layers: dict[str, tuple[float, dict, str]] = {}
    for _, owner, size, step, name in sorted(met, key=lambda one: one[0]):
        known = layers.get(owner, (-math.inf, step, name))  # of several parameters the first, of several calls the most
        if owner not in layers or known[0] < size or (known[0] == size and graph.first(name, known[2])):
            layers[owner] = (size, step, name)
    return layers


def _scaling(graph: Graph, step: dict, given: dict) -> float:
    """The power of ten of a factor that the script gives, 0 for any other op."""
    node = graph.nodes[step["node"]]
    if node["op"] not in SCALES or len(graph.sources(node)) > 1:
        return 0.0
    return _factor(step, given)


def _factor(step: dict, given: dict) -> float:
    a, b = step["norm"], given["norm"]
    return 0.0 if not a or not b or isinstance(a, str) or isinstance(b, str) else math.log10(b) - math.log10(a)


def _trail(graph: Graph, flow: Flow, step: dict, sign: int) -> list[Link]:
    """The ops between a layer and the loss that changed the gradient most; the last is the nearest to the loss."""
    by_op: dict[str, list[tuple[float, dict, dict]]] = {}
    for sender, given in flow.path(step["node"]):
        factor = sign * (_factor(sender, given) - _scaling(graph, sender, given))
        if factor > 0.05:
            by_op.setdefault(graph.nodes[sender["node"]]["op"], []).append((factor, sender, given))
    if not by_op:
        return []
    op, mine = max(by_op.items(), key=lambda item: sum(one[0] for one in item[1]))
    out = []
    if len(mine) > 1:
        most = max(mine, key=lambda one: one[0])
        times = power(sign * sum(one[0] for one in mine), 2)
        out.append(link(f"{len(mine)} × {op} between it and the loss make it {times} times as large", most[1]["node"]))
    clear = [one for one in mine if one[0] > 0.15] or mine
    factor, sender, given = clear[-1]
    node = graph.nodes[sender["node"]]
    spread = graph.spread(node)
    first = ", the first of them" if len(mine) > 1 else ""
    text = f"{graph.called(node['id'])}{first}: ‖g‖ = {figure(sender['norm'])} arrives, {figure(given['norm'])} goes on"
    text += f"; {spread}" if spread else ""
    return [*out, link(text, node["id"])]


# zeros


def _zeros(graph: Graph, flow: Flow, alive: set[str]) -> Iterator[tuple[tuple, Problem]]:
    """Gradients that are all zero, by the place where they became zero; `alive` are the leaves that got others."""
    layers = {graph.layer(graph.nodes[name]) for name in alive}
    zero = [leaf["node"] for leaf in flow.leaves if leaf["norm"] == 0 and leaf["node"] not in alive]
    zero = [name for name in zero if math.prod(graph.nodes[name]["shape"])]
    groups: dict[tuple[str, int], tuple[dict, dict, list[Link], list[str]]] = {}
    for name in zero:
        dead = flow.killers(name)
        if dead is None or graph.layer(graph.nodes[name]) in layers:
            continue
        links, step, given = dead
        groups.setdefault((step["node"], given["port"]), (step, given, links, []))[3].append(name)
    for step in flow.order:  # a closed gate is one, also where its layer has another way to the loss
        node = graph.nodes[step["node"]]
        for given in step["inputs"]:
            if node["op"] in RELUS and step["norm"] and given["norm"] == 0 and math.prod(node["shape"][1:]) > 1:
                groups.setdefault((step["node"], given["port"]), (step, given, [], []))
    for step, given, links, leaves in groups.values():
        node = graph.nodes[step["node"]]
        if _sum_that_cancels(graph, node, given) or (alive and _by_chance(graph, node)):
            continue
        called = graph.called(node["id"])
        chain = [link(f"the gradient of {_names(graph, leaves)} is all zero", leaves[0])] if leaves else []
        chain += links
        if node["op"] in RELUS:
            kind, text = "dead", f"{called} is closed for {_of_all(node)}: no gradient goes through it"
        else:
            kind, text = "zero", f"the gradient of {_names(graph, leaves)} is all zero: {called} lets nothing through"
        yield _problem(kind, text, node["id"], [*chain, *_stopped(graph, node, step, given)], *_place(node))


def _stopped(graph: Graph, node: dict, step: dict, given: dict) -> list[Link]:
    """Why this step sends zero, and what that comes from where the document says it."""
    why, spread = given.get("why"), graph.spread(node)
    text = f"{graph.called(node['id'])}: ‖g‖ = {figure(step['norm'])} arrives, nothing goes on"
    highest = graph.stats(graph.nodes.get(node["inputs"][0]["from"])).get("max")
    if node["op"] == "relu" and highest is not None and highest <= 0:
        text += f", its input was not positive for {_of_all(node)}"
    text += f"; {spread}" if spread else ""
    links = [link(text, node["id"])]
    if why is not None and why["node"] != node["id"]:
        links.append(link(why["text"], why["node"]))
    return links


def _of_all(node: dict) -> str:
    shape = node["shape"]
    if len(shape) > 1:
        return f"{shape[0]} of {plural(shape[0], 'example')}"
    return plural(math.prod(shape), "number")


def _by_chance(graph: Graph, node: dict) -> bool:
    """Whether a gate with so few inputs, and such ones, is closed for all of them now and then."""
    if node["op"] not in CHOICES:
        return False
    count = math.prod(node["shape"]) if all(isinstance(n, int) for n in node["shape"]) else CERTAIN
    if count >= CERTAIN:
        return False
    stats = graph.stats(next((graph.nodes[s] for s in graph.sources(node)), None))
    if count < 2 or not stats or stats["min"] is None:
        return True
    return stats["max"] >= -4 * (stats["max"] - stats["min"])


def _sum_that_cancels(graph: Graph, node: dict, given: dict) -> bool:
    """A gradient that is a sum over a larger one: that it is zero says that the result does not feel a shift."""
    edge = node["inputs"][given["port"]]
    if edge["port"] == "bias":
        return True
    shape = edge.get("shape") or []
    return node["op"] in ("add", "sub", "expand") and math.prod(shape) < math.prod(node["shape"])


def _place(node: dict) -> tuple:
    where = node["where"] or {}
    return node["op"], node["module"], where.get("file"), where.get("line")


# units


def _units(graph: Graph, flow: Flow) -> Iterator[tuple[tuple, Problem]]:
    """Units of a layer that are off for every example, where that is more than chance."""
    for step in flow.order:
        node = graph.nodes[step["node"]]
        if node["op"] != "relu" or not graph.sources(node) or not step["norm"]:
            continue
        source = graph.nodes[graph.sources(node)[0]]
        layer, axis = _unit_axis(graph, source)
        for one in graph.stats(source).get("units", ()):
            if one["axis"] != axis or one["off"] == one["of"]:
                continue
            far = one["far"]
            many = one["each"] >= MANY and _unlikely(one["off"], one["of"])
            if not many and not far:
                continue
            count = one["off"] if many else len(far)
            units = "" if many else " (" + ", ".join(str(i) for i, _ in far) + ")"
            called, owner = graph.called(node["id"]), graph.owner(layer) or graph.called(source["id"])
            are = "is" if count == 1 else "are"
            text = f"{count} of {one['of']} units{units} of {called} {are} off for {_of_all(node)}"
            chain = [link(f"no gradient for {plural(count, 'unit')} of {owner}", source["id"])]
            highest = f"; the largest input of unit {far[0][0]} is {figure(far[0][1])}" if far else ""
            why = f"{called}: no input of {'it' if count == 1 else 'them'} is positive{highest}; {graph.spread(node)}"
            chain.append(link(why, node["id"]))
            yield _problem("dead", text, node["id"], chain, *_place(node), "units")


def _unit_axis(graph: Graph, node: dict) -> tuple[str, int]:
    """Which axis of the input of a gate counts units, and whose they are: that of the nearest layer with weights."""
    last = max(0, len(node["shape"]) - 1)
    for _ in range(8):
        if node["kind"] != "op":
            break
        if node["parameters"] or "weight" in {e["port"] for e in node["inputs"]}:
            channels = node["op"].startswith(("conv", "batch_norm", "group_norm", "instance_norm"))
            return node["module"], 1 if channels else last
        sources = graph.sources(node)
        if not sources:
            break
        node = graph.nodes[sources[0]]
    return "", 1 if last > 2 else last


def _unlikely(off: int, of: int) -> bool:
    """Whether so many units are off though each is with a chance of a half: four standard deviations."""
    return off > of / 2 + 2 * math.sqrt(of)


def _names(graph: Graph, ids: list[str]) -> str:
    return listed([graph.called(name) for name in ids])
