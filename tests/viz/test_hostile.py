"""Names that are no names: whatever a module, a label, a file or a line of a script is called, it stays text.

Every public writer of `viz` is given them all, and so are the reports of the command line. A writer that is added must
be added to WRITERS, or to SILENT if it writes no names.
"""

from __future__ import annotations

import csv
import functools
import html
import html.parser
import io
import json
import re
import tempfile
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from opened import Opened

import tinygrad_cnn as tg
from tinygrad_cnn import nn, viz
from tinygrad_cnn.cli import main

EVIL = [
    "</script><script>alert(1)</script>",
    "</style></title></textarea><img src=x onerror=alert(1)>",
    "\"'`><svg onload=alert(1)>",
    "<!--{data}--> ]]> --> <![CDATA[ <!DOCTYPE x> <?xml ?>",
    "&lt;b&gt; &amp; &#60; &quot;",
    "\u202egnp.exe\u202c \u2066isolated\u2069 \u200e\u200f\u061c",  # what turns the order of letters round
    "a\x00b\x07c\x1b[31md\x7fe\x9bf\tg\nh\r\ni\u2028j\u2029k",
    "half \ud800 of \udcff a pair",
    r"$\frac{$ \N{dot} {0} %s %(x)s \u003c \L\G //{elements} /*{print}*/",
    "javascript:alert(1)",
    "__proto__",
    "=cmd|' /C calc'!A0",
    " ",
]
ALL = " ".join(EVIL)
HARMLESS = "\n\N{NO-BREAK SPACE}"  # Graphviz writes the latter for a space


def printable(text):
    """Nothing in it moves a cursor or turns the order of letters round."""
    wrong = {c for c in text if not c.isprintable() and c not in HARMLESS}
    assert not wrong, wrong
    text.encode("utf-8")


class Strict(html.parser.HTMLParser):
    """A page in which nothing runs but what the page itself brings, and all that is seen is printable."""

    def __init__(self, text):
        super().__init__()
        self.inside, self.scripts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.inside.append(tag)
        if tag == "script" and dict(attributes).get("type") not in ("application/json", "text/plain"):
            self.scripts.append("")
        elif tag == "script":
            self.inside[-1] = "data"
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            assert not (value or "").strip().lower().startswith("javascript:")
            assert name not in ("src", "href") or (value or "").startswith(("#", "data:")), (tag, value)
            printable(value or "")

    def handle_endtag(self, tag):
        if tag in self.inside or tag == "script":
            while self.inside.pop() not in (tag, "data"):
                pass

    def handle_data(self, data):
        if "script" in self.inside:
            self.scripts[-1] += data
        elif "data" not in self.inside:
            printable(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")


def is_html(text, own=()):
    assert set(Strict(text).scripts) <= set(own)


@functools.cache
def own_scripts():
    return Strict(viz.html(tg.ones(1, requires_grad=True) * 2)).scripts


def is_page(text):
    is_html(text, own_scripts())


def is_svg(text):
    root = ElementTree.fromstring(text)
    for e in root.iter():
        assert e.tag.rpartition("}")[2] not in ("script", "foreignObject", "img", "iframe"), e.tag
        assert not any(name.startswith("on") for name in e.attrib)
        assert all(v.startswith("data:image/png;") for name, v in e.attrib.items() if name.endswith("href"))
        printable("".join([e.text or "", e.tail or "", *e.attrib.values()]))


def is_frame(text):
    printable(ElementTree.fromstring(text).get("title"))
    is_page(html.unescape(re.search(r'srcdoc="([^"]*)"', text)[1]))


def is_json(text):
    text.encode("utf-8")
    json.loads(text)


def is_csv(text):
    assert any(ALL in cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row)


def is_dot(graph):
    printable(graph.source.replace("\t", ""))


def is_figure(figure):
    text = pytest.importorskip("matplotlib.text")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # of letters that the font lacks, which are harmless
        figure.savefig(io.BytesIO(), format="svg")
    for t in figure.findobj(text.Text):
        printable(t.get_text())


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """A recording, a model and a history in which everything has every evil name."""
    folder = tmp_path_factory.mktemp("evil")
    part = ALL.replace(".", "·")
    script = folder / (ALL.replace("/", "÷").replace("\x00", "")[:60] + ".py")
    lines = [
        *(f"# {line}" for line in EVIL if "\n" not in line),
        "def forward(self, x): return list(self.children())[0](x).relu()",
    ]
    code = "\n".join(lines).encode("utf-8", "replace").decode()
    script.write_text(code, encoding="utf-8")
    space: dict = {}
    exec(compile(code, str(script), "exec"), space)
    called = part.replace("\0", "").encode("utf-8", "replace").decode()  # which Python asks of the name of a class
    kind = type(called, (nn.Module,), {"forward": space["forward"]})
    kind.__qualname__ = called
    model = kind()
    for i, name in enumerate([part, *(e.replace(".", "·") for e in EVIL)]):
        model.add_module(name, nn.Conv2d(1, 2, 3) if i == 0 else nn.Linear(1, 1))
    model.register_parameter(ALL.replace(".", "·") + "p", nn.Parameter(tg.ones(2)))
    tensors = {name: tg.ones(2, requires_grad=True) for name in (EVIL[0], EVIL[5], EVIL[6], "__proto__", " ")}
    image = tg.randn(2, 1, 5, 5)
    with viz.record(model, names={ALL: image, **tensors}, check=False) as r:
        total = model(image).sum()
        for t in tensors.values():
            total = total + t.sum()
        total.backward()
    history = viz.History(model)
    for _ in range(2):
        history.step(loss=1.0, gradients=dict.fromkeys([ALL, *EVIL], 0.5))
        history.epoch(**{ALL: 1.0, "loss": 2.0})
    classes = [ALL, *EVIL]
    return r, model, history, image, classes


def confusion(e):
    return viz.confusion_matrix([0, 1, 1], [0, 0, 1], e[4])


def on_paper(e):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    with tempfile.TemporaryDirectory() as folder:
        viz.paper(e[0], f"{folder}/evil.png")


def surface(e):
    return viz.landscape(
        e[1], lambda: e[1](e[3]).sum(), points={ALL: e[1].state_dict(), "b": e[1].state_dict()}, size=2
    )


def compiled(e):
    def f(x):
        return e[1](x) * 2

    f.__name__ = f.__qualname__ = type(e[1]).__name__
    g = tg.compile(f)
    g(e[3])
    return viz.program(g)


def page_of(e):
    _, model, history, image, classes = e
    return viz.report(
        history, model=model, images=image, confusion=viz.confusion_matrix([0, 1], [1, 1], classes), classes=classes,
        title=ALL, facts={ALL: ALL}, landscape=surface(e),
    )  # fmt: skip


def changes(e):
    other = {**e[0].document, "nodes": [{**n, "op": n["op"] and n["op"] + ALL} for n in e[0].document["nodes"]]}
    return viz.diff(e[0], other, names=(ALL, EVIL[0]))


WRITERS = {
    "html": [(lambda e: viz.html(e[0]), is_page)],
    "show": [(lambda e: viz.show(e[0])._repr_html_(), is_frame)],
    "Page": [(lambda e: repr(viz.Page(ALL, "")), printable)],
    "paper": [(on_paper, lambda file: None)],
    "svg": [(lambda e: viz.svg(e[0]), is_svg)],
    "dot": [(lambda e: viz.dot(e[0], show=["saved", "shapes", "grads", "params", "values"]), is_dot)],
    "program": [(compiled, is_dot)],
    "diff": [(changes, is_page)],
    "text": [(lambda e: viz.text(e[0]), printable)],
    "Graph": [(lambda e: repr(viz.Graph(e[0])), printable), (lambda e: viz.Graph(e[0])._repr_html_(), is_html)],
    "to_json": [(lambda e: viz.to_json(e[0].document), is_json)],
    "report": [(page_of, is_html)],
    "summary": [
        (lambda e: str(viz.summary(e[1], (2, 1, 5, 5))), printable),
        (lambda e: viz.summary(e[1], (2, 1, 5, 5))._repr_html_(), is_html),
    ],
    "History": [
        (lambda e: repr(e[2]), printable),
        (lambda e: viz.History.from_json(e[2].to_json()).to_json(), json.loads),
        (lambda e: e[2].to_csv(), is_csv),
        (lambda e: e[2].to_csv("steps"), is_csv),
    ],
    "Confusion": [(lambda e: str(confusion(e)), printable), (lambda e: repr(confusion(e)), printable)],
    "line_chart": [
        (lambda e: viz.line_chart({n: [1, 2] for n in e[4]}, ALL, x_label=ALL, y_label=ALL, alone=True), is_svg)
    ],
    "bars": [(lambda e: viz.bars([1, 2], [0, 1, 2], ALL, x_label=ALL), is_svg)],
    "heat_map": [(lambda e: viz.heat_map(np.ones((14, 14)), e[4], e[4], ALL, x_label=ALL, y_label=ALL), is_svg)],
    "image_grid": [(lambda e: viz.image_grid([np.zeros((2, 2), np.uint8)] * 14, e[4], ALL), is_svg)],
    "draw": [
        (lambda e: viz.draw.gradients(e[2], alone=True), is_svg),
        (lambda e: viz.draw.histograms(viz.activation_histograms(e[1], e[3])), is_svg),
        (lambda e: viz.draw.dead_units(viz.dead_units(e[1], e[3])), is_svg),
        (lambda e: viz.draw.landscape(surface(e)), is_svg),
    ],
    "plot": [
        (lambda e: viz.plot.curves(e[2]), is_figure),
        (lambda e: viz.plot.gradients(e[2]), is_figure),
        (lambda e: viz.plot.confusion(confusion(e)), is_figure),
        (lambda e: viz.plot.feature_maps(viz.feature_maps(e[1], e[3])), is_figure),
        (lambda e: viz.plot.histograms(viz.activation_histograms(e[1], e[3])), is_figure),
        (lambda e: viz.plot.dead_units(viz.dead_units(e[1], e[3])), is_figure),
        (lambda e: viz.plot.landscape(surface(e)), is_figure),
    ],
}
# These give arrays or documents, in which a name is what it is.
SILENT = {
    "activation_histograms", "compare", "confusion_matrix", "dead_units", "feature_maps", "filters", "grad_cam",
    "gradient_norms", "grid", "landscape", "load", "overlay", "problems", "record", "saliency", "sanity", "save",
    "snapshot", "sweep",
}  # fmt: skip


def test_every_writer_is_here():
    assert set(viz.__all__) - set(WRITERS) - SILENT == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_keeps_names_as_text(name, evil):
    for write, check in WRITERS[name]:
        check(write(evil))


SHOWN = """() => [document.title, document.body.innerText, ...[...document.querySelectorAll('body *')].flatMap(
    e => ['aria-label', 'title', 'alt'].map(a => e.getAttribute(a) || ''))].join('\\n').replaceAll('\\t', ' ')"""


@pytest.mark.slow
def test_no_pane_of_the_page_shows_or_runs_what_a_name_brings(evil, browser, tmp_path):
    viz.html(evil[0], tmp_path / "evil.html")
    with Opened(browser, tmp_path / "evil.html") as o:
        o.page.on("dialog", lambda d: o.said.append(d.message) or d.dismiss())
        for _ in evil[0].document["passes"][0]["steps"]:
            o.key("ArrowRight")
        for tab in ("tensors", "list", "script", "cost"):
            o.page.locator(f"#tab-{tab}").click()
            printable(o.page.evaluate(SHOWN))
        for node in evil[0].document["nodes"]:
            o.page.evaluate("n => { location.hash = 'node=' + encodeURIComponent(n.toWellFormed()) }", node["id"])
            printable(o.page.evaluate(SHOWN))
        o.page.locator("#search").fill("alert")
        printable(o.page.evaluate(SHOWN))
        assert o.requests == [(tmp_path / "evil.html").as_uri()]
        assert o.said == []
        with o.page.expect_download() as download:
            o.page.locator("#save-json").click()
        download.value.save_as(tmp_path / "saved.json")
    assert viz.load(tmp_path / "saved.json") == evil[0].document


# the command line: names of files and folders, lines of a script, classes


FILE = f"{EVIL[5]}{EVIL[6]}{EVIL[2]}{EVIL[0]}$".replace("/", "÷").replace("\0", "")


@pytest.fixture
def command(capsys):
    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        printable(out + err)
        return code

    return run


@pytest.mark.slow
def test_the_commands_that_draw(command, tmp_path):
    folder = tmp_path / FILE
    folder.mkdir()
    script = folder / f"{FILE}.py"
    lines = [f"# {line}" for line in EVIL if not set(line) & set("\n\r\0\ud800")]
    lines += [
        "import tinygrad_cnn as tg",
        f"net = tg.nn.Linear(3, 2)  # {EVIL[0]} {EVIL[5]}",
        "loss = net(tg.ones(1, 3)).sum()",
    ]
    script.write_text("\n".join(lines), encoding="utf-8")
    for suffix, check in ((".json", is_json), (".txt", printable)):
        assert command("graph", f"{script}:loss", "-o", folder / f"{FILE}{suffix}") == 0
        check((folder / f"{FILE}{suffix}").read_text(encoding="utf-8"))
    assert command("graph", f"{script}:loss") == 0
    drawn = folder / f"{FILE}.json"
    assert command("diff", drawn, drawn, "-o", folder / f"{FILE}.html") == 0
    is_page((folder / f"{FILE}.html").read_text(encoding="utf-8"))
    assert command("summary", f"{script}:net", "--input", "1,3") == 0
    for words in (
        ["graph", f"{script}:{FILE}"],
        ["graph", folder / FILE],
        ["summary", folder / FILE],
        ["diff", folder / FILE, drawn],
    ):
        assert command(*words, *(["-o", "x.html"] if words[0] == "diff" else [])) == 2
    assert command(FILE) == 2


@pytest.mark.slow
def test_the_report_of_a_training_whose_classes_are_folders(command, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    root, run = tmp_path / FILE, tmp_path / f"{FILE}r"
    for k, name in enumerate((f"{FILE}a", f"{FILE}b")):
        (root / name).mkdir(parents=True)
        for i in range(6):
            image.fromarray(np.full((28, 28), 40 * i + 10 * k, np.uint8)).save(root / name / f"{FILE}{i}.png")
    words = ["--data", "folder", "--root", root, "--epochs", 1, "--batch-size", 4]
    assert command("train", *words, "--run", run) == 0
    is_html((run / "report.html").read_text(encoding="utf-8"))
    assert command("eval", run) == 0
    assert command("predict", root / f"{FILE}a" / f"{FILE}0.png", "--run", run) == 0
    assert command("predict", root / FILE, "--run", run) == 2
