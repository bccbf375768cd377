"""The state of a module: what it shares, and loading, which is all or nothing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from small import Net, Scale

import tinygrad_cnn as tg
from tinygrad_cnn import nn


def test_state_shares_memory_and_loading_copies():
    a, b = Net(), Net()
    state = a.state_dict()
    state["one.w"].fill_(7.0)
    assert a.one.w.tolist() == [7.0, 7.0]
    parameter = b.one.w
    assert str(b.load_state_dict(state)) == "<All keys matched successfully>"
    assert b.one.w is parameter
    assert b.one.w.tolist() == [7.0, 7.0]
    state["one.w"].fill_(0.0)
    assert b.one.w.tolist() == [7.0, 7.0]


def test_loading_converts_dtype():
    a, b = Net().double(), Net()
    a.one.w.data.fill_(1 / 3)
    b.load_state_dict(a.state_dict())
    assert b.one.w.dtype == tg.float32
    assert b.one.w.tolist() == [np.float32(1 / 3)] * 2


def test_loading_is_all_or_nothing_and_says_everything():
    net = Net()
    before = {key: t.clone() for key, t in net.state_dict().items()}
    state = {"one.w": tg.zeros(2), "one.b": tg.zeros(3), "other": tg.zeros(1), "one.calls": 3}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Net:\n\t")
    for part in (
        'Unexpected key(s) in state_dict: "other".',
        'Missing key(s) in state_dict: "two.0.w", "two.0.b", "two.0.calls"',
        "size mismatch for one.b: copying a param with shape (3,) from checkpoint, the shape in current model is (2,).",
        "one.calls: expected a Tensor, got int.",
        "Nothing was loaded",
    ):
        assert part in text
    for key, t in net.state_dict().items():
        assert t.tolist() == before[key].tolist()


def test_a_way_of_loading_that_fails_has_drawn_nothing():
    class Noisy(Scale):
        def _load_from_state_dict(self, *args):
            super()._load_from_state_dict(*args)
            self.w.data.copy_(tg.randn(2))
            self.found = "something"
            raise ValueError("too noisy")

    net = Noisy()
    before, state = net.w.tolist(), tg.get_rng_state()
    with pytest.raises(ValueError, match="too noisy"):
        net.load_state_dict(Scale().state_dict())
    assert (net.w.tolist(), tg.get_rng_state(), hasattr(net, "found")) == (before, state, False)


def test_not_strict():
    net = Net()
    result = net.load_state_dict({"one.w": tg.zeros(2), "other": tg.zeros(1)}, strict=False)
    assert result.unexpected_keys == ["other"]
    assert "one.b" in result.missing_keys
    assert "one.w" not in result.missing_keys
    assert net.one.w.tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict({"one.w": tg.zeros(3)}, strict=False)


def test_assign_takes_the_tensors_themselves():
    net, w = Scale(), tg.zeros(2, dtype=tg.float64)
    net.w.requires_grad_(False)
    state = net.state_dict() | {"w": w}
    net.load_state_dict(state, assign=True)
    assert isinstance(net.w, nn.Parameter)
    assert (net.w.dtype, net.w.requires_grad, net.b.requires_grad) == (tg.float64, False, True)
    w.fill_(5.0)
    assert net.w.tolist() == [5.0, 5.0]


def test_loading_is_noticed_by_backward():
    net = Scale()
    x = tg.ones(2, requires_grad=True)
    y = net(x).sum()
    net.load_state_dict(Scale().state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        y.backward()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_whole_and_apart(again):
    net = Net()
    net.tied = net.one.w
    net.eval()
    other = again(net)
    assert other.tied is other.one.w
    assert not other.training
    assert repr(other) == repr(net)
    other.one.w.data.fill_(9.0)
    assert net.one.w.tolist() == [1.0, 1.0]
    other(tg.ones(2)).sum().backward()
    assert net.one.w.grad is None
    assert other.one.w.grad is not None


# modules with a way of loading of their own


class Older(nn.Linear):
    """Its first version called the weight `w`, and kept half of it."""

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, errors):
        if f"{prefix}w" in state_dict:
            state_dict[f"{prefix}weight"] = state_dict.pop(f"{prefix}w") * 2
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, errors)
        self.largest = float(self.weight.max())


@pytest.mark.parametrize("assign", [False, True])
def test_a_module_with_a_way_of_loading_of_its_own(assign):
    net = nn.Sequential(nn.Linear(1, 1), Older(1, 1))
    weight = net[1].weight
    state = {"0.weight": tg.zeros(1, 1), "0.bias": tg.zeros(1), "1.w": tg.full((1, 1), 3.0), "1.bias": tg.ones(1)}
    assert str(net.load_state_dict(state, assign=assign)) == "<All keys matched successfully>"
    assert (net[1].weight.item(), net[1].largest) == (6.0, 6.0)
    assert (net[1].weight is weight) is not assign
    assert sorted(state) == ["0.bias", "0.weight", "1.bias", "1.w"]


def test_its_changes_are_undone_where_something_else_does_not_fit():
    net = nn.Sequential(Older(1, 1), nn.Linear(1, 1))
    net[0].largest = 5.0
    before = {key: t.tolist() for key, t in net.state_dict().items()}
    state = {"0.w": tg.ones(1, 1), "0.bias": tg.ones(1), "1.weight": tg.ones(7, 1), "1.bias": tg.ones(1)}
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
        net.load_state_dict(state)
    assert {key: t.tolist() for key, t in net.state_dict().items()} == before
    assert net[0].largest == 5.0


def test_a_state_that_goes_in_and_out_its_own_way():
    class Noted(nn.Linear):
        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[f"{prefix}note"] = tg.tensor(7)

        def _load_from_state_dict(self, state_dict, prefix, *args):
            self.note = state_dict.pop(f"{prefix}note").item()
            super()._load_from_state_dict(state_dict, prefix, *args)

    net = nn.Sequential(Noted(1, 1))
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0.note"]
    net.load_state_dict(state)
    assert net[0].note == 7


def test_keys_that_it_misses_are_reported():
    class Asks(nn.Module):
        def _load_from_state_dict(self, state_dict, prefix, local, strict, missing, unexpected, errors):
            missing.append(f"{prefix}more")
            errors.append("it is too late")

    with pytest.raises(RuntimeError, match=r'(?s)Missing key.*"0\.more".*it is too late'):
        nn.Sequential(Asks()).load_state_dict({})


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d])
def test_statistics_of_the_first_version_counted_no_batches(kind):
    net = nn.Sequential(kind(2, track_running_stats=True))
    net[0].num_batches_tracked.fill_(3)
    older = {key: value for key, value in net.state_dict().items() if "num_batches" not in key}
    result = net.load_state_dict(older)
    assert (list(result.missing_keys), net[0].num_batches_tracked.item()) == ([], 3)
    newer = net.state_dict()
    del newer["0.num_batches_tracked"]  # it says that it is of the second
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        net.load_state_dict(newer)


def test_one_element_into_a_number():
    net = nn.Module()
    net.p = nn.Parameter(tg.tensor(1.0))
    net.load_state_dict({"p": tg.tensor([3.0])})
    assert (net.p.item(), net.p.shape) == (3.0, ())
