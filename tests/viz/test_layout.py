"""What is inside what, and how the page lays it out: one spine, pills, folding where things stand, repeats, Fit."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from graphs import chain, doubled, lenet_step
from opened import Opened, soon_ready

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.viz.fold import view
from tinygrad_cnn.viz.nest import nest

GRAPHS = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "graphs" / "draw.py"))["GRAPHS"]
NETWORKS = ("resnet18", "unet", "rnn", "siamese", "gan", "transformer")
SIZES = ((1440, 900), (1280, 720), (1024, 768))


def recorded(name):
    tg.manual_seed(0)
    with viz.record(values=False) as r:
        GRAPHS[name]().backward()
    return r.document


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """drawn(name): the page of that graph, made once."""
    folder = tmp_path_factory.mktemp("drawn")

    def drawn(name):
        path = folder / f"{name}.html"
        if not path.exists():
            viz.html(recorded(name), path)
        return path

    return drawn


def nested(document):
    return nest(document, view(document))


def boxes(item):
    for inner in item["inside"]:
        if not isinstance(inner, int):
            yield inner
            yield from boxes(inner)


def named(document):
    return [box["name"] for box in boxes(nested(document))]


def numbers(item):
    for inner in item["inside"]:
        yield from (inner,) if isinstance(inner, int) else numbers(inner)


# what is inside what


@pytest.mark.parametrize("name", ["rnn", "siamese", "gan", "unet", "transformer", "second"])
def test_every_node_is_in_one_box_or_a_pill_once(name):
    document = recorded(name)
    found = nested(document)
    pills = [i for some in found["pills"].values() for i in some]
    assert sorted([*numbers(found), *pills]) == list(range(len(document["nodes"])))
    assert len(found["arrows"]) == sum(e["from"] is not None for n in document["nodes"] for e in n["inputs"])


@pytest.mark.parametrize("name", ["rnn", "siamese", "gan", "unet", "transformer", "second"])
def test_boxes_stand_in_an_order_in_which_none_feeds_an_earlier_one(name):
    document = recorded(name)
    found = nested(document)
    place = {i: k for k, i in enumerate(numbers(found))}
    assert all(place[a] < place[b] for a, b, _ in found["arrows"] if a in place)


def steps_of_a_loop(n, body):
    w, x = tg.ones(2, 2, requires_grad=True), tg.ones(n, 1, 2)
    with viz.record(names={"w": w, "x": x}, values=False) as r:
        h = tg.zeros(1, 2)
        for t in range(n):
            h = body(x[t], h, w)
        h.sum().backward()
    return r.document


def test_the_steps_of_a_loop_are_one_box():
    document = steps_of_a_loop(20, lambda x, h, w: (x @ w + h @ w).tanh())
    names = named(document)
    assert "step ×20" in names
    assert [name for name in names if name.startswith("step ") and "×" not in name] == [
        f"step {k}" for k in range(1, 21)
    ]
    box = next(b for b in boxes(nested(document)) if b.get("times"))
    assert box["turn"] == ["getitem", "matmul", "matmul", "add", "tanh"]


def test_the_steps_of_a_recurrent_layer_are_one_box_and_its_gates_have_names():
    lstm, x = nn.LSTM(2, 3, batch_first=True), tg.ones(2, 7, 2)
    with viz.record(lstm, values=False) as r:
        lstm(x)[0].sum().backward()
    assert "7 × (2, 12)" in viz.text(r)
    box = next(b for b in boxes(nested(r.document)) if b.get("times"))
    gates = ["input_gate", "forget_gate", "cell_gate", "output_gate"]
    assert (box["name"], box["turn"]) == (
        "step ×7",
        ["linear", "add", "split_with_sizes", *gates, "mul", "mul", "add", "tanh", "mul"],
    )


def test_a_loop_over_a_cell_is_one_box():
    cell, x = nn.GRUCell(2, 3), tg.ones(7, 2, 2)
    with viz.record(cell, values=False) as r:
        h = tg.zeros(2, 3)
        for step in x:
            h = cell(step, h)
        h.sum().backward()
    assert "step ×7" in named(r.document)


def test_a_weight_is_a_pill_at_its_first_use():
    document = steps_of_a_loop(20, lambda x, h, w: (x @ w + h @ w).tanh())
    place = {n["id"]: i for i, n in enumerate(document["nodes"])}
    pills = nested(document)["pills"]
    assert pills[place["matmul"]] == [place["w"]]


@pytest.mark.parametrize("graph", [doubled(30), chain(40)])
def test_one_op_over_and_over_is_a_chain(graph):
    assert named(viz.snapshot(graph)) == []


def test_one_op_on_many_tensors_is_one_box():
    x = tg.ones(2, requires_grad=True)
    assert "unsqueeze ×5" in named(viz.snapshot(tg.stack([x * k for k in range(5)]).sum()))


def test_calls_of_one_module_in_a_row_are_one_box_and_two_apart_are_two():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return self.inner(x).tanh()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = Cell()

        def forward(self, x):
            y = self.cell(self.cell(self.cell(x)))
            return self.cell(y.sum(0, keepdim=True))

    with viz.record(values=False) as r:
        Net()(tg.ones(3, 2)).sum().backward()
    assert [name for name in named(r.document) if "Cell" in name] == [
        "cell: Cell ×3", "cell: Cell", "cell: Cell, call 2", "cell: Cell, call 3", "cell: Cell, call 4",
    ]  # fmt: skip


def test_a_list_of_modules_is_no_box():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 3)])

        def forward(self, x):
            return self.parts[1](self.parts[0](x).relu())

    with viz.record(values=False) as r:
        Net()(tg.ones(1, 2)).sum().backward()
    assert named(r.document) == ["parts.0: Linear", "parts.1: Linear"]


def test_the_nest_is_linear():
    sizes = [len(viz.to_json(nested(viz.snapshot(chain(n))))) for n in (200, 400)]
    assert sizes[1] < 2.2 * sizes[0]


# in the page

SEEN = """() => {
    const g = document.getElementById('graph'), pane = g.getBoundingClientRect(), svg = g.querySelector('svg');
    const boxes = [...g.querySelectorAll('.box')];
    const all = boxes.map(b => b.querySelector('path').getBoundingClientRect());
    const beside = (a, b) => a.left > b.right - 1 || b.left > a.right - 1, above = (a, b) => a.top > b.bottom - 1;
    const meet = (a, b) => !beside(a, b) && !above(a, b) && !above(b, a);
    const out = r => r.left < pane.left || r.right > pane.right || r.top < pane.top || r.bottom > pane.bottom;
    return {
        over: [g.scrollWidth - g.clientWidth, g.scrollHeight - g.clientHeight],
        outside: all.filter(out).length,
        meeting: all.flatMap((a, i) => all.slice(i + 1).filter(b => meet(a, b))).length,
        type: Math.min(...boxes.map(b => parseFloat(getComputedStyle(b.querySelector('text')).fontSize)))
            * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
    };
}"""


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_can_be_read_with_nothing_folded_by_hand_and_fit_fits(browser, drawn, name):
    with Opened(browser, drawn(name), viewport={"width": 1280, "height": 720}) as o:
        seen = o.page.evaluate(SEEN)
        assert seen["outside"] == 0
        assert seen["meeting"] == 0
        assert seen["type"] >= 8.5
        for width, height in SIZES:
            o.page.set_viewport_size({"width": width, "height": height})
            o.page.locator("#depth").fill(o.page.locator("#depth").get_attribute("max"))
            o.page.locator("#zoom-fit").click()
            seen = o.page.evaluate(SEEN)
            assert seen["over"] == [0, 0], (width, height)
            assert seen["outside"] == 0, (width, height)
            assert seen["meeting"] == 0, (width, height)
        assert o.said == []


def test_what_is_folded_opens_where_it_stands_and_escape_goes_back(browser, drawn):
    with Opened(browser, drawn("resnet18"), viewport={"width": 1280, "height": 720}) as o:
        titles = o.page.locator("#graph .box")
        first = titles.all_text_contents()
        assert any("BasicBlock ×2" in t for t in first)
        folded = o.page.locator("#graph .box.module", has_text="layer2: Sequential")
        before = folded.bounding_box()
        folded.click()
        head = o.page.locator("#graph .frame", has_text="layer2: Sequential")
        assert abs(head.bounding_box()["y"] - before["y"]) < 40
        assert titles.count() == len(first)  # a box less, and the one that is in it
        o.page.locator("#graph .box.module", has_text="0–1: BasicBlock ×2").focus()
        o.key("Enter")
        assert o.page.locator("#graph .frame:focus").count() == 1
        assert titles.count() > len(first)
        assert "open=layer2" in o.page.evaluate("location.hash")
        o.key("Escape", 2)
        assert titles.all_text_contents() == first
        assert o.page.evaluate("location.hash") == "#step=1"
        o.key("Escape")
        assert titles.all_text_contents() == first
        assert o.said == []


def test_the_skip_of_a_block_stays_beside_it(browser, drawn):
    with Opened(browser, drawn("resnet18"), "#module=layer1.0", viewport={"width": 1280, "height": 720}) as o:
        assert o.page.locator("#inside").input_value() == "layer1.0"
        beyond = o.page.evaluate(
            """() => { const block = document.querySelector('[data-frame="layer1.0"] rect').getBBox();
                const data = [...document.querySelectorAll('#graph .data')], right = block.x + block.width;
                const skips = data.filter(a => a.textContent === 'other').map(a => a.getBBox());
                return skips.map(b => b.x < block.x || b.x + b.width > right); }"""
        )
        assert beyond == [False]


def test_steps_of_a_loop_are_unrolled_on_request(browser, drawn):
    with Opened(browser, drawn("rnn")) as o:
        assert o.page.locator("#graph .box", has_text="step ×20").count() == 1
        o.page.locator("#graph .box", has_text="step ×20").click()
        assert o.page.locator("#graph .box", has_text="step ").count() == 20
        o.page.locator("#graph .box", has_text="step 3").first.click()
        assert o.page.locator("#graph .frame", has_text="step 3").count() == 1
        assert o.page.locator("#graph .echo").count() > 0  # the weight, at the step that uses it again
        o.key("Escape", 2)
        assert o.page.locator("#graph .box", has_text="step ×20").count() == 1


def test_a_frame_folds_again(browser, tmp_path):
    viz.html(lenet_step(2).document, tmp_path / "a.html")
    with Opened(browser, tmp_path / "a.html", "#step=1&depth=0") as o:
        n = o.page.locator("#graph .box").count()
        o.page.locator("#graph .box.module").first.click()
        assert o.page.locator("#graph .box").count() > n
        o.key("Escape")
        assert o.page.locator("#graph .box").count() == n


@pytest.mark.slow
def test_a_thousand_nodes_in_modules_are_ready_in_time(browser, tmp_path):
    with viz.record(values=False) as r:
        nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)) for _ in range(143)])(
            tg.ones(1, 4)
        ).sum().backward()
    assert len(r.document["nodes"]) > 1000
    viz.html(r, tmp_path / "k.html", depth=9)
    with Opened(browser, tmp_path / "k.html") as o:
        assert o.page.locator("#graph .box").count() > 1000
        assert soon_ready(o)
