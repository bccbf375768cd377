"""Modules that run in one pass: nobody may be able to tell, but by the time it takes."""

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.nn import fusion
from tinygrad_cnn.testing import gradcheck, gradgradcheck

NETS = {
    "conv": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU()), (2, 2, 5, 4)),
    "strided": (lambda: nn.Sequential(nn.Conv2d(2, 4, (3, 2), stride=(2, 1), groups=2), nn.ReLU(True)), (2, 2, 6, 5)),
    "no bias": (lambda: nn.Sequential(nn.Conv2d(1, 2, 2, bias=False), nn.ReLU()), (1, 1, 3, 3)),
    "same": (lambda: nn.Sequential(nn.Conv2d(1, 2, 2, padding="same"), nn.ReLU()), (1, 1, 3, 3)),
    "one picture": (lambda: nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU()), (1, 3, 3)),
    "linear": (lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU()), (5, 4)),
    "linear, no bias": (lambda: nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU()), (2, 3, 4)),
    "norm": (lambda: nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()), (3, 2, 4, 5)),
    "norm of rows": (lambda: nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.ReLU()), (6, 3)),
    "conv, norm": (lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU()), (2, 1, 5, 5)),
    "conv, pool": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2)), (2, 2, 7, 6)),
    "conv, pool that overlaps": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 1, 1), nn.Flatten()),
        (2, 1, 6, 6),
    ),
    "norm, pool": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
        (3, 1, 7, 7),
    ),
    "large norm": (lambda: nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU()), (4, 1, 20, 20)),
    "large conv, pool": (lambda: nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2)), (4, 1, 20, 20)),
    "empty batch": (lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (0, 4)),
}


def one_by_one(net, x):
    for module in net:
        x = module(x)
    return x


def names(t):
    nodes = tg.autograd.ancestry([t.grad_fn])
    return [(n.name(), n.shape, n.scope.module) for n in nodes if n.name() != "AccumulateGrad"]


@pytest.mark.parametrize("name", NETS)
def test_values_graph_and_gradients_are_those_of_the_separate_modules(name):
    build, shape = NETS[name]
    net = build()
    x = tg.randn(*shape, requires_grad=True)
    a, b = net(x), one_by_one(net, x)
    np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-6, atol=1e-6)
    assert names(a) == names(b)
    wanted = [x, *net.parameters()]
    seed = tg.randn(*a.shape)
    for g, h in zip(tg.autograd.grad(a, wanted, seed), tg.autograd.grad(b, wanted, seed), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["conv", "linear", "strided", "norm", "conv, norm", "conv, pool", "norm, pool"])
def test_derivatives(name):
    build, shape = NETS[name]
    net = build().double()
    x = tg.randn(*shape, dtype=tg.float64, requires_grad=True)
    assert gradcheck(net, x)
    assert gradgradcheck(net, x)


def test_nodes_know_their_modules():
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU())
    relu = net(tg.randn(1, 1, 3, 3)).grad_fn
    assert relu.scope.module is net[1]
    assert relu.scope.outer.module is net
    assert relu.parents[0].scope.module is net[0]


def test_it_happens_and_it_does_not_where_somebody_looks(monkeypatch):
    calls = []
    monkeypatch.setitem(fusion.ROWS, (nn.Linear, nn.ReLU), lambda layer, relu, x: calls.append(1))
    net, x = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), tg.randn(50, 2)
    net(x)
    assert len(calls) == 1
    seen = []
    handle = net[0].register_forward_hook(lambda module, args, out: seen.append(out))
    net(x)
    handle.remove()
    assert (len(calls), len(seen)) == (1, 1)
    assert (seen[0] < 0).any(), "a hook sees what is not yet cut at zero"
    with tg.autograd.detect_anomaly():
        net(x)
    assert len(calls) == 1


@pytest.mark.parametrize("pixels", [6, 40])  # the second is worth the fast kernels
@pytest.mark.parametrize("name", ["linear", "conv", "norm", "conv, norm", "conv, pool", "large conv, pool"])
def test_gradients_pass_where_the_result_is_nan(name, pixels):
    net, shape = NETS[name][0](), NETS[name][1]
    net = net[:2] if name == "linear" else net
    last = [m for m in net if hasattr(m, "bias")][-1]
    with tg.no_grad():
        last.bias[0] = float("nan")
    x = tg.randn(pixels, *shape[1:2], *(pixels for _ in shape[2:]))
    y = net(x)
    assert y[:, 0].isnan().all()
    y.sum().backward()
    assert last.bias.grad[0].item() == y[:, 0].numel()


def pooled():
    tg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))
    return net, tg.randn(4, 1, 8, 8, requires_grad=True)


def test_backward_goes_through_two_nodes_and_does_not_where_somebody_looks():
    net, x = pooled()
    expected = tg.autograd.grad(one_by_one(net, x).exp().sum(), x)[0]
    y = net(x)
    loss = y.exp().sum()
    assert y.grad_fn.through is not None
    for _ in range(2):
        np.testing.assert_array_equal(tg.autograd.grad(loss, x, retain_graph=True)[0], expected)
    seen = []
    y.grad_fn.parents[0].register_hook(lambda g: seen.append(g.shape))
    np.testing.assert_array_equal(tg.autograd.grad(loss, x)[0], expected)
    assert seen == [(4, 3, 6, 6)], "the gradient of the ReLU's result, whole"


@pytest.mark.parametrize("wanted", ["input", "weight", "bias", "input weight bias"])
@pytest.mark.parametrize("pixels", [6, 40])  # the second is worth the fast kernels
def test_backward_goes_through_a_convolution_and_its_relu_at_once(wanted, pixels):
    net = nn.Sequential(nn.Conv2d(3, 5, 3, stride=(1, 2), padding=1), nn.ReLU())
    named = {"input": tg.randn(2, 3, pixels, pixels), "weight": net[0].weight, "bias": net[0].bias}
    for name, t in named.items():
        t.requires_grad = name in wanted.split()
    inputs = [named[name] for name in wanted.split()]
    y = net(named["input"])
    assert y.grad_fn.through is not None
    found = tg.autograd.grad((y * y).sum(), inputs, retain_graph=True)
    separate = one_by_one(net, named["input"])
    for g, expected in zip(found, tg.autograd.grad((separate * separate).sum(), inputs), strict=True):
        np.testing.assert_array_equal(g, expected)
    plus_one(net[0].weight)
    if wanted in ("input", "input weight bias"):
        with pytest.raises(RuntimeError, match="add_"):
            y.sum().backward()


def test_a_pooled_result_may_be_changed_in_place():
    net, x = pooled()
    y = one_by_one(net, x)
    (y * -1).sum().backward()
    expected, x.grad = x.grad, None
    net(x).neg_().sum().backward()
    np.testing.assert_array_equal(x.grad, expected)


def test_a_dropped_loss_frees_everything():
    net, x = pooled()
    net(x)
    gc.collect()
    gc.disable()
    try:
        node = weakref.ref(net(x).sum().grad_fn)
        assert node() is None
    finally:
        gc.enable()


def test_a_subclass_runs_its_own_forward():
    class Loud(nn.ReLU):
        def forward(self, x):
            return super().forward(x) + 1

    net = nn.Sequential(nn.Linear(2, 2), Loud())
    assert (net(tg.randn(3, 2)) >= 1).all()


def test_errors_are_those_of_the_layer():
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())
    with pytest.raises(RuntimeError, match=r"conv2d: .*(3 channels|takes 3)"):
        net(tg.randn(1, 1, 5, 5))
    with pytest.raises(RuntimeError, match="linear"):
        nn.Sequential(nn.Linear(2, 3), nn.ReLU())(tg.randn(1, 5))


def test_copies_run_as_well():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    x = tg.randn(4, 2)
    assert copy.deepcopy(net)(x).tolist() == net(x).tolist()


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_move_as_they_would(momentum):
    nets = [nn.Sequential(nn.BatchNorm2d(2, momentum=momentum), nn.ReLU()) for _ in range(2)]
    for _ in range(3):
        x = tg.randn(4, 2, 3, 3) * 3 + 1
        nets[0](x)
        one_by_one(nets[1], x)
    for a, b in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("last", [[], [nn.ReLU()]], ids=["", "relu"])
@pytest.mark.parametrize("options", [{}, {"affine": False}], ids=str)
def test_batch_norm_in_evaluation_is_folded_into_the_convolution(last, options):
    net = nn.Sequential(nn.Conv2d(2, 4, 3, bias=not last), nn.BatchNorm2d(4, **options), *last)
    for _ in range(3):
        net(tg.randn(5, 2, 6, 6) * 2 + 1)
    net.eval()
    x = tg.randn(3, 2, 6, 6)
    with tg.no_grad():
        np.testing.assert_allclose(net(x), one_by_one(net, x), rtol=1e-4, atol=1e-5)
    assert net(x).requires_grad


def plus_one(t):
    with tg.no_grad():
        t.add_(1)


CHANGES = {
    "bias of batch norm": lambda net, out: plus_one(net[0].bias),
    "weight of batch norm": lambda net, out: plus_one(net[0].weight),
    "result": lambda net, out: plus_one(out),
    "list of the window": lambda net, out: net[-1].kernel_size.__setitem__(slice(None), [1, 1]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("pooled", [False, True])
def test_what_changes_between_forward_and_backward_is_refused_or_makes_no_difference(change, pooled):
    def gradient(change):
        tg.manual_seed(0)
        net = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d([2, 2]))
        net.requires_grad_(False)
        x = tg.randn(4, 2, 4, 4, requires_grad=True)
        out = (net if pooled else net[:2])(x)
        loss = (out * tg.arange(float(out.numel())).view(out.shape)).sum()
        change(net, out)
        return tg.autograd.grad(loss, x)[0].numpy()

    expected = gradient(lambda net, out: None)
    if change == "weight of batch norm" or (change == "result" and not pooled):
        with pytest.raises(RuntimeError, match="add_"):
            gradient(CHANGES[change])
    else:
        np.testing.assert_allclose(gradient(CHANGES[change]), expected)


# What is done to a folded row, which has been called before: in-place ops, the engine's own ways, and behind its back.


def _train(net):
    with tg.enable_grad():
        net.train()
        net(tg.randn(4, 2, 6, 6)).square().sum().backward()
        tg.optim.SGD(net.parameters(), lr=0.1).step()
    net.eval()


def _put(array, k=0):
    array.reshape(-1)[k] += 3


DEEDS = {
    "weight": lambda net: net[0].weight.mul_(2),
    "one weight": lambda net: net[0].weight[0].add_(1),
    "bias": lambda net: net[0].bias.add_(1),
    "scale": lambda net: nn.init.constant_(net[1].weight, 3.0),
    "shift": lambda net: net[1].bias.fill_(4),
    "mean": lambda net: net[1].running_mean.add_(1),
    "variance": lambda net: net[1].running_var.mul_(3),
    "eps": lambda net: setattr(net[1], "eps", 1.0),
    "a step of training": _train,
    "behind autograd's back": lambda net: net[0].weight.data.mul_(2),
    "the data of the data": lambda net: net[0].weight.data.data[1].zero_(),
    "what was detached": lambda net: net[0].weight.detach().view(-1).zero_(),
    "other memory": lambda net: setattr(net[0].weight, "data", tg.ones_like(net[0].weight)),
    "another parameter": lambda net: setattr(net[0], "weight", nn.Parameter(tg.ones_like(net[0].weight))),
    "no bias": lambda net: setattr(net[0], "bias", None),
    "another state": lambda net: net.load_state_dict({k: v + 1 for k, v in net.state_dict().items()}),
    "through NumPy": lambda net: _put(net[0].weight.detach().numpy()),
    "through NumPy, of the data": lambda net: _put(net[0].weight.data.numpy()),
    "through NumPy, of a view": lambda net: _put(net[0].weight[1:].numpy()),
    "as an array": lambda net: _put(np.asarray(net[1].running_mean)),
}


def _on_array(net):
    array = np.ones(net[0].weight.shape, np.float32)
    net[0].weight = nn.Parameter(tg.from_numpy(array))
    return array


def _on_tensor(net):
    net[0].weight.data = data = tg.ones_like(net[0].weight)
    return data


HELD = {  # what the user holds since before the first call, and how it is used after it
    "an array": (lambda net: net[0].weight.detach().numpy(), _put),
    "an array of the mean": (lambda net: net[1].running_mean.numpy(), _put),
    "the data": (lambda net: net[0].weight.data, lambda data: data.mul_(2)),
    "memory of its own": (_on_array, _put),
    "shared memory": (lambda net: net.share_memory()[0].weight.detach().numpy(), _put),
    "a tensor that became the data": (_on_tensor, lambda data: data.mul_(2)),
}


def _row():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    net(tg.randn(4, 2, 6, 6))
    return net.eval()


@pytest.mark.parametrize("change", DEEDS)
@tg.no_grad()
def test_a_folded_weight_is_kept_until_something_that_it_is_made_of_changes(change, monkeypatch):
    net, x, made = _row(), tg.randn(2, 2, 6, 6), []
    fold = fusion._fold
    monkeypatch.setattr(fusion, "_fold", lambda *row: made.append(row) or fold(*row))
    first = net(x), net(x)
    assert (first[0] == first[1]).all()
    assert len(made) == 1
    net.to(tg.float32).state_dict()  # looks, and changes nothing
    net(x)
    assert len(made) == 1
    DEEDS[change](net)
    found = net(x)
    np.testing.assert_allclose(found, one_by_one(net, x), rtol=1e-5, atol=1e-5)
    assert not np.allclose(found, first[0])
    assert len(made) == 2


@pytest.mark.parametrize("case", HELD)
@tg.no_grad()
def test_who_holds_the_memory_of_a_weight_may_change_it(case):
    net, x = _row(), tg.randn(2, 2, 6, 6)
    take, use = HELD[case]
    held = take(net)
    first = net(x)
    use(held)
    found = net(x)
    np.testing.assert_allclose(found, one_by_one(net, x), rtol=1e-5, atol=1e-5)
    assert not np.allclose(found, first)


@tg.no_grad()
def test_a_folded_weight_dies_with_its_module():
    net = _row()
    net(tg.randn(2, 2, 6, 6))
    count = len(fusion._kept)
    del net
    gc.collect()
    assert len(fusion._kept) == count - 1


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ReLU, nn.Module])
def test_a_forward_that_a_script_puts_in_the_place_of_a_class_is_called(kind, monkeypatch):
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()).eval()
    x, name = tg.randn(1, 1, 2, 2), "__call__" if kind is nn.Module else "forward"
    seen, before = [], getattr(kind, name)
    plain = net(x)

    def instead(self, *args):
        seen.append(type(self))
        return before(self, *args)

    monkeypatch.setattr(kind, name, instead)
    assert tg.equal(net(x), plain)
    assert kind in seen or {nn.Conv2d, nn.ReLU} <= {*seen}
