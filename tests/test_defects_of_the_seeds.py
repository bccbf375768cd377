"""Defects of five systems that people learned CNNs from, one row each: what went wrong there must go right here.

S000 victorzhou, S001 andreoni, S002 huxiaoman, S003 hermosayhl, S004 CS231n: see examples/seeds.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, testing, viz
from tinygrad_cnn.vision.utils import make_grid

SEEDS = Path(__file__).parents[1] / "examples" / "seeds"
TABLE = []


def defect(where: str, what: str):
    """A row of the table: whose defect it was, what it was, and the check that it is not ours."""

    def row(check):
        TABLE.append(pytest.param(check, id=f"{where}: {what}"))
        return check

    return row


@pytest.fixture
def seed(monkeypatch):
    """Import the script of a seed by name."""
    monkeypatch.syspath_prepend(str(SEEDS))
    yield importlib.import_module
    for path in SEEDS.glob("*.py"):
        sys.modules.pop(path.stem, None)


def float64(*shape, requires_grad=True):
    return tg.randn(*shape, dtype=tg.float64, requires_grad=requires_grad)


@defect("S000 S001", "softmax overflows, as no maximum is taken out")
def softmax_is_stable():
    logits = tg.tensor([[5000.0, 5030.0, 5040.0]], dtype=tg.float64, requires_grad=True)
    expected = [4.248161e-18, 4.539787e-05, 9.999546e-01]
    q = F.softmax(logits, 1)
    assert q[0].tolist() == pytest.approx(expected, rel=1e-6)
    loss = F.cross_entropy(logits, tg.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(40.0000454, rel=1e-7)
    assert logits.grad[0].tolist() == pytest.approx([expected[0] - 1, *expected[1:]], rel=1e-6)


@defect("S000 S001", "softmax's backward sees only the first slope that is not 0")
def softmax_passes_every_slope_back():
    z, g = float64(5), float64(5, requires_grad=False)
    q = F.softmax(z, 0)
    q.backward(g)
    jacobian = np.diag(q.detach().numpy()) - np.outer(q.detach().numpy(), q.detach().numpy())
    np.testing.assert_allclose(z.grad.numpy(), jacobian @ g.numpy(), rtol=1e-12)


@defect("S000 S001", "convolution has no gradient for its input, so none can stand below it")
def convolutions_can_be_stacked():
    below, above = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 3)
    x = tg.randn(1, 1, 8, 8, requires_grad=True)
    above(below(x)).sum().backward()
    assert x.grad.shape == x.shape
    assert x.grad.abs().sum().item() > 0
    assert all(p.grad.abs().sum().item() > 0 for p in below.parameters())


@defect("S000 S001 S004", "each of equal maxima gets all of the gradient")
def one_of_equal_maxima_gets_the_gradient():
    x = tg.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).backward(tg.tensor([[[[3.0]]]]))
    assert x.grad.flatten().tolist() == [3, 0, 0, 0]


@defect("S002 S003", "overlapping windows overwrite each other's gradients")
def overlapping_windows_add():
    x = tg.tensor([[[[1.0, 2, 0, 1], [3, 9, 4, 2], [0, 5, 6, 1], [2, 1, 3, 0]]]], requires_grad=True)
    F.max_pool2d(x, 3, stride=1).backward(tg.tensor([[[[1.0, 2], [3, 4]]]]))
    assert x.grad[0, 0, 1, 1].item() == 10
    assert x.grad.sum().item() == 10
    assert testing.gradcheck(lambda x: F.max_pool2d(x, (3, 2), (1, 1), padding=1), (float64(2, 2, 5, 6),))


@defect("S002", "windows that are not square break backward, and strides are one for both axes")
def windows_and_strides_of_each_axis():
    x, w, b = float64(2, 3, 7, 9), float64(4, 3, 3, 2), float64(4)
    assert testing.gradcheck(lambda *a: F.conv2d(*a, stride=(2, 3), padding=(1, 0)), (x, w, b))


@defect("S004", "dx without a frame of zeros is empty, as it is cut [0:-0]")
def no_padding_loses_nothing(seed):
    x, w = float64(1, 2, 5, 5), float64(3, 2, 3, 3)
    (dx,) = tg.autograd.grad(F.conv2d(x, w, padding=0).sum(), [x])
    assert dx.shape == x.shape
    assert dx[0, :, 2, 2].tolist() == pytest.approx(w.sum((0, 2, 3)).tolist())
    loops = seed("s004_cs231n")
    assert loops.conv_naive_backward(np.ones((1, 3, 3, 3)), x.detach().numpy(), w.detach().numpy(), 1, 0)[0].size == 50


@defect("S002 S004", "sizes of outputs are divided with / and become floats")
def sizes_are_whole_numbers():
    out = F.max_pool2d(F.conv2d(tg.zeros(1, 1, 10, 11), tg.zeros(2, 1, 3, 4), stride=2, padding=1), 2)
    assert tuple(out.shape) == (1, 2, 2, 2)
    assert {type(n) for n in out.shape} == {int}


@defect("S004", "the log of a probability that has become 0")
def no_log_of_zero():
    logits = tg.tensor([[0.0, 2000.0]], requires_grad=True)
    loss = F.cross_entropy(logits, tg.tensor([0]))
    loss.backward()
    assert loss.item() == 2000
    assert logits.grad.tolist() == [[-1, 1]]


@defect("S003", "probabilities are cut off to 0, and 0·log(0) is nan")
def zero_times_log_zero_is_zero():
    logits, hot = tg.tensor([[0.0, 2000.0, -2000.0]]), tg.tensor([[0.0, 1.0, 0.0]])
    assert F.cross_entropy(logits, hot).item() == 0
    assert F.cross_entropy(logits, tg.tensor([[0.05, 0.9, 0.05]])).item() == pytest.approx(300)


@defect("S003", "dropout always drops the first channels")
def dropout_drops_any_channel():
    dropped = (F.dropout2d(tg.ones(4000, 6, 2, 2), 0.5).amax((2, 3)) == 0).float()  # (4000,6)
    assert dropped.mean(0).tolist() == pytest.approx([0.5] * 6, abs=0.05)
    assert 0 < dropped.mean().item() < 1


@defect("S003 S004", "dropout's p: to drop or to keep? and the outputs are scaled at test time, or not at all")
def dropout_p_is_dropped():
    layer, x = nn.Dropout(0.2), tg.ones(100_000)
    out = layer(x)
    assert (out == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert sorted(set(out.tolist())) == [0, 1.25]
    assert layer.eval()(x).equal(x)


@defect("S003", "leaving an inner no_grad switches gradients on")
def no_grad_can_be_nested():
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not tg.is_grad_enabled()
        with tg.enable_grad():
            assert tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


@defect("S003", "batch norm and dropout follow no_grad, and have no mode of their own")
def the_mode_is_not_no_grad():
    bn, x = nn.BatchNorm2d(2), tg.randn(4, 2, 3, 3) + 5
    with tg.no_grad():
        bn(x)
    assert bn.running_mean.abs().min().item() > 0.1
    kept = bn.running_mean.clone()
    assert bn.eval()(x.requires_grad_()).requires_grad
    assert bn.running_mean.equal(kept)


@defect("S003", "buffers have the size of the first batch and the first image")
def batches_and_images_change_size():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    with tg.no_grad():  # nor does a first forward without gradients leave anything out
        net(tg.zeros(2, 3, 12, 12))
    for n, side in ((1, 9), (5, 16), (3, 12)):
        x = tg.randn(n, 3, side, side + 1, requires_grad=True)
        net(x).sum().backward()
        assert x.grad.shape == x.shape


@defect("S003", "files of weights are bare numbers: an old one is misread")
def checkpoints_say_what_they_hold():
    old, new = nn.Sequential(nn.Conv2d(3, 4, 3)), nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = {name: t.clone() for name, t in new.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"1\.running_mean"):
        new.load_state_dict(old.state_dict())
    with pytest.raises(RuntimeError, match=r"\(4, 3, 5, 5\)"):
        nn.Sequential(nn.Conv2d(3, 4, 3)).load_state_dict(nn.Sequential(nn.Conv2d(3, 4, 5)).state_dict())
    assert all(t.equal(before[name]) for name, t in new.state_dict().items())


@defect("S003", "a file of another kind is read as if it were weights")
def a_wrong_file_is_refused(tmp_path):
    path = tmp_path / "weights.model"
    path.write_bytes(np.ones(446_988 // 4, np.float32).tobytes())
    with pytest.raises(RuntimeError, match="another kind"):
        tg.load(path)


@defect("S004", "the best model is kept without its running statistics")
def running_statistics_are_kept_with_the_best(tmp_path):
    def net():
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 2))

    best, x = net(), tg.randn(8, 1, 6, 6) * 3 + 2
    for _ in range(5):
        best(x)
    expected = best.eval()(x)
    tg.save(best.state_dict(), tmp_path / "best")
    other = net()
    other.load_state_dict(tg.load(tmp_path / "best"))
    assert {"1.running_mean", "1.running_var"} <= set(best.state_dict())
    assert other.eval()(x).equal(expected)


@defect("S004", "the last iteration is never recognised")
def the_last_iteration_counts(seed, capsys):
    solver = seed("s004_cs231n")
    net = solver.ThreeLayerConvNet((1, 4, 4), filters=2, window=3, hidden=4)
    data = tg.randn(7, 1, 4, 4), tg.randint(0, 10, (7,))
    solver.solve(net, data, data, tg.optim.SGD(net.parameters(), lr=0.1), epochs=2, batch_size=2)
    assert "(iteration 8 / 8)" in capsys.readouterr().out


@defect("S003 S004", "batch norm's momentum: of the old, or of the new? and the biased variance is kept")
def momentum_weighs_the_new():
    bn, x = nn.BatchNorm1d(1, momentum=0.1), tg.tensor([[1.0], [3.0]])
    bn(x)
    assert bn.running_mean.item() == pytest.approx(0.1 * 2)
    assert bn.running_var.item() == pytest.approx(0.9 * 1 + 0.1 * 2)  # (1-2)² + (3-2)² over N-1


@defect("S003", "Grad-CAM starts from the logits and averages maps; its picture is inverted")
def grad_cam_starts_from_one_class():
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    with tg.no_grad():
        net[0].weight.copy_(tg.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        net[3].weight.copy_(tg.tensor([[16.0, 0.0], [0.0, 16.0]]))
    x = tg.zeros(1, 1, 4, 4)
    x[0, 0, 1, 2], x[0, 0, 3, 0] = 5, -7
    maps = [viz.grad_cam(net, x, target=c, scale=False)[0] for c in (0, 1)]
    # d(logit_c)/dA_k[p,q] = W[c,k] / 16 = [c = k], so that the map of class c is relu(A_c).
    np.testing.assert_allclose(maps[0], np.maximum(x[0, 0].numpy(), 0), atol=1e-6)
    np.testing.assert_allclose(maps[1], np.maximum(-x[0, 0].numpy(), 0), atol=1e-6)


@defect("S004", "a filter of equal numbers is drawn as 0/0")
def constant_filters_can_be_drawn(seed):
    constant = tg.full((4, 3, 3, 3), 0.5)
    assert np.isfinite(make_grid(constant, normalize=True, scale_each=True).numpy()).all()
    picture = viz.filters(tg.zeros(4, 3, 3, 3)).picture
    assert (picture[np.isfinite(picture)] == 0).all()
    seed("common").ascii_image(constant[0, 0])


@defect("S004", "the relative error of two gradients of 0 is 0/0")
def two_zero_gradients_agree(seed):
    assert testing.gradcheck(lambda x: x * 0, (float64(3),))
    assert seed("s004_cs231n").relative_error(np.zeros(3), np.zeros(3)) == 0


@defect("S004", "without the compiled extension, only loops are left")
def everything_runs_without_compiled_kernels():
    x, w = (tg.randn(*shape, requires_grad=True) for shape in ((2, 3, 8, 8), (4, 3, 3, 3)))

    def run():
        out = F.max_pool2d(F.relu(F.conv2d(x, w, padding=1)), 2)
        return [t.detach().numpy() for t in (out, *tg.autograd.grad((out * out).sum(), [x, w]))]

    with tg.kernels.use("numpy"):
        readable = run()
    for one, other in zip(run(), readable, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@defect("S000", "the first hundred of the log are 99")
def the_first_hundred_are_a_hundred(seed, monkeypatch):
    script, losses, lines = seed("s000_victorzhou"), [], []
    cross_entropy = script.F.cross_entropy

    def noted(*args):
        losses.append(cross_entropy(*args))
        return losses[-1]

    monkeypatch.setattr(script.F, "cross_entropy", noted)
    monkeypatch.setattr("builtins.print", lambda *args: lines.append((len(losses), *args)))
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 10))
    script.article(net, tg.randn(200, 1, 2, 2), tg.randint(0, 10, (200,)), epochs=1)
    assert [count for count, line in lines if line.startswith("[Step")] == [100, 200]
    mean = sum(loss.item() for loss in losses[:100]) / 100
    assert f"Average Loss {mean:.3f}" in lines[1][1]


@defect("S001", "a pooling backward that returns after its first place trains all the same, and nobody notices")
def a_wrong_backward_is_noticed():
    class ReturnsTooEarly(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return F.max_pool2d(x, 2)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            dx = tg.zeros_like(x)
            window = x[0, 0, :2, :2]
            dx[0, 0, :2, :2] = (window == window.max()) * g[0, 0, 0, 0]
            return dx

    with pytest.raises(testing.GradcheckError, match="analytic 0"):
        testing.gradcheck(ReturnsTooEarly.apply, (float64(1, 1, 4, 4),))
    assert testing.gradcheck(lambda x: F.max_pool2d(x, 2), (float64(1, 1, 4, 4),))


@defect("S004", "group norm's means and variances are right, and its shape is wrong")
def group_norm_keeps_the_shape():
    x = tg.randn(2, 6, 4, 5)
    assert F.group_norm(x, 3).shape == x.shape


@pytest.mark.parametrize("check", TABLE)
def test_defect(check, request):
    check(**{fixture: request.getfixturevalue(fixture) for fixture in inspect.signature(check).parameters})
