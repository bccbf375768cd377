"""The table of a network, against numbers counted by hand."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, viz
from tinygrad_cnn.cli import main


def by_path(found):
    return {row.path: row for row in found.rows}


class Block(nn.Module):
    """A residual block: it does an addition and a ReLU of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)) + x)


@pytest.mark.parametrize(
    ("layer", "shape", "parameters", "multiply_adds", "output"),
    [
        (nn.Linear(3, 5), (4, 3), 20, 4 * 3 * 5, "(4, 5)"),
        (nn.Linear(3, 5, bias=False), (4, 2, 3), 15, 4 * 2 * 3 * 5, "(4, 2, 5)"),
        (nn.Conv2d(3, 8, 3), (2, 3, 6, 7), 224, 2 * 8 * 4 * 5 * 27, "(2, 8, 4, 5)"),
        (nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), (1, 4, 6, 6), 152, 8 * 3 * 3 * 18, "(1, 8, 3, 3)"),
        (nn.Conv1d(2, 3, 5), (1, 2, 9), 33, 3 * 5 * 10, "(1, 3, 5)"),
        (nn.ConvTranspose2d(3, 2, 2, stride=2), (1, 3, 4, 4), 26, 3 * 16 * 2 * 4, "(1, 2, 8, 8)"),
        (nn.BatchNorm2d(3), (2, 3, 4, 4), 6, 0, "(2, 3, 4, 4)"),
        (nn.MaxPool2d(2), (2, 3, 4, 4), 0, 0, "(2, 3, 2, 2)"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else "",
)
def test_counts_by_hand(layer, shape, parameters, multiply_adds, output):
    (row,) = viz.summary(layer, shape).rows
    assert (row.parameters, row.multiply_adds, row.output, row.calls) == (parameters, multiply_adds, output, 1)


@pytest.mark.slow
def test_resnet18_costs_what_is_known_of_it():
    found = viz.summary(tg.vision.models.resnet18(), (1, 3, 224, 224))
    assert (found.parameters, found.multiply_adds) == (11_689_512, 1_814_073_344)


def test_saved_bytes_count_a_buffer_once():
    # the ReLU's result is what both the ReLU and the next layer keep; weights are there in any case
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    found = by_path(viz.summary(net, (5, 4)))
    assert [found[p].saved for p in ("0", "1", "2")] == [5 * 4 * 4, 5 * 8 * 4, 0]


def test_saved_bytes_of_a_part_of_a_large_array():
    many = tg.zeros(1000, 4)
    assert viz.summary(nn.Linear(4, 2), many[:3]).saved == 3 * 4 * 4


def test_a_frozen_network_saves_nothing():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU()).requires_grad_(False)
    found = viz.summary(net, (5, 4))
    assert (found.parameters, found.trainable, found.frozen, found.saved) == (40, 0, 40, 0)


def test_columns_add_up_at_every_depth():
    net = nn.Sequential(Block(), nn.Sequential(Block(), nn.Flatten()), nn.Linear(32, 3))
    whole = viz.summary(net, (2, 2, 4, 4))
    totals = {
        (s.parameters, s.multiply_adds, s.saved)
        for d in (None, 0, 1, 2)
        for s in [viz.summary(net, (2, 2, 4, 4), depth=d)]
    }
    assert totals == {(whole.parameters, whole.multiply_adds, whole.saved)}
    assert whole.parameters == sum(p.numel() for p in net.parameters())
    assert len(viz.summary(net, (2, 2, 4, 4), depth=0).rows) == 1
    assert by_path(whole)["0"].saved > 0, "the block's own ReLU"
    assert [row.path for row in viz.summary(net, (2, 2, 4, 4), depth=1).rows] == ["", "0", "1", "2"]


def test_shared_module_and_tied_weight_are_counted_once():
    shared = nn.Linear(3, 3)
    net = nn.Sequential(shared, nn.ReLU(), shared, nn.Linear(3, 3))
    net[3].weight = shared.weight
    found = viz.summary(net, (2, 3))
    rows = by_path(found)
    assert found.parameters == 9 + 3 + 3
    assert (rows["0"].calls, rows["0"].multiply_adds, rows["3"].parameters) == (2, 2 * 2 * 9, 3)
    assert "2" not in rows
    assert "×2" in str(found)


def test_several_inputs_and_outputs_and_a_module_that_is_not_used():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.idle = nn.Linear(3, 2), nn.Embedding(7, 2), nn.Linear(9, 9)

        def forward(self, x, i):
            return {"sum": self.a(x) + self.b(i)}, [self.a(x), None]

    found = viz.summary(Two(), [(3,), ()], batch=4, dtypes=[None, tg.int64])
    rows = by_path(found)
    assert rows[""].output == "[{sum: (4, 2)}, [(4, 2), NoneType]]"
    assert (rows["idle"].calls, rows["idle"].output, rows["idle"].parameters) == (0, "", 90)
    assert "not called" in str(found)
    assert found.inputs == ["(4, 3) float32", "(4,) int64"]


def test_a_product_written_as_einsum_counts_its_terms():
    class Attention(nn.Module):
        def forward(self, x):
            return tg.einsum("nid,njd->nij", x, x)

    assert viz.summary(Attention(), (2, 5, 3)).multiply_adds == 2 * 5 * 5 * 3


def test_the_model_is_left_as_it_was():
    net = nn.Sequential(Block(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(32, 3))
    net[1].eval()
    bn = net[0].bn
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    buffers = dict(net.named_buffers())
    F.cross_entropy(net(tg.randn(2, 2, 4, 4)), tg.tensor([0, 1])).backward()
    grads = [p.grad.numpy().copy() for p in net.parameters()]
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    state = tg.get_rng_state()
    viz.summary(net, (2, 2, 4, 4))
    assert tg.get_rng_state() == state
    assert [m.training for m in net] == [True, False, True, True]
    assert all(now is buffers[name] for name, now in net.named_buffers())
    assert bn.num_batches_tracked.item() == 1
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    for p, g in zip(net.parameters(), grads, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), g)
    assert not any(m._forward_hooks for m in net.modules())


def test_it_is_left_as_it_was_when_it_fails():
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(4, 2))
    buffers = dict(net.named_buffers())
    with pytest.raises(RuntimeError, match="linear"):
        viz.summary(net, (5, 3))
    assert net.training
    assert all(now is buffers[name] for name, now in net.named_buffers())
    assert not any(m._forward_hooks for m in net.modules())


def test_batch_norm_of_one_value_is_run_in_eval_mode():
    found = viz.summary(nn.BatchNorm1d(3), (1, 3))
    assert found.mode == "eval"
    assert "cannot be run on this in training mode" in str(found)


def test_inside_no_grad_and_inference_mode_it_sees_the_same():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    with tg.no_grad(), tg.inference_mode():
        inside = viz.summary(net, (5, 4))
        assert not tg.is_grad_enabled()
    assert inside.to_dict() == viz.summary(net, (5, 4)).to_dict()


def test_prints_nothing_and_is_json(capsys):
    found = viz.summary(nn.Linear(2, 1), (1, 2))
    assert capsys.readouterr() == ("", "")
    assert json.loads(json.dumps(found.to_dict()))["total"]["parameters"] == 3


def test_html_escapes():
    kind = type("<img src=x onerror=alert(1)>", (nn.Linear,), {})
    html = viz.summary(kind(2, 1), (1, 2))._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_lone_parameter_and_an_empty_batch():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(tg.ones(3))

        def forward(self, x):
            return x * self.scale

    found = viz.summary(Scale(), (0, 3))
    assert (found.parameters, found.multiply_adds, found.saved) == (3, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (("net", 5), TypeError, "input_size must be a shape"),
        (("net", (2, -1)), ValueError, "not negative"),
        (("net", [(2, 3), (2, 3)], {"dtypes": ["f4"]}), ValueError, "1 dtypes for 2 inputs"),
        (("net", (2, 3), {"depth": -1}), ValueError, "depth"),
        (("x", (2, 3)), TypeError, "expected an nn.Module"),
    ],
)
def test_errors(arguments, error, match):
    what, given, *options = arguments
    model = nn.Linear(3, 1) if what == "net" else "net"
    with pytest.raises(error, match=match):
        viz.summary(model, given, **(options[0] if options else {}))


# the command


def test_command_of_a_model(capsys):
    assert main(["summary", "victorzhou", "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    assert total["parameters"] == 13610
    assert total["multiply_adds"] == 26 * 26 * 8 * 9 + 13 * 13 * 8 * 10


SCRIPT = """
import sys
from beside import WIDTH
import tinygrad_cnn as tg
print("hello", sys.argv[1:])
net = tg.nn.Linear(3, WIDTH)
class Own(tg.nn.Module):
    def forward(self, x):
        return x
def make(): return tg.nn.ReLU()
number = 3
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "beside.py").write_text("WIDTH = 2\n")
    (tmp_path / "net.py").write_text(SCRIPT)
    return str(tmp_path / "net.py")


@pytest.mark.parametrize(("name", "kind"), [("", "Linear"), (":net", "Linear"), (":Own", "Own"), (":make", "ReLU")])
def test_command_of_a_script(script, name, kind, capsys):
    assert main(["summary", script + name, "--input", "4,3"]) == 0
    out, err = capsys.readouterr()
    assert re.search(rf"^{kind} +\(4, \d\)", out, re.MULTILINE)
    assert "hello []" in err
    assert "hello" not in out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["nowhere.py"], "no such script"),
        (["nope"], "there is no model 'nope'"),
        (["lenet", "--input", "3"], "takes images"),
        (["{script}"], "--input"),
        (["{script}:number", "--input", "1,3"], "is a int"),
        (["{script}:gone", "--input", "1,3"], "there is no 'gone'"),
        (["{script}", "--input", "1,4"], "linear"),
        (["{script}", "--input", "1,3", "--dtype", "float33"], "float33"),
    ],
)
def test_mistakes_are_one_line(script, arguments, match, capsys):
    assert main(["summary", *(a.format(script=script) for a in arguments)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert match in last
    assert last.startswith("tinygrad-cnn summary: ")
