"""What a model is made of and what it costs, one row for each module.

The model runs once, forward, on numbers that are made up. A row counts what its module does itself, and what is
done in modules that are folded into it; so every column adds up to its total.

- parameters: a shared one is counted where it comes first.
- multiply-adds: of convolutions and matrix products, where nearly all the work of a network is. A tap on the
  padding counts, a bias does not.
- bytes saved for backward: the memory that the graph keeps alive, each buffer once; not parameters and buffers of
  the model, which are there in any case.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.arrays.plain import owner
from tinygrad_cnn.arrays.quiet import quietly
from tinygrad_cnn.engine.modes import Setting, mode
from tinygrad_cnn.engine.op import Op
from tinygrad_cnn.engine.record import OpNode
from tinygrad_cnn.engine.tensor import Tensor, wrap
from tinygrad_cnn.engine.walk import ancestry
from tinygrad_cnn.engine.watch import Tracer
from tinygrad_cnn.nn import Module

from .names import printable
from .probe import hooked, require_model, tensor_for, untouched

SCHEMA = "tinygrad_cnn.viz.summary/1"

# Multiply-adds of one call: from the shapes of its arguments and of its result.
WORK: dict[str, Callable[[list, tuple], int]] = {
    "conv2d": lambda shapes, out: math.prod(out) * math.prod(shapes[1][1:]),
    "conv2d_input": lambda shapes, out: math.prod(shapes[0]) * math.prod(shapes[1][1:]),
    "conv2d_weight": lambda shapes, out: math.prod(shapes[0]) * math.prod(out[1:]),
    "linear": lambda shapes, out: math.prod(out) * shapes[0][-1],
    "matmul": lambda shapes, out: math.prod(out) * shapes[0][-1],
}


class Row(NamedTuple):
    """One module: its path ("" for the model), its class, and what it does itself."""

    path: str
    kind: str
    depth: int
    output: str  # shape, or shapes; "" where it was not called
    calls: int
    parameters: int
    trainable: int
    multiply_adds: int
    saved: int  # bytes


class Summary:
    """The result of `summary`: `rows`, totals, and the same as text, HTML or plain data."""

    def __init__(self, rows: list[Row], inputs: list[str], mode: str):
        self.rows, self.inputs, self.mode = rows, inputs, mode
        self.parameters = sum(row.parameters for row in rows)
        self.trainable = sum(row.trainable for row in rows)
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.saved = sum(row.saved for row in rows)

    @property
    def frozen(self) -> int:
        """Parameters that are not trained."""
        return self.parameters - self.trainable

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""
        names = ("parameters", "trainable", "frozen", "multiply_adds", "saved")
        return {
            "schema": SCHEMA,
            "inputs": self.inputs,
            "mode": self.mode,
            "rows": [row._asdict() for row in self.rows],
            "total": {name: getattr(self, name) for name in names},
        }

    HEAD = ("layer", "output shape", "parameters", "multiply-adds", "saved for backward")

    def cells(self) -> Iterator[tuple[str, str, str, str, str]]:
        """The table's rows as text, without indentation; the last one is the total."""
        for row in self.rows:
            name = row.path.rpartition(".")[2]
            kind = printable(f"{name}: {row.kind}" if name else row.kind)
            kind += f" ×{row.calls}" if row.calls > 1 else ""
            output = row.output if row.calls else "not called"
            yield kind, output, _count(row.parameters), _count(row.multiply_adds), _bytes(row.saved)
        yield "total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _bytes(self.saved) or "0 B"

    def notes(self) -> list[str]:
        """What is to be known beside the table."""
        given = " and ".join(self.inputs)
        return [
            f"trainable parameters: {self.trainable:,}, frozen: {self.frozen:,}",
            f"input {given}, run in {self.mode} mode"
            + (", for it cannot be run on this in training mode" if self.mode == "eval" else ""),
        ]

    def __str__(self) -> str:
        depths = [row.depth for row in self.rows] + [0]
        table = [("  " * depth + cells[0], *cells[1:]) for depth, cells in zip(depths, self.cells(), strict=True)]
        widths = [max(map(len, column)) for column in zip(self.HEAD, *table, strict=True)]

        def line(cells: Sequence[str]) -> str:
            texts = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
            return "  ".join(texts).rstrip()

        rule = "  ".join("-" * w for w in widths)
        return "\n".join([line(self.HEAD), rule, *map(line, table[:-1]), rule, line(table[-1]), *self.notes()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        def line(tag: str, cells: Sequence[str], depth: int = 0, scope: str = "row") -> str:
            first = (
                f'<th scope="{scope}" style="text-align:left;padding-left:{depth + 0.4:.1f}em">{escape(cells[0])}</th>'
            )
            if tag == "th":
                rest = "".join(
                    f'<th scope="col" style="text-align:{_side(i)}">{escape(c)}</th>' for i, c in enumerate(cells[1:])
                )
            else:
                rest = "".join(f'<td style="text-align:{_side(i)}">{escape(c)}</td>' for i, c in enumerate(cells[1:]))
            return f"<tr>{first}{rest}</tr>"

        *body, total = self.cells()
        rows = "".join(line("td", cells, row.depth) for row, cells in zip(self.rows, body, strict=True))
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes())
        return (
            f'<table class="summary"><thead>{line("th", self.HEAD, scope="col")}</thead><tbody>{rows}</tbody>'
            f"<tfoot>{line('td', total)}</tfoot></table>{notes}"
        )


def summary(
    model: Module,
    input_size: Any,
    *,
    batch: int | None = None,
    depth: int | None = None,
    dtypes: Any = None,
) -> Summary:
    """What each module of the model returns, holds, computes and saves for backward.

    input_size: the shape of the input with its batch axis, or a list of shapes for several inputs; or the
    inputs themselves, a Tensor or a list of Tensors.
    batch: put before every shape, which is then the shape of one example.
    depth: fold modules deeper than this into those around them.
    dtypes: of the inputs that are made up, one for all or one for each; float like the parameters by default.

    The model runs once, in training mode as that is where backward follows (in eval mode where it refuses, such as
    batch norm of a single value). It is left as it was: modes, running statistics, gradients, random numbers.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(4, 8), tg.nn.ReLU(), tg.nn.Linear(8, 3))
    >>> tg.viz.summary(net, (4,), batch=5)
    layer        output shape  parameters  multiply-adds  saved for backward
    -----------  ------------  ----------  -------------  ------------------
    Sequential   (5, 3)
      0: Linear  (5, 8)                40            160                80 B
      1: ReLU    (5, 8)                                                160 B
      2: Linear  (5, 3)                27            120
    -----------  ------------  ----------  -------------  ------------------
    total                              67            280               240 B
    trainable parameters: 67, frozen: 0
    input (5, 4) float32, run in training mode
    """
    require_model("summary", model)
    if depth is not None and depth < 0:
        raise ValueError(f"summary: depth must not be negative, got {depth}")
    inputs = _inputs(model, input_size, batch, dtypes)
    try:
        how, run = "training", _run(model, inputs, training=True)
    except ValueError:
        how, run = "eval", _run(model, inputs, training=False)
    described = [f"{tuple(x.shape)} {x.dtype}" for x in inputs]
    return Summary(_rows(model, run, math.inf if depth is None else depth), described, how)


class _Run(Tracer):
    """What was seen of one forward pass, by module; None stands for what no module of the model did."""

    def __init__(self, model: Module):
        self.known = {id(m) for m in model.modules()}
        self.shapes: dict[int, str] = {}
        self.calls: Counter[int] = Counter()
        self.work: Counter[int | None] = Counter()
        self.saved: Counter[int | None] = Counter()

    def owner(self, scope: Any) -> int | None:
        """The innermost running module that belongs to the model."""
        while scope is not None and id(scope.module) not in self.known:
            scope = scope.outer
        return None if scope is None else id(scope.module)

    def returned(self, module: Module, args: Any, out: Any) -> None:
        self.shapes[id(module)] = _shapes(out)
        self.calls[id(module)] += 1

    def called(self, op: Any, args: Any, out: Any, node: Any) -> None:
        """What the engine tells of every op."""
        if isinstance(op, Op):
            self.work[self.owner(mode.scope)] += _work(op, args, out)

    def keep(self, out: Any, model: Module) -> None:
        """Count what the graph of the result holds."""
        counted: dict[int, float] = {id(owner(t._array)): math.inf for t in [*model.parameters(), *model.buffers()]}
        roots = [t._node for t in _tensors(out) if t.grad_fn is not None]
        for node in sorted(ancestry(roots), key=lambda n: n.time):  # type: ignore[arg-type]
            for array in _held(node):
                memory = owner(array)
                size, before = min(array.nbytes, memory.nbytes), counted.get(id(memory), 0)
                if size > before:
                    counted[id(memory)] = size
                    self.saved[self.owner(node.scope)] += size - int(before)


def _run(model: Module, inputs: list[Tensor], training: bool) -> _Run:
    run = _Run(model)
    with untouched(model, training), Setting(grad=True, inference=False, watch=True, tracer=run):
        with hooked(model.modules(), run.returned):
            out = model(*inputs)
        run.keep(out, model)
    return run


def _rows(model: Module, run: _Run, deepest: float) -> list[Row]:
    """A row for each module down to a depth; the rest goes to the row around it."""
    rows: list[list] = []
    place: dict[str, int] = {}
    counted: set[int] = set()
    for path, module in model.named_modules():
        level = path.count(".") + 1 if path else 0
        while level > deepest or path not in place:
            if level <= deepest:
                place[path] = len(rows)
                rows.append([path, type(module).__name__, level, run.shapes.get(id(module), ""), run.calls[id(module)]])
                rows[-1] += [0, 0, 0, 0]
                break
            path, level = path.rpartition(".")[0], level - 1
        row = rows[place[path]]
        own = [p for p in module.parameters(recurse=False) if id(p) not in counted]
        counted.update(map(id, own))
        row[5] += sum(p.numel() for p in own)
        row[6] += sum(p.numel() for p in own if p.requires_grad)
        row[7] += run.work.pop(id(module), 0)
        row[8] += run.saved.pop(id(module), 0)
    rows[0][7] += sum(run.work.values())
    rows[0][8] += sum(run.saved.values())
    return [Row(*row) for row in rows]


# inputs


def _inputs(model: Module, given: Any, batch: int | None, dtypes: Any) -> list[Tensor]:
    if isinstance(given, Tensor | np.ndarray):
        given = [given]
    if isinstance(given, int) or not isinstance(given, Sequence):
        raise TypeError(
            f"summary: input_size must be a shape such as (1, 28, 28), a list of shapes, or Tensors, got {given!r:.60}"
        )
    given = [given] if not given or isinstance(given[0], int | np.integer) else list(given)
    kinds = list(dtypes) if isinstance(dtypes, list | tuple) else [dtypes] * len(given)
    if len(kinds) != len(given):
        raise ValueError(f"summary: {len(kinds)} dtypes for {len(given)} inputs; give one for each")
    if all(isinstance(x, Tensor | np.ndarray) for x in given):
        if batch is not None or dtypes is not None:
            raise ValueError("summary: batch and dtypes are for inputs that are made up; these are given")
        return [tensor_for(model, x) for x in given]
    return [_made_up(model, shape, batch, dtype) for shape, dtype in zip(given, kinds, strict=True)]


def _made_up(model: Module, shape: Any, batch: int | None, dtype: Any) -> Tensor:
    """Normal numbers that are always the same; zeros where they are integers, which are in range of any table."""
    sizes = [*([] if batch is None else [batch]), *(shape if isinstance(shape, Sequence) else [shape])]
    if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in sizes):
        raise ValueError(f"summary: a shape is made of integers that are not negative, got {shape!r:.60}")
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        return wrap(np.zeros(sizes, dtype))
    numbers = quietly(np.random.default_rng, 0).standard_normal(sizes)
    return wrap(numbers.astype(_float(model) if dtype is None else dtype))


def _float(model: Module) -> np.dtype:
    return next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), np.dtype(np.float32))


# what is seen


def _work(op: Op, args: Any, out: Any) -> int:
    shapes = [tuple(a.shape) if isinstance(a, Tensor | np.ndarray) else () for a in args]
    if op.name == "_einsum":
        return _sum_of_products(args[-1], shapes)
    count = WORK.get(op.name)
    return 0 if count is None else count(shapes, np.shape(out))


def _sum_of_products(equation: str, shapes: list[tuple]) -> int:
    """The number of terms of a sum of products: one for each value of all the letters."""
    terms = equation.partition("->")[0].split(",")
    lengths = {
        letter: n for term, shape in zip(terms, shapes, strict=False) for letter, n in zip(term, shape, strict=False)
    }
    return math.prod(lengths.values()) if len(terms) > 1 else 0


def _held(node: Any) -> Iterator[np.ndarray]:
    """The arrays that a node keeps for backward."""
    if isinstance(node, OpNode):
        values: Any = node.saved or ()
    else:
        values = [entry[0] for entry in getattr(node, "_saved", None) or () if entry is not None]
    for value in values:
        yield from (v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, np.ndarray))


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in _tensors(v)] if isinstance(value, list | tuple) else []


def _shapes(value: Any) -> str:
    """What a module returned, as text: a shape, or several in brackets."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shapes(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_shapes, value)) + "]"
    return type(value).__name__


# as text


def _count(n: int) -> str:
    return f"{n:,}" if n else ""


def _bytes(n: float) -> str:
    """Bytes to three digits."""
    units = iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while n >= 1000 and unit != "GB":
        n, unit = n / 1000, next(units)
    return f"{n:.3g} {unit}" if n else ""


def _side(i: int) -> str:
    return "left" if i == 0 else "right"
