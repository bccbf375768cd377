"""Lazy layers: what they are before, at and after their first call, as PyTorch's."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn

X = np.random.default_rng(0).normal(size=(3, 4, 5, 5, 2))
ROWS, LINES, IMAGE = X[:, :, 0, 0, 0], X[:, :, 0, :, 0], X[..., 0]

LAZY = [
    (lambda nn: nn.LazyLinear(5), ROWS),
    (lambda nn: nn.LazyLinear(5, bias=False), X),
    (lambda nn: nn.LazyConv1d(6, 3), LINES),
    (lambda nn: nn.LazyConv2d(6, (3, 2), padding=1, groups=2, bias=False), IMAGE),
    (lambda nn: nn.LazyConv2d(6, 3, padding="same"), IMAGE[0]),
    (lambda nn: nn.LazyConvTranspose1d(6, 3, stride=2), LINES),
    (lambda nn: nn.LazyConvTranspose2d(6, 3, 2, output_padding=1, groups=2), IMAGE),
    (lambda nn: nn.LazyBatchNorm1d(), ROWS),
    (lambda nn: nn.LazyBatchNorm2d(momentum=0.3, bias=False), IMAGE),
    (lambda nn: nn.LazyBatchNorm3d(affine=False), X),
    (lambda nn: nn.LazyInstanceNorm1d(track_running_stats=False), LINES),
    (lambda nn: nn.LazyInstanceNorm2d(), IMAGE),
    (lambda nn: nn.LazyInstanceNorm3d(eps=0.1), X),
]


def _about(layer):
    shapes = None if layer.has_uninitialized_params() else {k: v.shape for k, v in layer.state_dict().items()}
    kinds = [type(t).__name__ for t in (*layer.parameters(), *layer.buffers())]
    return [repr(layer), list(layer.state_dict()), shapes, kinds]


@pytest.mark.parametrize(("make", "x"), LAZY, ids=[repr(make(nn)) for make, _ in LAZY])
def test_a_first_call_makes_it_its_twin(pytorch, make, x):
    def life(m):
        layer = make(m.nn).double()
        name, found = type(layer).__name__, [_about(layer)]
        held = list(layer.parameters())
        out = layer(m.tensor(x))
        assert all(p is q for p, q in zip(held, layer.parameters()))
        assert type(layer) is getattr(m.nn, name.removeprefix("Lazy"))
        layer.has_uninitialized_params = lambda: False
        arguments = [(n, repr(p.default)) for n, p in inspect.signature(getattr(m.nn, name)).parameters.items()]
        return [found, _about(layer), out.shape, str(out.dtype).rpartition(".")[2], arguments]

    pytorch.agrees(life)


@pytest.mark.parametrize(
    "use",
    [
        lambda p, nn: p.shape,
        lambda p, nn: p.numel(),
        lambda p, nn: p + 1,
        lambda p, nn: p.sum(),
        lambda p, nn: nn.init.zeros_(p),
        lambda p, nn: nn.init.normal_(p),
        lambda p, nn: nn.init.xavier_uniform_(p),
        lambda p, nn: nn.init.kaiming_uniform_(p),
        lambda p, nn: p.share_memory_(),
        lambda p, nn: nn.Sequential(nn.LazyLinear(2)).share_memory(),
        lambda p, nn: nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict()),
        lambda p, nn: repr(p),
        lambda p, nn: [p.requires_grad, p.is_leaf, p.grad],
        lambda p, nn: str(p.double().dtype)[-7:],
    ],
)  # fmt: skip
def test_what_has_no_shape_is_refused(pytorch, use):
    def kind(m):
        try:
            return use(m.nn.LazyLinear(3).weight, m.nn)
        except (RuntimeError, ValueError) as error:
            return type(error).__name__

    pytorch.agrees(kind)


@pytest.mark.parametrize(("make", "x"), LAZY, ids=[repr(make(nn)) for make, _ in LAZY])
def test_states_go_into_both_and_out_of_both(make, x):
    x = tg.tensor(x).float()
    known, fresh, waiting = make(nn), make(nn), make(nn)
    known(x)
    fresh.load_state_dict(make(nn).state_dict())  # nothing to take over
    fresh.load_state_dict(known.state_dict())
    waiting.load_state_dict(known.state_dict(), assign=True)
    for layer in (fresh, waiting):
        assert not layer.has_uninitialized_params()
        assert tg.equal(layer.eval()(x), known.eval()(x))
        assert repr(layer) == repr(known)


def test_what_is_written_before_the_first_call_goes_nowhere(pytorch):
    """As lessons write it, which initialise a lazy layer where they make it."""

    def life(m):
        layer = m.nn.LazyLinear(2)
        said = [layer.weight.data.normal_(0, 0.01).shape, layer.bias.data.fill_(0).dtype == layer.bias.dtype]
        layer.weight.data = layer.weight.data.double()
        said += [tuple(said[0]) == (0,), str(layer.weight.dtype).rpartition(".")[2]]
        layer.weight.data = layer.weight.data.float()
        return [tuple(said[0]), said[1:], tuple(layer(m.ones(3, 4)).shape)]

    pytorch.agrees(life)


def test_a_state_that_does_not_fit_leaves_it_uninitialized():
    net = nn.Sequential(nn.LazyLinear(2), nn.Linear(2, 2))
    state = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 3)).state_dict()
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
        net.load_state_dict(state)
    assert net[0].has_uninitialized_params()


def test_copies_and_pickles_wait_as_well():
    net = nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d()).double()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin(tg.zeros(1, 3, 4, 4).double()).dtype == tg.float64
        assert net[0].has_uninitialized_params()


def test_an_optimizer_may_hold_it_before(pytorch):
    """As in d2l: made, handed to an optimizer, run dry, initialised, trained."""

    def trained(m):
        nn, draw = m.nn, np.random.default_rng(0)
        net = nn.Sequential(nn.LazyConv2d(3, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)).double()
        opt = m.optim.SGD(net.parameters(), lr=0.1)
        opt.zero_grad()
        opt.step()
        x, y = m.tensor(draw.normal(size=(5, 2, 6, 6))), m.tensor(draw.integers(0, 4, 5))
        net(x)

        def init(layer):
            if type(layer) in (nn.Linear, nn.Conv2d):
                nn.init.constant_(layer.bias, 0.1)
                layer.weight.data.copy_(layer.weight.data.new_tensor(draw.normal(size=tuple(layer.weight.shape))))

        net.apply(init)
        losses = []
        for _ in range(3):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        return losses

    pytorch.agrees(trained, rtol=1e-10)


def test_a_module_of_ones_own():
    class Half(nn.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.UninitializedParameter(), nn.UninitializedBuffer()

        def initialize_parameters(self, x):
            self.a.materialize(x.shape)

        def forward(self, x):
            return x * self.a

    with pytest.raises(RuntimeError, match="has not been fully initialized"):
        Half()(tg.ones(2))
    with pytest.raises(ValueError, match=r"in_channels=3.* must be divisible by groups=2"):
        nn.LazyConv2d(4, 3, groups=2)(tg.zeros(1, 3, 5, 5))
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(4, 3)(tg.zeros(3, 5))
