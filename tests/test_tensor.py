"""What a Tensor is: its properties, conversions, copies, and how it shows itself."""

from __future__ import annotations

import copy
import pickle
from operator import add

import numpy as np
import pytest

import tinygrad_cnn as tg


def test_shape_is_a_tuple_that_counts():
    x = tg.zeros(2, 3)
    assert x.shape == (2, 3) == x.size()
    assert (x.size(0), x.size(-1), x.shape.numel(), x.ndim, len(x)) == (2, 3, 6, 2, 2)


@pytest.mark.parametrize(
    "part", [lambda s: s[1:], lambda s: add(s, (4,)), lambda s: add((4,), s), lambda s: s * 2, lambda s: 2 * s]
)
def test_parts_of_a_shape_are_shapes(part):
    shape, plain = tg.zeros(2, 3).shape, (2, 3)
    assert part(shape) == part(plain)
    assert type(part(shape)) is tg.Size
    assert part(shape).numel() == np.prod(part(plain))
    assert hash(part(shape)) == hash(part(plain))
    with pytest.raises(TypeError):
        add(shape, [1])


def test_data_shares_memory_without_history():
    x = tg.ones(2, requires_grad=True)
    x.data[0] = 5.0
    assert x.tolist() == [5.0, 1.0]
    assert not x.data.requires_grad
    x.data = tg.zeros(3)
    assert x.tolist() == [0.0, 0.0, 0.0]
    (x * 2).sum().backward()
    assert x.grad.shape == (3,)
    with pytest.raises(TypeError, match="expected a Tensor"):
        x.data = 3


def test_numpy_needs_no_history():
    x = tg.ones(2, requires_grad=True)
    for convert in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.array(x)):
        with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
            convert()
    assert x.detach().numpy().dtype == np.float32
    assert x.numpy(force=True).tolist() == [1.0, 1.0]


def test_array_protocol():
    x = tg.tensor([1.0, 2.0])
    assert np.asarray(x) is x.numpy()
    assert np.array(x) is not x.numpy()
    assert np.array(x, dtype=None, copy=None).tolist() == [1.0, 2.0]
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert isinstance(np.ones(2, np.float32) * x, tg.Tensor)
    assert isinstance(np.float32(2) * x, tg.Tensor)


def test_scalars():
    assert tg.tensor(3).item() == 3
    assert float(tg.tensor([2.5])) == 2.5
    assert int(tg.tensor(7)) == 7
    assert ["a", "b"][tg.tensor(1)] == "b"
    assert f"{tg.tensor(2.0):.2f}" == "2.00"
    with pytest.raises(RuntimeError, match="2 elements"):
        tg.ones(2).item()
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(tg.ones(2))
    with pytest.raises(TypeError, match="integer"):
        [1][tg.tensor(0.0)]
    with pytest.raises(TypeError, match="0-d"):
        len(tg.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        list(tg.tensor(1.0))


def test_iteration_keeps_the_graph():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    a, b = x
    (a * 2 + b * 3).backward()
    assert x.grad.tolist() == [2.0, 3.0]
    assert sum(tg.tensor([1.0, 2.0])).item() == 3.0


def test_repr():
    assert repr(tg.tensor([1.0, 2.0])) == "tensor([1., 2.], shape=(2,), dtype=float32)"
    x = tg.tensor([[1, 2]], dtype=tg.float64, requires_grad=True)
    assert repr(x) == "tensor([[1., 2.]], shape=(1, 2), dtype=float64, requires_grad=True)"
    assert repr(x * 2) == "tensor([[2., 4.]], shape=(1, 2), dtype=float64, grad_fn=<MulBackward0>)"
    assert "..." in repr(tg.zeros(2000))
    assert repr(tg.zeros(0)) == "tensor([], shape=(0,), dtype=float32)"


def test_device_is_the_cpu():
    x = tg.ones(1)
    assert str(x.device) == "cpu"
    assert x.device == tg.device("cpu") != tg.device("cuda:0")
    assert x.to("cpu") is x
    with pytest.raises(RuntimeError, match="CPU"):
        x.to("cuda:0")
    assert not tg.cuda.is_available()
    assert not tg.accelerator.is_available()


def test_copies():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    x.grad = tg.ones(2)
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert y.tolist() == x.tolist()
        assert y.requires_grad
        with tg.no_grad():
            y[0] = 9
        assert x.tolist() == [1.0, 2.0]
    assert copy.deepcopy(x).grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(x * 2)


def test_hash_is_identity():
    x = tg.ones(2)
    assert {x: 1}[x] == 1
    assert len({tg.ones(1), tg.ones(1)}) == 2


def test_deepcopy_keeps_together_what_shares_memory():
    x = tg.arange(6.0).view(2, 3)
    same = [x, x[1:, ::2], x.t(), x.detach(), x.data, tg.nn.Parameter(x)]
    expanded, empty = tg.ones(1).expand(3), tg.zeros(0, 3)
    *copies, e, nothing, again = copy.deepcopy([*same, expanded, empty, x])
    assert again is copies[0]
    assert [c.tolist() for c in copies] == [t.tolist() for t in same]
    assert [c.stride() for c in copies] == [t.stride() for t in same]
    copies[0][1, 0] = 99.0
    assert x[1, 0].item() == 3.0
    assert all(99.0 in c.flatten().tolist() for c in copies)
    assert (nothing.shape, e.tolist()) == ((0, 3), [1.0] * 3)
    with pytest.raises(RuntimeError, match="expanded"):
        e[0] = 1


def test_deepcopy_of_a_module_keeps_what_its_tensors_share():
    a, b = tg.nn.Linear(2, 2), tg.nn.Linear(2, 2)
    b.weight = a.weight
    flat = tg.zeros(6)
    a.register_buffer("part", flat[:4].view(2, 2))
    a.weight.tag, a.weight.grad = [flat], flat[2:].view(2, 2)
    net, whole = copy.deepcopy((tg.nn.Sequential(a, b), flat))
    assert net[0].weight is net[1].weight
    assert net[0].weight.tag[0] is whole
    net[0].part.add_(1)
    assert whole.tolist() == [1.0] * 4 + [0.0] * 2
    assert flat.tolist() == [0.0] * 6
    assert net[0].weight.grad is None  # as in PyTorch: a copy of a parameter begins without


def test_deepcopies_notice_each_others_changes():
    y, v = copy.deepcopy((x := tg.ones(2), x[:1]))
    w = tg.ones(2, requires_grad=True)
    out = w * y
    v.mul_(2)
    with pytest.raises(RuntimeError, match="mul_"):
        out.sum().backward()
