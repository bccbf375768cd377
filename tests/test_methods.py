"""Operators and methods: what they give against PyTorch, what they say of other types, and what they do in place."""

from __future__ import annotations

import inspect
import operator

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.engine.tensor import Tensor
from tinygrad_cnn.ops.declared import declared

# Operators.

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
OPERANDS = {
    "float": lambda m: m.tensor([1.5, 2.0, 3.0]),
    "int": lambda m: m.tensor([1, 2, 3]),
    "0-d": lambda m: m.tensor(2.0, dtype=m.float64),
    "bool": lambda m: m.tensor([True, False, True]),
    "column": lambda m: m.tensor([[2.0], [3.0]]),
    "2": lambda m: 2,
    "2.5": lambda m: 2.5,
}


@pytest.mark.parametrize("left", OPERANDS)
@pytest.mark.parametrize("right", OPERANDS)
@pytest.mark.parametrize("op", [*BINARY, *COMPARISONS], ids=lambda op: op.__name__)
def test_operators_are_pytorchs(pytorch, op, left, right):
    def value(m):
        try:
            return op(OPERANDS[left](m), OPERANDS[right](m))
        except (RuntimeError, TypeError):
            return "refused"

    with np.errstate(all="raise"):
        pytorch.agrees(value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("op", BITS, ids=lambda op: op.__name__)
def test_bits(pytorch, op):
    pytorch.agrees(lambda m: op(m.tensor([5, 6]), m.tensor([1, 3])))
    pytorch.agrees(lambda m: op(m.tensor([5, 6]), 2))
    pytorch.agrees(lambda m: op(2, m.tensor([1, 3])))


def test_one_operand(pytorch):
    pytorch.agrees(lambda m: [op(m.tensor([1.0, -2.0])) for op in (operator.neg, operator.pos, operator.abs)])
    pytorch.agrees(lambda m: [~m.tensor([True, False]), ~m.tensor([5])])


def test_arrays_and_numpy_numbers_on_both_sides():
    t, a = tg.tensor([1.0, 2.0]), np.array([10.0, 20.0], np.float32)
    for out in (t + a, a + t, np.float32(1) * t, t * np.float32(1), a - t, a / t, a > t):
        assert isinstance(out, Tensor)
    assert (a - t).tolist() == [9, 18]
    assert (np.float64(2) * t).dtype == tg.float32  # one number does not widen


def test_sum_of_tensors():
    assert sum(tg.tensor(float(i)) for i in range(3)).item() == 3


class Foreign:
    """A type that knows Tensors, and that Tensors do not know."""

    def __radd__(self, other):
        return "foreign"

    __rmatmul__ = __rmul__ = __rsub__ = __radd__

    def __eq__(self, other):
        return "equal"

    __hash__ = None


def test_a_foreign_type_is_asked():
    t = tg.ones(2)
    assert [t + Foreign(), t * Foreign(), t - Foreign(), t @ Foreign()] == ["foreign"] * 4
    assert (t == Foreign()) == "equal"


@pytest.mark.parametrize("other", ["a", None, [1], (1,), {}, object()], ids=lambda o: type(o).__name__)
def test_unknown_types_are_python_s_own_error(other):
    t = tg.ones(2)
    for op, sign in ((operator.add, r"\+"), (operator.sub, "-"), (operator.truediv, "/"), (operator.matmul, "@")):
        with pytest.raises(TypeError, match=f"unsupported operand type.*{sign}: 'Tensor' and '{type(other).__name__}'"):
            op(t, other)
    with pytest.raises(
        TypeError, match=f"'<' not supported between instances of 'Tensor' and '{type(other).__name__}'"
    ):
        _ = t < other
    with pytest.raises(TypeError, match="unsupported operand"):
        t += other
    assert (t == other) is False
    assert (t != other) is True
    assert t.tolist() == [1, 1]


def test_shapes_that_do_not_broadcast_keep_their_error():
    with pytest.raises(RuntimeError, match=r"add: shapes \(2,\) and \(3,\)"):
        _ = tg.ones(2) + tg.ones(3)
    with pytest.raises(RuntimeError, match=r"\(2,\) and \(3,\)"):
        _ = tg.ones(2) == tg.ones(3)


def test_contains():
    t = tg.tensor([1.0, 2.0])
    assert 2 in t
    assert tg.tensor(1.0) in t
    assert 3.0 not in t
    with pytest.raises(RuntimeError, match="str"):
        _ = "a" in t


def test_a_tensor_in_a_set_or_list_is_itself():
    a, b = tg.ones(2), tg.ones(2)
    assert len({a, b}) == 2
    assert {a: 1}[a] == 1


# What a tensor is.

ABOUT = {
    "size": lambda t: tuple(t.size()),
    "size(dim)": lambda t: (t.size(0), t.size(-1), t.size(dim=1)),
    "dim": lambda t: (t.dim(), t.ndimension(), t.ndim),
    "numel": lambda t: (t.numel(), t.nelement()),
    "element_size": lambda t: t.element_size(),
    "stride": lambda t: t.stride(),
    "stride of a view": lambda t: (t[:, ::2].transpose(0, 2).stride(), t.stride(1)),
    "storage_offset": lambda t: (t.storage_offset(), t[1, 1:].storage_offset()),
    "is_contiguous": lambda t: (t.is_contiguous(), t.mT.is_contiguous()),
    "floating": lambda t: (t.is_floating_point(), t.long().is_floating_point(), t.is_complex(), t.byte().is_signed()),
    "places": lambda t: (t.is_cuda, t.get_device(), t.is_pinned(), str(t.device)),
    "shape.numel": lambda t: t.shape.numel(),
    "same memory": lambda t: t.data_ptr() == t.view(-1).data_ptr(),
    "T": lambda t: t[0].T,
    "mT": lambda t: t.mT,
    "H": lambda t: t[0].H,
}


@pytest.mark.parametrize("name", ABOUT)
def test_about(pytorch, name):
    pytorch.agrees(lambda m: ABOUT[name](m.arange(24, dtype=m.float32).reshape(2, 3, 4)))


def test_about_errors():
    with pytest.raises(IndexError, match="size: dim 2"):
        tg.ones(2, 2).size(2)
    with pytest.raises(RuntimeError, match="cuda"):
        tg.ones(2).cuda()
    with pytest.raises(RuntimeError, match="cuda"):
        tg.ones(2).to("cuda:0")
    with pytest.raises(RuntimeError, match="mT: expects a matrix"):
        _ = tg.ones(2).mT
    with pytest.warns(UserWarning, match="T of a tensor of 3 axes"):
        assert tg.ones(2, 3, 4).T.shape == (4, 3, 2)


# Conversions.


@pytest.mark.parametrize("name", "float double half long int short byte bool char".split())
def test_conversions(pytorch, name):
    pytorch.agrees(lambda m: getattr(m.tensor([0.0, 1.7, 3.0]), name)())


def test_to():
    t = tg.ones(2)
    assert t.to("cpu") is t
    assert t.to(tg.device("cpu")) is t
    assert t.to(tg.float32) is t
    assert t.cpu() is t
    assert t.float() is t
    assert t.to(tg.float64).dtype == tg.float64
    assert t.to("cpu", tg.float64).dtype == tg.float64
    assert t.to(device="cpu", dtype=tg.int64).dtype == tg.int64
    assert t.to(tg.zeros(1, dtype=tg.int32)).dtype == tg.int32
    assert t.to("cpu", non_blocking=True) is t
    assert t.to(tg.float32, copy=True) is not t
    assert t.to("cpu", tg.float32, False, True) is not t
    assert t.type(tg.float64).dtype == t.type_as(tg.zeros(1, dtype=tg.float64)).dtype == tg.float64
    assert t.type() == "torch.FloatTensor"
    assert t.type("torch.LongTensor").dtype == tg.int64
    assert t.type(tg.LongTensor if hasattr(tg, "LongTensor") else "LongTensor").dtype == tg.int64


def test_conversions_are_in_the_graph():
    t = tg.ones(2, requires_grad=True)
    t.double().mul(3).sum().backward()
    assert t.grad.tolist() == [3, 3]
    assert t.grad.dtype == tg.float32
    assert not t.long().requires_grad


# Methods.

METHODS = {
    "add": lambda m, t: t.add(t, alpha=2),
    "sub": lambda m, t: t.sub(1, alpha=3),
    "mul": lambda m, t: t.mul(t),
    "div": lambda m, t: t.div(2, rounding_mode="floor"),
    "pow": lambda m, t: t.pow(2),
    "pow tensor": lambda m, t: t.abs().pow(m.tensor([[2.0], [3.0]])),
    "sum": lambda m, t: t.sum(-1, keepdim=True),
    "mean": lambda m, t: t.mean((0, 1)),
    "max": lambda m, t: t.max(1)[1],
    "max values": lambda m, t: t.max(dim=0).values,
    "argmax": lambda m, t: t.argmax(dim=1, keepdim=True),
    "norm": lambda m, t: t.norm(),
    "std": lambda m, t: t.std(0),
    "softmax": lambda m, t: t.softmax(1),
    "log_softmax": lambda m, t: t.log_softmax(-1),
    "relu": lambda m, t: t.relu(),
    "sigmoid": lambda m, t: t.sigmoid(),
    "tanh": lambda m, t: t.tanh(),
    "clamp": lambda m, t: t.clamp(min=-0.5, max=0.5),
    "clamp_min": lambda m, t: t.clamp_min(0.1),
    "eq": lambda m, t: t.eq(t),
    "where": lambda m, t: t.where(t > 0, m.zeros(1)),
    "cumsum": lambda m, t: t.cumsum(1),
    "sort": lambda m, t: t.sort(1).values,
    "topk": lambda m, t: t.topk(2).indices,
    "masked_fill": lambda m, t: t.masked_fill(t > 0, -1.0),
    "matmul": lambda m, t: t.matmul(t.T),
    "exp log": lambda m, t: t.exp().log(),
    "all any": lambda m, t: (t > -9).all() & (t > 0).any(),
    "logsumexp": lambda m, t: t.logsumexp(dim=1),
    "reshape": lambda m, t: t.reshape(-1),
    "permute": lambda m, t: t.permute(1, 0),
    "expand": lambda m, t: t.unsqueeze(0).expand(2, -1, -1),
    "flip": lambda m, t: t.flip(0, 1),
    "allclose": lambda m, t: t.allclose(t + 1e-9),
    "equal": lambda m, t: t.equal(t.clone()),
    "data": lambda m, t: t.data.mul(2),
    "addmm": lambda m, t: m.ones(2, 2).addmm(t, t.T),
}
VALUES = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_pytorchs(pytorch, name):
    pytorch.agrees(lambda m: METHODS[name](m, m.tensor(VALUES)), rtol=1e-6, atol=1e-6)


def test_methods_carry_the_docstring_of_their_op():
    for d in declared:
        for name in d.names if d.words & {"method", "sizes"} else ():
            assert getattr(Tensor, name).__doc__ == d.function.__doc__, name
        for name in d.names if d.words & {"in_place", "in_shape"} else ():
            method = getattr(Tensor, f"{name}_")
            assert method.__name__ == f"{name}_"
            assert method.__doc__


# In place.

IN_PLACE = {
    "add_": lambda m, t: t.add_(2, alpha=3),
    "sub_": lambda m, t: t.sub_(t),
    "mul_": lambda m, t: t.mul_(m.tensor([1.0, 2.0, 3.0])),
    "div_": lambda m, t: t.div_(4),
    "pow_": lambda m, t: t.pow_(2),
    "neg_": lambda m, t: t.neg_(),
    "exp_": lambda m, t: t.exp_(),
    "abs_": lambda m, t: t.abs_(),
    "sqrt_": lambda m, t: t.sqrt_(),
    "relu_": lambda m, t: t.relu_(),
    "sigmoid_": lambda m, t: t.sigmoid_(),
    "tanh_": lambda m, t: t.tanh_(),
    "clamp_": lambda m, t: t.clamp_(min=0.5, max=1.5),
    "clamp_min_": lambda m, t: t.clamp_min_(1.2),
    "fill_": lambda m, t: t.fill_(3),
    "fill_ tensor": lambda m, t: t.fill_(m.tensor(3.0)),
    "zero_": lambda m, t: t.zero_(),
    "copy_": lambda m, t: t.copy_(m.tensor([1, 2, 3])),
    "round_": lambda m, t: t.round_(),
    "floor_": lambda m, t: t.floor_(),
    "lerp_": lambda m, t: t.lerp_(m.zeros(3), 0.25),
    "addcmul_": lambda m, t: t.addcmul_(m.ones(3), m.tensor([1.0, 2.0, 3.0]), value=0.5),
    "addcdiv_": lambda m, t: t.addcdiv_(m.ones(3), m.tensor([1.0, 2.0, 4.0]), value=-0.5),
    "tril_": lambda m, t: t.tril_(),
    "cumsum_": lambda m, t: t.cumsum_(0),
    "+=": lambda m, t: operator.iadd(t, 2),
    "-=": lambda m, t: operator.isub(t, m.ones(3)),
    "*=": lambda m, t: operator.imul(t, 3),
    "/=": lambda m, t: operator.itruediv(t, 2.0),
    "**=": lambda m, t: operator.ipow(t, 2),
    "//=": lambda m, t: operator.ifloordiv(t, 2),
    "%=": lambda m, t: operator.imod(t, 2),
    "view": lambda m, t: t.view(-1).mul_(2).view(2, 3),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_methods_are_pytorchs(pytorch, name):
    """Values in the same memory, and the gradient of a tensor that was changed."""

    def changed(m):
        t = m.tensor(np.abs(VALUES) + 0.2)
        memory = t.numpy()
        IN_PLACE[name](m, t)
        assert memory.tolist() == t.tolist()
        return t

    def gradient(m):
        leaf = m.tensor(np.abs(VALUES) + 0.2, requires_grad=True)
        y = leaf * 1
        IN_PLACE[name](m, y)
        (y * y).sum().backward()
        return leaf.grad

    pytorch.agrees(changed, rtol=1e-6)
    if name != "//=":  # PyTorch refuses to differentiate it
        pytorch.agrees(gradient, rtol=1e-5)


PLACES = {"package": lambda m: m, "Tensor": lambda m: m.Tensor, "functional": lambda m: m.nn.functional}


@pytest.mark.parametrize("place", PLACES)
def test_what_has_a_twin_in_pytorch_has_one(pytorch, place):
    def twins(m):
        home = PLACES[place](m)
        return sorted(n for n in dir(home) if n.endswith("_") and n[0] != "_" and hasattr(home, n[:-1]))

    ours = PLACES[place](tg)
    assert [name for name in pytorch(twins) if hasattr(ours, name[:-1]) and not hasattr(ours, name)] == []


def test_what_takes_out_in_pytorch_takes_it(pytorch):
    def takes_out(m):
        """The functions of which the schema of an overload, written by hand, has an `out`."""
        forms = {n: getattr(m.ops.aten, n) for n in dir(m) if n[0] != "_" and hasattr(m.ops.aten, n)}
        forms = {n: [getattr(f, overload) for overload in f.overloads()] for n, f in forms.items()}
        kept = {n: [f for f in fs if m.Tag.generated not in f.tags] for n, fs in forms.items()}
        return sorted(n for n, fs in kept.items() if any(a.is_out for f in fs for a in f._schema.arguments))

    declares = {name for d in declared if "out" in d.words for name in d.names}
    found = [name for name in pytorch(takes_out) if hasattr(tg, name) and name not in declares]
    assert [name for name in found if "out" not in inspect.signature(getattr(tg, name)).parameters] == []


def test_what_has_no_gradient_cuts_the_history_in_place():
    leaf = tg.ones(2, requires_grad=True)
    for change in (lambda t: t.eq_(1), lambda t: t.bernoulli_(), lambda t: t.logical_not_(), lambda t: t[0].zero_()):
        y = leaf * 2
        change(y)
        leaf.grad = None
        y.sum().backward()
        assert leaf.grad[0].item() == 0


@pytest.mark.parametrize("name", sorted(f"{name}_" for d in declared if "in_place" in d.words for name in d.names))
def test_in_place_leaves_refuse(name):
    """A leaf that requires grad is not changed, whatever the arguments are."""
    leaf = tg.full((2, 2), 0.5, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf Variable that requires grad"):
        getattr(leaf, name)(
            *{"addmm_": (leaf, leaf), "addcmul_": (leaf, leaf), "addcdiv_": (leaf, leaf)}.get(name, (0,))
        )
    assert leaf.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_in_place_keeps_shape_and_dtype():
    t = tg.arange(3)
    with pytest.raises(RuntimeError, match=r"float32 can't be cast .*int64"):
        t.add_(1.5)
    with pytest.raises(RuntimeError, match=r"\(3,\) .*\(2, 3\)"):
        t += tg.ones(2, 3, dtype=tg.int64)
    assert t.tolist() == [0, 1, 2]
    assert t.version().changes == 0
    half = tg.ones(2)
    half += tg.ones(2, dtype=tg.float64)
    assert half.dtype == tg.float32


def test_in_place_under_no_grad():
    w = tg.ones(2, requires_grad=True)
    (w * 3).sum().backward()
    with tg.no_grad():
        w -= 0.5 * w.grad
        w.grad.zero_()
    assert w.tolist() == [-0.5, -0.5]
    assert w.is_leaf
    assert w.requires_grad
    assert w.grad.tolist() == [0, 0]


def test_data_writes_the_tensor_itself():
    w = tg.ones(2, requires_grad=True)
    w.data.fill_(0.01)
    w.data[0] = 5
    assert w.tolist() == pytest.approx([5, 0.01])


def test_in_place_reshaping():
    t = tg.arange(6.0).reshape(1, 2, 3)
    memory = t.numpy()
    assert t.squeeze_() is t
    assert t.shape == (2, 3)
    assert t.t_().shape == (3, 2)
    assert t.unsqueeze_(0).shape == (1, 3, 2)
    assert t.transpose_(1, 2).shape == (1, 2, 3)
    assert np.shares_memory(t.numpy(), memory)
    leaf = tg.ones(2, 1, requires_grad=True)
    y = leaf * 2
    y.squeeze_(1).mul_(tg.tensor([3.0, 4.0]))
    y.sum().backward()
    assert leaf.grad.tolist() == [[6], [8]]
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.t_()
    assert leaf.shape == (2, 1)


def test_fill_cuts_the_history():
    leaf = tg.ones(2, requires_grad=True)
    y = leaf * 2
    y.fill_(3)
    (y * leaf).sum().backward()
    assert leaf.grad.tolist() == [3, 3]
    z = leaf * 2
    z.copy_(leaf * 5)
    leaf.grad = None
    z.sum().backward()
    assert leaf.grad.tolist() == [5, 5]


# The graph.


def test_backward_arguments():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.backward(tg.tensor([1.0, 10.0]), retain_graph=True)
    assert x.grad.tolist() == [2, 40]
    y.backward(gradient=tg.ones(2))
    assert x.grad.tolist() == [4, 44]
    w = tg.ones(2, requires_grad=True)
    (x * w).sum().backward(inputs=[w])
    assert x.grad.tolist() == [4, 44]
    assert w.grad.tolist() == [1, 2]
    x.grad = None
    (x * x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    with pytest.raises(RuntimeError, match="scalar"):
        (x * x).backward()


def test_hooks():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    handle = y.register_hook(lambda g: g * 10)
    after = x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    y.sum().backward()
    assert seen == [[1, 1], [20, 20]]
    handle.remove()
    after.remove()
    x.register_hook(lambda g: -g)
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [-2, -2]
    with pytest.raises(RuntimeError, match="gradient"):
        tg.ones(2).register_hook(print)
    with pytest.raises(RuntimeError, match="leaves"):
        (x * 1).register_post_accumulate_grad_hook(print)


def test_retain_grad_requires_grad_and_detach():
    x = tg.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3, 3]
    assert y.retains_grad
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        tg.ones(2).retain_grad()
    assert tg.ones(2).requires_grad_().requires_grad
    assert not x.requires_grad_(False).requires_grad
    z = y * 1
    assert z.detach_() is z
    assert z.is_leaf
    with pytest.raises(RuntimeError, match="view"):
        y[0].detach_()


# out=


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "matmul", "mm"])
def test_out(name):
    a, b, out = tg.ones(2, 2) * 3, tg.ones(2, 2) * 2, tg.zeros(2, 2)
    memory = out.numpy()
    f = getattr(tg, name)
    assert f(a, b, out=out) is out
    assert memory.tolist() == f(a, b).tolist()
    assert out.version().changes == 1


def test_out_of_reductions_and_of_several_results():
    x = tg.tensor([[1.0, 5.0], [7.0, 3.0]])
    for f, wanted in ((tg.sum, [6, 10]), (tg.mean, [3, 5]), (tg.amax, [5, 7]), (tg.argmax, [1, 0])):
        out = tg.empty(0, dtype=f(x).dtype)
        assert f(x, dim=1, out=out) is out
        assert out.tolist() == wanted
    values, indices = tg.empty(2), tg.empty(2, dtype=tg.int64)
    found = tg.max(x, 1, out=(values, indices))
    assert found.values is values
    assert found.indices is indices
    assert values.tolist() == [5, 7]
    with pytest.raises(TypeError, match="tuple of 2"):
        tg.sort(x, out=values)
    with pytest.raises(RuntimeError, match="int64"):
        tg.sort(x, out=(tg.empty(0), tg.empty(0, dtype=tg.bool)))


def test_out_errors():
    a = tg.ones(2)
    with pytest.raises(RuntimeError, match="differentiation"):
        tg.add(a.clone().requires_grad_(), a, out=tg.zeros(2))
    with pytest.raises(RuntimeError, match=r"float32 can't be cast .*int64"):
        tg.add(a, a, out=tg.zeros(2, dtype=tg.int64))
    with pytest.raises(TypeError, match="ndarray"):
        tg.add(a, a, out=np.zeros(2))
    with tg.no_grad():
        assert tg.add(a.clone().requires_grad_(), a, out=tg.zeros(2)).tolist() == [2, 2]
        assert tg.add(a, a, out=tg.zeros(2, requires_grad=True)).tolist() == [2, 2]
