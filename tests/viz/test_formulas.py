"""Every formula of a call, worked out by its own words, is the gradient that its rule gives: over the case table."""

from __future__ import annotations

import numpy as np
import pytest
from formulas import cofactors, fitted, value

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import viz
from tinygrad_cnn.engine.call import registry
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.kernels import kernel, use
from tinygrad_cnn.kernels.textbook.recurrent import turns
from tinygrad_cnn.testing.cases import public, table
from tinygrad_cnn.testing.cases.loss import paths_that_say
from tinygrad_cnn.viz import recorder

CASES = [c for c in table() if c.orders >= 1]
SEEN: set = set()


def pair(x):
    return (x, x) if isinstance(x, int) else tuple(x)


class Call:
    """One step of a backward pass: what the op was called with, what arrived, what it made of it."""

    def __init__(self, node, step, g, contributions, call):
        self.op, self.places, self.values, self.out = call["op"], node.plan.needed, call["args"], call["out"]
        self.node, self.step, self.contributions = node, step, contributions
        self.g = g
        self.names = dict(zip(self.op.parameters, self.values, strict=False))
        numbers = [node.plan.numbered.index(k) for k in self.op.keeps]
        self.kept = {k: node.kept(k) for k, n in zip(self.op.keeps, numbers) if n in node.plan.keep}
        if self.op.variadic:
            n = len(self.values) - len(self.op.keyword_only)
            self.names = dict(zip(self.op.keyword_only, self.values[n:], strict=True))
            self.names |= {"operands": self.values[:n]}

    def linear(self, place):
        """The gradient by the op itself, which is linear in this input: Σ g · op(1 at one element, 0 elsewhere)."""
        x = self.values[place]
        found = np.zeros(x.shape)
        base = self._out(place, np.zeros(x.shape))
        g = self.g[0] if isinstance(self.g, dict) else self.g
        for i in np.ndindex(*x.shape):
            one = np.zeros(x.shape)
            one[i] = 1
            found[i] = np.sum(g * (self._out(place, one) - base))
        return found

    def _out(self, place, x):
        out = self.op.compute(*[x if i == place else v for i, v in enumerate(self.values)])
        out = out[0] if self.op.keeps else out
        return np.asarray(out)

    def env(self, place):
        """What a formula may speak of."""
        names = dict(self.names)
        shape = self.values[place].shape
        g, out = self.g, self.out
        if isinstance(g, dict):
            parts = [g.get(i, np.zeros(np.shape(o))) for i, o in enumerate(out)]
            g, out = parts[0], out[0]
            names |= {f"g_{i}": part for i, part in enumerate(parts)}
            names |= {f"g_{k}": part for k, part in zip(self.kept, parts)} | self.kept
            names["words"] = {
                "cat": lambda _, dim: np.concatenate(parts, int(dim)),
                "stack": lambda _, dim: np.stack(parts, int(dim)),
            }
        else:
            names["words"] = {}
        dim, keepdim = names.get("dim"), names.get("keepdim")
        names = {"out": out} | names | {"g": g}
        if keepdim is not None and np.ndim(g) < len(shape):  # as the axes that were summed come back
            over = range(len(shape)) if dim in (None, ()) else dim if isinstance(dim, tuple | list) else [dim]
            over = sorted(d % len(shape) for d in over)
            names |= {k: np.expand_dims(names[k], over) for k in ("g", "out")}
        if self.op.name == "sum_to" and np.ndim(g) < len(shape):
            names["g"] = np.reshape(g, (1,) * (len(shape) - np.ndim(g)) + np.shape(g))
        names |= self.special(place)
        names["words"] |= {
            "part": lambda g, a, b, dim: np.take(g, range(int(a), int(b)), int(dim)),
            "rows": lambda g, input: g[input],
            "substitute": lambda a, g: np.linalg.solve(self.triangle(a), g),
            "count": lambda i: np.bincount(i.ravel(), minlength=1)[i][..., None],
            **{
                word: lambda *_: self.linear(place)
                for word in ("fold", "unfold", "windows", "fold_windows", "on_diagonal", "diagonal", "without_border")
            },
        }
        names["phrases"] = {k: lambda _: self.linear(place) for k in ("copies", "reads of a place")}
        names["phrases"] |= {"group": names.pop("group", None), **names.pop("sets", {})}
        return names

    def triangle(self, transposed):
        """What substitution reads of the transposed matrix."""
        upper, unit = self.names["upper"], self.names["unitriangular"]
        side = (np.tril if upper else np.triu)(transposed, (-1 if upper else 1) * unit)
        return side + np.eye(side.shape[-1]) if unit else side

    def special(self, place):
        """Words of single ops."""
        op, names = self.op.name, self.names | self.kept
        if op in ("det", "_slogdet"):
            g = self.g if op == "det" else self.g.get(1, 0.0)
            return dict.fromkeys(("g", "g_1"), np.asarray(g)[..., None, None])
        if op in ("_svdvals", "_eigvalsh"):
            u, _, v = np.linalg.svd(names["A"], full_matrices=False)
            return {"U": u, "V": v, "Q": np.linalg.eigh(names["A"])[1] if op == "_eigvalsh" else None}
        if op in ("_batch_norm", "_group_norm"):
            x = names["input"]
            groups = x.shape[1] if op == "_batch_norm" else names["groups"]
            if op == "_batch_norm":
                over = (0, *range(2, x.ndim))
                return {"mean": x.mean(over), "invstd": 1 / np.sqrt(x.var(over) + names["eps"])}
            y = x.reshape(x.shape[0], groups, -1)
            mean = y.mean(2, keepdims=True) if names["centered"] else 0
            scale = 1 / np.sqrt(((y - mean) ** 2).mean(2, keepdims=True) + names["eps"])
            group = lambda h: np.broadcast_to(
                np.broadcast_to(h, x.shape).reshape(y.shape).mean(2, keepdims=True), y.shape
            ).reshape(x.shape)
            return {
                "mean": np.broadcast_to(mean, y.shape).reshape(x.shape),
                "invstd": np.broadcast_to(scale, y.shape).reshape(x.shape), "group": group,
            }  # fmt: skip
        if op == "_layer_norm":
            x, over = names["input"], tuple(range(-names["last"], 0))
            mean = x.mean(over, keepdims=True) if names["centered"] else 0
            return {"mean": mean, "invstd": 1 / np.sqrt(((x - mean) ** 2).mean(over, keepdims=True) + names["eps"])}
        if op in ("_rnn", "_lstm", "_gru"):
            return through_time(op, names, self.g, self.op.parameters[place])
        if op in ("_scatter_extreme", "_scatter_product"):
            src, places = names["src"], names["places"]
            count, product = np.asarray(names["input"] == self.out, float), np.ones(np.shape(self.out))
            np.add.at(count, places, src == self.out[places])
            np.multiply.at(product, places, src)
            others = np.empty(src.shape)
            for i in np.ndindex(*src.shape):
                one = src.copy()
                one[i] = 1
                others[i] = registry["_scatter_product"](names["input"], one, places)[places][i]
            return {
                "ties": np.maximum(count, 1), "words": {"at": lambda a: a[places]},
                "sets": {
                    "sources of a place": lambda _: product,
                    "other sources of a place": lambda _: others,
                },
            }  # fmt: skip
        if op in ("_dropout", "_dropout_again"):
            ones = np.ones(names["input"].shape)
            return {"mask": kernel.dropout_again(ones, names["kept"], names["p"], names["axes"]) != 0}
        if op == "_attention":
            return self.kept
        if op.startswith("max_pool2d"):
            choice, (ky, kx) = names["choice"], pair(names["kernel_size"])
            return {"won": np.stack([choice == k for k in range(ky * kx)], -1).reshape(*choice.shape, ky, kx)}
        if op.startswith("avg_pool2d"):
            size, (ky, kx) = names.get("input_shape", np.shape(names.get("input")))[-2:], pair(names["kernel_size"])
            (sy, sx), (py, px) = pair(names["stride"] or names["kernel_size"]), pair(names["padding"])
            counts = [
                [
                    max(0, min(k * s + n - p, length + (p if names["count_include_pad"] else 0))
                        - max(k * s - p, -p if names["count_include_pad"] else 0))
                    for k in range(99)
                ]
                for n, s, p, length in ((ky, sy, py, size[0]), (kx, sx, px, size[1]))
            ]  # fmt: skip
            P, Q = (self.out if op == "avg_pool2d" else names["grad"]).shape[-2:]
            return {"size": np.outer(counts[0][:P], counts[1][:Q]).astype(float)}
        return {}

    def worked(self, place, formula):
        names, shape = self.env(place), self.values[place].shape
        op, g = self.op.name, self.g
        if formula.startswith("einsum("):
            equation, _, operands = formula.removeprefix("einsum(").partition(") of ")
            given = [g if o == "g" else self.values[int(o.split()[1])] for o in operands.split(", ")]
            return np.einsum(equation, *given)
        if "lookups of a row" in formula:
            rows, out = names["input"], np.zeros(shape)
            np.add.at(out, rows, g)
            if formula.startswith("mean"):
                out /= np.maximum(np.bincount(rows.ravel(), minlength=len(out)), 1)[:, None]
            if "nothing for row" in formula:
                out[int(formula.rpartition(" ")[2])] = 0
            return out
        if op == "_embedding_weight":
            text, _, row = formula.partition(", nothing for row ")
            out = value(text, names, shape)
            return np.where((names["input"] == int(row))[..., None], 0, out) if row else out
        if formula in ("g at the places", "g outside the places"):
            return self.linear(place)
        if op == "_ctc_loss":
            return -np.asarray(g)[:, None] * readings(
                **{k: names[k] for k in ("log_probs", "texts", "times", "letters")}
            )
        if formula == "g · U Vᵀ":
            x, dim = np.moveaxis(names["input"], names["dim"], (-2, -1)), names["dim"]
            u, _, v = np.linalg.svd(x, full_matrices=False)
            return np.moveaxis(np.asarray(g)[..., None, None] * (u @ v), (-2, -1), dim)
        if formula == "the turn of cofactors(A) along g":
            return (cofactors(names["A"] + 1e-6 * g) - cofactors(names["A"] - 1e-6 * g)) / 2e-6
        if formula == "the turn of U Vᵀ along g":

            def turn(x):
                u, _, v = np.linalg.svd(np.moveaxis(x, names["dim"], (-2, -1)), full_matrices=False)
                return np.moveaxis(u @ v, (-2, -1), names["dim"])

            x = names["input"]
            return (turn(x + 1e-6 * g) - turn(x - 1e-6 * g)) / 2e-6
        along = names.get("dim")
        if formula.startswith("[i] = "):
            return self.along(names, shape, along, formula)
        return value(formula, names, shape)

    def along(self, names, shape, dim, formula):
        """A formula for the elements along an axis, for each line of elements."""
        if not shape:  # a number has one axis to speak of
            names, shape = names | {k: np.reshape(names[k], (1,)) for k in ("g", "out", "input")}, (1,)
        axes = [d % len(shape) for d in (range(len(shape)) if dim is None else [dim])]
        front = list(range(len(axes)))
        n = int(np.prod([shape[i] for i in axes]))

        def lines(a):
            whole = np.broadcast_to(a, shape) if np.ndim(a) == len(shape) or not np.ndim(a) else a
            return np.moveaxis(whole, axes, front).reshape(n, -1)

        g, input = lines(names["g"]), lines(names["input"])
        inside = "g[" in formula
        out = lines(names["out"]) if "out[" in formula else input
        found = [
            value(formula, names | {"g": g[:, k] if inside else g[0, k], "input": input[:, k], "out": out[:, k]}, (n,))
            for k in range(input.shape[1])
        ]
        moved = [shape[i] for i in axes] + [m for i, m in enumerate(shape) if i not in axes]
        return np.moveaxis(np.stack(found, 1).reshape(moved), front, axes)


def through_time(op, names, g, port):
    """What the law of a recurrent layer makes of a gradient, in the words of its formulas."""
    weight, bias, *steps = (names[k] for k in ("weight_hh", "bias_hh", "sizes", "reverse"))
    rows = lambda a: None if a is None else a.reshape(-1, a.shape[-1])
    hidden, input = rows(names["hidden"]), rows(names["input"])
    of_input = names["bias_ih"]
    if op != "_gru" and bias is not None:
        of_input = bias if of_input is None else of_input + bias
    read = input, names["weight_ih"], of_input
    grads = [rows(g.get(i)) for i in range(3)]
    with use("textbook"):
        if op == "_rnn":
            *_, before, slope = kernel.rnn(*read, hidden, weight, *steps, names["rectify"])
            d_x, d_h = kernel.rnn_backward(*grads[:2], slope, weight, *steps)
            return {"input": input, "d_x": d_x, "d_h": d_h, "before": before}
        if op == "_gru":
            *_, before, gates = kernel.gru(*read, hidden, weight, bias, *steps)
            d_x, d_q, d_h = kernel.gru_backward(*grads[:2], before, gates, weight, *steps)
            return {"input": input, "d_x": d_x, "d_q": d_q, "d_h": d_h, "before": before}
        states = hidden, rows(names["cell"])
        *_, before, cell, gates = kernel.lstm(*read, *states, weight, names["weight_hr"], *steps)
        d_x, d_h, d_c, _ = kernel.lstm_backward(*grads, cell, gates, weight, names["weight_hr"], *steps)
    found = {"input": input, "d_x": d_x, "d_h": d_h, "d_c": d_c, "before": before}
    if port == "weight_hr":
        i, f, g, o = np.split(gates, 4, 1)
        sent, of_every_step = {}, np.zeros_like(before)
        for row, b in turns(steps[0], not steps[1]):
            of_every_step[row] = 0 if grads[0] is None else grads[0][row]
            of_every_step[row] += sent[b] if b in sent else 0 if grads[1] is None else grads[1][b]
            sent[b] = d_x[row] @ weight
        found |= {"d_h": of_every_step, "o": o, "c": f * cell + i * g}
    return found


def of_case(case):
    return (lambda *inputs: public(case.op)(*inputs, **case.attributes)), case.arrays()


OF_TWO = np.arange(1.0, 7).reshape(2, 3)
MORE = {  # inputs that the table gives no gradient to
    "_index_put": (lambda x, v: x.index_put((tg.tensor([1, 0]),), v), [OF_TWO, -OF_TWO]),
    "_index_fill": (lambda x, v: x.index_fill(0, tg.tensor([1]), v), [OF_TWO, np.array(3.0)]),
    "_powers": (registry["_powers"], [OF_TWO / 9, np.array(0.5)]),
    "_cofactors": (registry["_cofactors"], [np.arange(9.0).reshape(3, 3)]),
    "_rotation": (lambda x: registry["_rotation"](x, (0, 1)), [OF_TWO + np.eye(2, 3)]),
    "_logit_loss": (
        lambda x, p: tg.nn.functional.binary_cross_entropy_with_logits(x, (x > 3).to(x.dtype), pos_weight=p),
        [OF_TWO, np.array([1.0, 2.0, 3.0])],
    ),
}


def calls_of(f, arrays, order):
    """The document of a function that is differentiated so often, and what its steps were."""
    found = []

    def noting(walk, node, step, g, arrays):
        call = walk.structure.calls.get(node.time)
        if call is not None and "args" in call and hasattr(node, "plan"):
            found.append(Call(node, step, g, [None if a is None else np.array(a) for a in arrays], call))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder.Walk, "_work", noting)
        with viz.record() as r:
            inputs = [
                tg.tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x for x in arrays
            ]
            out = f(*inputs)
            outs = [o for o in ([out] if isinstance(out, Tensor) else out) if o.requires_grad]
            wanted = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
            seeds = [
                tg.tensor(np.cos(1.0 + np.arange(o.numel())).reshape(o.shape), requires_grad=order > 1) for o in outs
            ]
            grads = tg.autograd.grad(outs, wanted, seeds, create_graph=order > 1, allow_unused=True)
            if order > 1:
                grads = [x for x in grads if x is not None and x.requires_grad]
                again = [tg.tensor(np.sin(1.0 + np.arange(x.numel())).reshape(x.shape)) for x in grads]
                tg.autograd.grad(grads, [*wanted, *seeds], again, allow_unused=True)
    assert "notes" not in r.document
    return r.document, found


def wrong(case, f, arrays, order):
    """The formulas of a case that are not what their rules give."""
    document, calls = calls_of(f, arrays, order)
    nodes = {n["id"]: n for n in document["nodes"]}
    out = []
    for call in calls:
        node = nodes[call.step["node"]]
        for place, one, c in zip(call.places, call.step["inputs"], call.contributions, strict=True):
            formula = node["inputs"][one["port"]]["formula"]
            name = call.op.variadic or call.op.parameters[place]
            SEEN.add((call.op.name, name))
            if c is None or not c.size:
                continue
            try:
                with np.errstate(all="ignore"):
                    expected = fitted(np.asarray(call.worked(place, formula), float), c.shape)
            except Exception as error:
                out.append((str(case), call.op.name, name, formula, repr(error)))
                continue
            if not np.allclose(expected, c, rtol=1e-5, atol=1e-7, equal_nan=True):
                out.append((str(case), call.op.name, name, formula, expected.ravel()[:4], c.ravel()[:4]))
    return out


@pytest.mark.slow
def readings(log_probs, texts, times, letters):
    """P(class at t | text), by all paths."""
    found = np.zeros_like(log_probs)
    for n, (T, S) in enumerate(zip(times, letters, strict=True)):
        for path in paths_that_say(texts[n, :S], T, log_probs.shape[2]):
            found[range(T), n, path] += np.exp(log_probs[range(T), n, path].sum())
        found[:, n] /= found[0, n].sum()
    return found


# Rules that refuse: there is no formula of what they would give.
REFUSED = {("_ctc_slope", "log_probs"), ("_ctc_slope", "losses")}


def test_every_formula_is_its_rule():
    found = [one for case in CASES for one in wrong(case, *of_case(case), min(case.orders, 2))]
    found += [one for name, (f, arrays) in MORE.items() for one in wrong(name, f, arrays, 1)]
    assert found == []
    ours = {name: f.op for name, f in registry.items() if f.op.forward.__module__.startswith("tinygrad_cnn.")}
    everything = {(name, given) for name, op in ours.items() for given, rule in op.rules.items() if rule is not None}
    assert everything - SEEN == REFUSED


X, Y = np.ones((3, 4)), np.zeros((3, 4))
IMAGE, FILTER = np.ones((1, 4, 8, 9)), np.ones((6, 2, 3, 3))


@pytest.mark.parametrize(
    ("f", "arrays", "op", "port", "expected"),
    [
        (lambda x: x.mean(), [X], "mean", "input", "g / 12"),
        (lambda x: x.mean(-1), [X], "mean", "input", "g / 4, repeated along axis 1"),
        (lambda x: x.var(0), [X], "variance", "input", "2 · g · (input − mean_{axis 0} input) / (3 − 1)"),
        (lambda x, y: F.mse_loss(x, y), [X, Y], "mse_loss", "input", "2 · g · (input − target) / 12"),
        (lambda x, y: F.mse_loss(x, y, reduction="sum"), [X, Y], "mse_loss", "input", "2 · g · (input − target)"),
        (lambda x, y: F.mse_loss(x, y, reduction="none"), [X, Y], "mse_loss", "input", "2 · g · (input − target)"),
        (lambda x: F.cross_entropy(x, tg.tensor([0, 1, 2]), reduction="sum"), [X], "cross_entropy", "input",
         "g · (p − y), where p = softmax(input), y = onehot(target, 4)"),
        (lambda x: F.cross_entropy(x, tg.tensor([0, 1, 2])), [X], "cross_entropy", "input",
         "g / 3 · (p − y), where p = softmax(input), y = onehot(target, 4)"),
        (lambda x: x * 3, [X], "mul", "input", "g · 3"),
        (lambda x: x**-2, [X], "pow", "input", "g · (−2) · input^{−2 − 1}"),
        (lambda x: F.leaky_relu(x, 0.2), [X], "leaky_relu", "input", "g if [input > 0], else g · 0.2"),
        (lambda x: x.transpose(0, 1), [X], "transpose", "input", "transpose(g, 0, 1)"),
        (lambda x: x.softmax(-1), [X], "softmax", "input", "out · (g − Σ_{axis 1} g · out)"),
        (lambda x: x.clamp(min=0), [X], "clamp", "input", "g · [0 ≤ input]"),
        (lambda x, w: F.conv2d(x, w, stride=2, padding=(1, 0), dilation=(1, 2), groups=2), [IMAGE, FILTER], "conv2d",
         "weight",
         "[o, c, i, j] = Σ_{n,p,q} g[n, o, p, q] · input[n, c + 2 · floor(o / 3), 2 · p + i − 1, 2 · q + 2 · j]"),
        (lambda x, w: F.conv2d(x, w, stride=2, padding=(1, 0), dilation=(1, 2), groups=2), [IMAGE, FILTER], "conv2d",
         "input",
         "[n, c, y, x] = Σ_{o,i,j} g[n, o, (y + 1 − i) / 2, (x − 2 · j) / 2] · weight[o, c − 2 · floor(o / 3), i, j]"),
        (lambda x: F.max_pool2d(x, 2), [IMAGE], "max_pool2d", "input",
         "[n, c, y, x] = Σ_{p,q} g[n, c, p, q] · won[n, c, p, q, y − 2 · p, x − 2 · q]"),
        (lambda x: F.avg_pool2d(x, 2), [IMAGE], "avg_pool2d", "input",
         "[n, c, y, x] = Σ_{p,q} g[n, c, p, q] · [0 ≤ y − 2 · p < 2] · [0 ≤ x − 2 · q < 2] / (2 · 2)"),
    ],
)  # fmt: skip
def test_a_formula_has_the_numbers_of_its_call(f, arrays, op, port, expected):
    with viz.record() as r:
        inputs = [tg.tensor(np.asarray(a, float), requires_grad=True) for a in arrays]
        f(*inputs).sum().backward()
    found = [e for n in r.document["nodes"] if n["op"] == op for e in n["inputs"] if e["port"] == port]
    assert found[0]["formula"] == expected


@pytest.mark.parametrize(
    ("op", "port", "formula"),
    [
        ("mean", "input", "g"),
        ("_mse_loss", "input", "2 · g · (input − target) / 7"),
        ("conv2d", "weight", "[o, c, i, j] = Σ_{n,p,q} g[n, o, p, q] · input[n, c, p + i, q + j]"),
        ("relu", "input", "g · [input < 0]"),
        ("tanh", "input", "g · (1 − out)"),
    ],
)
def test_a_wrong_formula_is_found(op, port, formula, monkeypatch):
    monkeypatch.setitem(registry[op].op.formulas, port, formula)
    assert any(wrong(case, *of_case(case), 1) for case in CASES if case.op == op.strip("_"))
