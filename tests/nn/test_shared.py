"""A network in shared memory: what a child process trains, its parent sees."""

from __future__ import annotations

import multiprocessing
import pickle
import sys

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(tg.ones(2, 3))
        self.tied = self.w
        self.frozen = nn.Parameter(tg.ones(1), requires_grad=False)
        self.register_buffer("seen", tg.tensor(0))


def _train(net, private):
    opt = tg.optim.SGD(net.parameters(), lr=0.5)
    (net.w.sum() + net.tied.sum()).backward()
    opt.step()
    net.seen += 1
    private.fill_(5.0)
    assert not net.frozen.requires_grad


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["spawn", pytest.param("fork", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux forks"))]
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_children_train_the_parents_network(method):
    net, private = Net(), tg.zeros(2)
    assert net.share_memory() is net
    child = multiprocessing.get_context(method).Process(target=_train, args=(net, private))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert net.w.tolist() == [[0.0] * 3] * 2
    assert net.seen.item() == 1
    assert private.tolist() == [0.0, 0.0]


def test_sharing_changes_nothing_else():
    net = Net()
    w = net.w
    net.share_memory()
    place = w.detach().numpy().__array_interface__["data"]
    net.share_memory()
    assert net.w is net.tied is w
    assert w.detach().numpy().__array_interface__["data"] == place
    assert (w.tolist(), w.dtype, w.requires_grad, w.is_leaf) == ([[1.0] * 3] * 2, tg.float32, True, True)
    again = pickle.loads(pickle.dumps(net))
    again.w.data.zero_()
    assert net.w.tolist() == [[1.0] * 3] * 2


def test_empty_tensors():
    net = nn.ParameterList([tg.zeros(0, 3), tg.tensor(2.0)])
    net.share_memory()
    assert [p.tolist() for p in net] == [[], 2.0]
