"""tinygrad-cnn graph and tinygrad-cnn diff."""

from __future__ import annotations

import importlib
import shutil

import pytest

from tinygrad_cnn import viz
from tinygrad_cnn.cli import main
from tinygrad_cnn.viz import command

paper = importlib.import_module("tinygrad_cnn.viz.paper")

SCRIPT = """\
import tinygrad_cnn as tg
from tinygrad_cnn import nn

number = 3
w = tg.tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).sum()
model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
plain = tg.ones(2)


def squared():
    return (w * 3).sum()


def needs(x, y):
    return (x * w).sum() + y


def nothing():
    return 1
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(SCRIPT)
    return "model.py"


@pytest.mark.parametrize("name", ["loss", "squared", ""])
def test_a_tensor_or_a_function(script, name):
    shown = command.graph(f"{script}:{name}" if name else script)
    assert "‖g‖" in shown
    assert "w " in shown


def test_a_module(script):
    shown = command.graph("model.py:model", inputs=["1,1,8,8"])
    assert "0: Conv2d" in shown
    assert "(1, 2, 6, 6)" in shown


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".html", ".json", ".dot", ".txt"])
def test_every_format(script, tmp_path, suffix):
    assert command.graph(f"{script}:loss", f"out{suffix}") is None
    assert (tmp_path / f"out{suffix}").stat().st_size > 200


def test_json_is_the_same_every_time_and_holds_the_script(script, tmp_path):
    for name in ("a.json", "b.json"):
        command.graph(f"{script}:loss", name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    document = viz.load("a.json")
    assert document["sources"]["model.py"][5] == "loss = (w * w).sum()"
    assert [n["where"]["line"] for n in document["nodes"] if n["where"]] == [6, 6]


def test_diff(script, tmp_path):
    command.graph(f"{script}:loss", "a.json")
    command.graph(f"{script}:squared", "b.json")
    command.diff("a.json", "b.json", "d.html")
    assert "a.json" in (tmp_path / "d.html").read_text()


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("none.py", {}, "none.py: there is no such script"),
        ("model.py:lost", {}, "there is no 'lost'; it has loss, model, squared, needs, nothing"),
        ("model.py:plain", {}, "model.py:plain is a Tensor; expected a Tensor with a history"),
        ("model.py:number", {}, "model.py:number is a int; expected"),
        ("model.py:model", {}, "say what goes in with --input"),
        ("model.py:model", {"inputs": ["1,x"]}, "--input 1,x: expected a shape such as 1,1,28,28"),
        ("model.py:needs", {}, "takes x, y; give a function without arguments, or --input"),
        ("model.py:nothing", {}, "returned a int; it must return one Tensor"),
        ("model.py:loss", {"output": "a.gif"}, "a.gif: what should it be"),
        ("model.py:loss", {"output": "no/a.svg"}, "no/a.svg: there is no such folder"),
        ("model.py:loss", {"show": "grad"}, "show: there is no grad"),
        ("model.py:loss", {"hide": "mull", "output": "a.svg"}, "hide: there is no op mull"),
    ],
)
def test_mistakes_are_one_line(script, tmp_path, target, options, message):
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        command.graph(target, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".py"]


def test_diff_mistakes(script):
    command.graph(f"{script}:loss", "a.json")
    with pytest.raises(ValueError, match=r"give a name that ends in \.html"):
        command.diff("a.json", "a.json", "d.json")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        command.diff("a.json", "b.json", "d.html")


FAILING = """\
import sys
import tinygrad_cnn as tg
from tinygrad_cnn import nn

w = tg.tensor([[1.0, 2.0]], requires_grad=True)
x = tg.ones(3, 2)
width = int(sys.argv[1]) if len(sys.argv) > 1 else 5
hidden = (w * x).relu()
loss = (hidden @ tg.ones(width, 1)).sum()


def of_two():
    inner = w * 2
    return inner.reshape(3).sum()


def backward_twice():
    total = (w * w).sum()
    total.backward()
    total.backward()
    return total


def of_the_script():
    made = w * 2
    return made.sum() / 0 if False else {}["key"]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 3), nn.Linear(4, 1)

    def forward(self, x):
        return self.second(self.first(x))


net = Net()
"""


@pytest.mark.parametrize(
    ("target", "inputs", "op", "given", "said"),
    [
        ("bad.py", [], "matmul", ["relu", "input:2"], "line 9: "),
        ("ok.py:of_two", [], "reshape", ["mul"], "line 14: "),
        ("ok.py:backward_twice", [], "backward", ["sum"], "line 20: "),
        ("ok.py:of_the_script", [], "KeyError", [], "line 26: KeyError: 'key'"),
        ("ok.py:net", ["1,2"], "linear", ["first/linear", "second.weight", "second.bias"], "line 35: "),
    ],
)
def test_a_script_that_fails_leaves_the_partial_graph(tmp_path, monkeypatch, target, inputs, op, given, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(FAILING)
    (tmp_path / "ok.py").write_text(FAILING.replace("else 5", "else 2"))
    with pytest.raises(command.Failed, match=said) as caught:
        command.graph(target, "out.json", inputs=inputs)
    assert "\n" not in str(caught.value)
    document = viz.load("out.json")
    (failed,) = (n for n in document["nodes"] if "failed" in n)
    assert (failed["op"], [e["from"] for e in failed["inputs"]]) == (op, given)
    assert failed["where"]["line"] == int(said.split()[1].rstrip(":"))
    assert failed is document["nodes"][-1]
    assert str(caught.value).endswith(failed["failed"])
    results = {n["id"] for n in document["nodes"] if "output" in n}
    assert results & set(given) == {output for one in document["passes"] for output in one["outputs"]}
    source = viz.dot(document).source
    assert "#c00018" in source  # red
    assert f"✗ {op}" in source
    assert f"failed: {failed['failed']}"[:40] in viz.text(document, width=400)


def test_every_format_of_a_partial_graph(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(FAILING)
    for suffix in (".png", ".html", ".txt"):
        assert main(["graph", "bad.py", "-o", f"out{suffix}"]) == 2
        assert (tmp_path / f"out{suffix}").stat().st_size > 200
        out, err = capsys.readouterr()
        assert out == f"out{suffix}\n"
        assert err.startswith("tinygrad-cnn graph: bad.py, line 9: ")
    assert main(["graph", "bad.py", "--hide", "relu,log"]) == 2
    assert "matmul" in capsys.readouterr().out


def test_arguments_of_the_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(FAILING)
    assert main(["graph", "bad.py:loss", "--depth", "0", "--", "2", "--more", "--", "-o"]) == 0
    assert "matmul" in capsys.readouterr().out
    (tmp_path / "argv.py").write_text("import sys\n" + FAILING.replace("sys.argv[1]", "'2'") + "print(sys.argv)\n")
    assert main(["graph", "argv.py:loss", "--", "2", "--more", "--", "-o"]) == 0
    assert "['argv.py', '2', '--more', '--', '-o']" in capsys.readouterr().out


def test_png_and_pdf_without_matplotlib(script, tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "_has_matplotlib", lambda: False)
    if shutil.which("dot"):
        for suffix, head in ((".png", b"\x89PNG"), (".pdf", b"%PDF")):
            command.graph(f"{script}:loss", f"out{suffix}")
            assert (tmp_path / f"out{suffix}").read_bytes()[:4] == head
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match=r"pip install \"tinygrad_cnn\[viz,plot\]\".*`dot` is on the PATH"):
        command.graph(f"{script}:loss", "none.png")
    assert not (tmp_path / "none.png").exists()


DEAD = """\
import tinygrad_cnn as tg
from tinygrad_cnn import nn

net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
with tg.no_grad():
    net[0].bias.fill_(-50)
loss = net(tg.randn(8, 4)).sum()
"""


@pytest.mark.parametrize("output", [None, "dead.dot"])
def test_problems_are_told(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dead.py").write_text(DEAD)
    said = command.graph("dead.py", output)
    assert "1. dead: relu in ReLU 1 at line 7 is closed for 8 of 8 examples" in said
    assert said.splitlines()[0] == (output or "Sequential: 4 ops, 4 parameter tensors, 8 backward steps")
