"""tinygrad-cnn graph and tinygrad-cnn diff."""

from __future__ import annotations

import pytest

from tinygrad_cnn import viz
from tinygrad_cnn.viz import command

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


@pytest.mark.parametrize("suffix", [".svg", ".html", ".json", ".dot", ".txt"])
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
        ("model.py:loss", {"output": "a.png"}, "a.png: what should it be"),
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
