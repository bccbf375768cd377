"""Module, against PyTorch's Module where both run the same script, and against what it promises."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.engine.modes import mode


class Scale(nn.Module):
    """x·w + b, with a buffer that counts calls."""

    def __init__(self, n: int = 2):
        super(Scale, self).__init__()  # noqa: UP008  (how older scripts say it)
        self.n = n
        self.w = nn.Parameter(tg.ones(n))
        self.b = nn.Parameter(tg.zeros(n))
        self.register_buffer("calls", tg.tensor(0))
        self.register_buffer("scratch", tg.zeros(n), persistent=False)

    def forward(self, x):
        return x * self.w + self.b

    def extra_repr(self):
        return f"n={self.n}"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = Scale(2)
        self.two = nn.Sequential(Scale(2), Scale(2))

    def forward(self, x):
        return self.two(self.one(x))


# The same script on both libraries: f(lib) must return the same plain values, or raise the same error.


def _tree(lib):
    """A module with every kind of member, one of each shared."""
    m, t = lib.nn.Module(), lib.nn.Module()
    t.w = lib.nn.Parameter(lib.ones(2))
    t.register_buffer("kept", lib.zeros(1))
    t.register_buffer("lost", lib.zeros(1), persistent=False)
    t.register_parameter("empty", None)
    m.first, m.again, m.none = t, t, None
    m.tied = t.w
    m.deep = lib.nn.Sequential(lib.nn.Sequential(lib.nn.Module()))
    m.deep[0].v = lib.nn.Parameter(lib.zeros(3))
    return m


def _names(pairs):
    return [name for name, _ in pairs]


def _replaced(lib):
    m = _tree(lib)
    m.first = lib.nn.Module()
    m.tied = None
    m.w2 = lib.nn.Parameter(lib.ones(1))
    del m.deep
    m.plain = 3
    del m.plain
    return [*_names(m.named_children()), *_names(m.named_parameters()), hasattr(m, "deep"), hasattr(m, "plain"), m.tied]


def _kinds_change(lib):
    m = lib.nn.Module()
    m.a = 1
    m.a = lib.nn.Parameter(lib.ones(1))
    seen = [_names(m.named_parameters()), "a" in vars(m)]
    m.b = lib.nn.Module()
    m.b = lib.nn.Parameter(lib.ones(2))
    return [*seen, _names(m.named_parameters()), _names(m.named_children())]


def _buffer_replaced(lib):
    m = _tree(lib).first
    m.kept = lib.ones(2)
    m.other = lib.ones(2)  # a Tensor that nobody registered is a plain attribute
    m.kept2 = lib.nn.Buffer(lib.ones(1))
    m.lost2 = lib.nn.Buffer(lib.ones(1), persistent=False)
    return [_names(m.named_buffers()), list(m.state_dict()), m.kept.tolist()]


def _applied(lib):
    seen = []
    m = lib.nn.Sequential(OrderedDict(a=lib.nn.Sequential(), b=lib.nn.ModuleList()))
    assert m.apply(lambda mod: seen.append(type(mod).__name__)) is m
    return seen


def _modes(lib):
    m = _tree(lib)
    before = [x.training for x in m.modules()]
    return [before, m.eval() is m, [x.training for x in m.modules()], [x.training for x in m.train().modules()]]


def _hooks_in_order(lib):
    seen = []

    class M(lib.nn.Module):
        def forward(self, x, *, k=1):
            seen.append(("forward", float(x), k))
            return x * k

    m = M()
    m.register_forward_pre_hook(lambda mod, args: seen.append("pre") or (args[0] + 1,))
    m.register_forward_pre_hook(lambda mod, args: seen.append("first") and None, prepend=True)
    m.register_forward_pre_hook(lambda mod, args, kw: seen.append("kw") or (args, {"k": kw["k"] + 1}), with_kwargs=True)
    h = m.register_forward_hook(lambda mod, args, out: out + 100)
    m.register_forward_hook(lambda mod, args, kw, out: seen.append(sorted(kw)), with_kwargs=True)
    seen.append(float(m(lib.tensor(1.0), k=2)))
    h.remove()
    seen.append(float(m(lib.tensor(1.0), k=2)))
    return seen


def _always_called(lib):
    seen = []

    class M(lib.nn.Module):
        def forward(self, x):
            raise KeyError("here")

    m = M()
    m.register_forward_hook(lambda *a: seen.append("never"))
    m.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    try:
        m(1)
    except KeyError:
        seen.append("raised")
    return seen


def _backward_hooks(lib):
    seen = []

    class M(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = lib.nn.Parameter(lib.tensor([2.0, 3.0]))

        def forward(self, x, y):
            return x * self.w, (y * self.w).sum()

    def shown(gs):
        return [None if g is None else g.tolist() for g in gs]

    m = M()
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((shown(gi), shown(go))))
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 10, gi[1]))
    m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 2, go[1]))
    x, y = lib.ones(2, requires_grad=True), lib.ones(2)
    a, b = m(x, y)
    (a.sum() + b).backward()
    return [*seen, x.grad.tolist(), y.grad, m.w.grad.tolist()]


def _backward_hook_without_inputs(lib):
    seen = []
    m = _tree(lib)
    m.forward = lambda x: x * m.tied
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].tolist())))
    m(lib.ones(2)).sum().backward()
    return [*seen, m.tied.grad.tolist()]


def _zeroed(lib):
    m = _tree(lib)
    (m.tied * 2).sum().backward()
    m.zero_grad(set_to_none=False)
    g = m.tied.grad.tolist()
    m.zero_grad()
    return [g, m.tied.grad]


def _extra_state(lib):
    class M(lib.nn.Module):
        held = 1

        def get_extra_state(self):
            return {"held": self.held}

        def set_extra_state(self, state):
            self.held = state["held"]

    m, n = lib.nn.Sequential(M()), lib.nn.Sequential(M())
    m[0].held = 5
    state = m.state_dict()
    return [dict(state), str(n.load_state_dict(state)), n[0].held]


SCRIPTS = {
    "named_parameters": lambda lib: _names(_tree(lib).named_parameters()),
    "named_parameters all": lambda lib: _names(_tree(lib).named_parameters("p", remove_duplicate=False)),
    "named_parameters here": lambda lib: _names(_tree(lib).named_parameters(recurse=False)),
    "named_buffers": lambda lib: _names(_tree(lib).named_buffers()),
    "named_buffers all": lambda lib: _names(_tree(lib).named_buffers(remove_duplicate=False)),
    "named_modules": lambda lib: _names(_tree(lib).named_modules()),
    "named_modules all": lambda lib: _names(_tree(lib).named_modules(prefix="x", remove_duplicate=False)),
    "named_children": lambda lib: _names(_tree(lib).named_children()),
    "counts": lambda lib: [
        len(list(f())) for m in [_tree(lib)] for f in (m.parameters, m.buffers, m.modules, m.children)
    ],
    "state_dict": lambda lib: list(_tree(lib).state_dict()),
    "state_dict prefix": lambda lib: list(_tree(lib).state_dict(prefix="net.")),
    "keep_vars": lambda lib: [
        t.requires_grad for v in (False, True) for t in _tree(lib).state_dict(keep_vars=v).values()
    ],
    "repr": lambda lib: repr(_tree(lib)),
    "replaced": _replaced,
    "kinds change": _kinds_change,
    "buffer replaced": _buffer_replaced,
    "applied": _applied,
    "modes": _modes,
    "hooks in order": _hooks_in_order,
    "always called": _always_called,
    "backward hooks": _backward_hooks,
    "backward hook without inputs": _backward_hook_without_inputs,
    "zeroed": _zeroed,
    "extra state": _extra_state,
    "get_submodule": lambda lib: [_tree(lib).get_submodule(p) is not None for p in ("", "deep", "deep.0", "deep.0.0")],
    "get_parameter": lambda lib: _tree(lib).get_parameter("deep.0.v").tolist(),
    "get_buffer": lambda lib: _tree(lib).get_buffer("first.lost").tolist(),
    "frozen": lambda lib: [p.requires_grad for p in _tree(lib).requires_grad_(False).parameters()],
    "dtypes": lambda lib: [str(t.dtype).split(".")[-1] for t in _tree(lib).double().state_dict().values()],
    "deepcopy": lambda lib: _names(copy.deepcopy(_tree(lib)).named_parameters()),
    "dir": lambda lib: [n in dir(_tree(lib)) for n in ("first", "tied", "forward", "deep", "0")],
    # errors
    "no such attribute": lambda lib: _tree(lib).missing,
    "no such deletion": lambda lib: delattr(_tree(lib), "missing"),
    "parameter := number": lambda lib: setattr(_tree(lib), "tied", 3),
    "parameter := tensor": lambda lib: setattr(_tree(lib), "tied", lib.ones(2)),
    "module := number": lambda lib: setattr(_tree(lib), "first", 3),
    "buffer := number": lambda lib: setattr(_tree(lib).first, "kept", 3),
    "buffer of a number": lambda lib: _tree(lib).register_buffer("x", 3),
    "buffer with a dot": lambda lib: _tree(lib).register_buffer("x.y", None),
    "buffer without a name": lambda lib: _tree(lib).register_buffer("", None),
    "buffer that exists": lambda lib: _tree(lib).register_buffer("first", None),
    "buffer named by a number": lambda lib: _tree(lib).register_buffer(3, None),
    "parameter of a tensor": lambda lib: _tree(lib).register_parameter("x", lib.ones(1)),
    "parameter with a dot": lambda lib: _tree(lib).register_parameter("x.y", None),
    "parameter that exists": lambda lib: _tree(lib).register_parameter("forward", None),
    "module of a number": lambda lib: _tree(lib).add_module("x", 3),
    "module with a dot": lambda lib: _tree(lib).add_module("x.y", None),
    "no forward": lambda lib: lib.nn.Module()(1),
    "arguments": lambda lib: lib.nn.Module(3),
    "train(3)": lambda lib: lib.nn.Module().train(3),
    "no submodule": lambda lib: _tree(lib).get_submodule("deep.7"),
    "no module": lambda lib: _tree(lib).get_submodule("tied"),
    "no parameter": lambda lib: _tree(lib).get_parameter("first.kept"),
    "no buffer": lambda lib: _tree(lib).get_buffer("tied"),
    "to integers": lambda lib: _tree(lib).to(lib.int64),
    "state of a number": lambda lib: _tree(lib).load_state_dict(3),
    "parameter := module": lambda lib: setattr(_tree(lib), "tied", lib.nn.Module()),
    "buffer := parameter": lambda lib: setattr(_tree(lib).first, "kept", lib.nn.Parameter(lib.ones(1))),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_in_pytorch(pytorch, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytorch.agrees(lambda m: pytorch.attempt(SCRIPTS[name], m))


def test_parameter_before_init_names_the_cure():
    class Late(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(tg.ones(1))

    with pytest.raises(AttributeError, match=r"before Module\.__init__\(\) call.*super\(\)\.__init__\(\)"):
        Late()


def test_a_plain_attribute_before_init_is_allowed():
    class Early(nn.Module):
        def __init__(self):
            self.n = 3
            super().__init__()

    assert Early().n == 3


def test_non_leaf_parameter():
    p = nn.Parameter(tg.ones(1))
    p._node = (tg.ones(1, requires_grad=True) * 2)._node
    with pytest.raises(ValueError, match="non-leaf"):
        nn.Module().register_parameter("x", p)


def test_repr():
    assert repr(Net()) == (
        "Net(\n  (one): Scale(n=2)\n  (two): Sequential(\n    (0): Scale(n=2)\n    (1): Scale(n=2)\n  )\n)"
    )


# the scope: nodes know which module made them


def test_nodes_know_their_module():
    net = Net()
    y = net(tg.ones(2))
    scope, path = y.grad_fn.scope, []
    while scope is not None:
        path.append(scope.module)
        scope = scope.outer
    assert path == [net.two[1], net.two, net]


def test_scope_is_restored_on_an_exception():
    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        nn.Sequential(Bad())(1)
    assert mode.scope is None


# hooks


def test_failing_always_called_hook_is_a_warning():
    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("first")

    bad = Bad()
    bad.register_forward_hook(lambda *a: 1 / 0, always_call=True)
    with pytest.warns(UserWarning, match="ZeroDivisionError"), pytest.raises(ValueError, match="first"):
        bad(1)


def test_pre_hook_with_kwargs_must_return_two():
    m = Scale()
    m.register_forward_pre_hook(lambda mod, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"\(args, kwargs\)"):
        m(tg.ones(2))


@pytest.mark.parametrize("given", [(), (1, 2)])
def test_backward_hook_must_return_one_for_each(given):
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: given)
    y = m(tg.ones(2, requires_grad=True)).sum()
    with pytest.raises(RuntimeError, match=f"{len(given)} gradients, there are 1"):
        y.backward()


def test_backward_hook_cannot_replace_what_nobody_needs():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: go)
    y = m(tg.ones(2)).sum()
    with pytest.raises(RuntimeError, match="no input of the module requires a gradient"):
        y.backward()


def test_backward_hooks_of_one_module_called_twice():
    m, seen = Scale(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append(gi[0].tolist()))
    x = tg.ones(2, requires_grad=True)
    m.w.data.fill_(3.0)
    m(m(x)).sum().backward()
    assert seen == [[3.0, 3.0], [9.0, 9.0]]
    assert x.grad.tolist() == [9.0, 9.0]


def test_second_derivative_through_backward_hooks():
    m = Scale()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
    x = tg.tensor([3.0, 1.0], requires_grad=True)
    (g,) = tg.autograd.grad((m(x) ** 2).sum(), x, create_graph=True)
    (gg,) = tg.autograd.grad(g.sum(), x)
    assert g.tolist() == [12.0, 4.0]
    assert gg.tolist() == [8.0, 8.0]


def test_hook_must_be_callable():
    for register in ("forward_pre", "forward", "full_backward_pre", "full_backward"):
        with pytest.raises(TypeError, match="callable"):
            getattr(nn.Module(), f"register_{register}_hook")(3)


# state


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


# conversion


def test_to_keeps_the_parameters_and_their_gradients():
    net = Net()
    w = net.one.w
    net(tg.ones(2)).sum().backward()
    assert net.to("cpu", tg.float64, non_blocking=True) is net
    assert net.one.w is w
    assert (w.dtype, w.grad.dtype) == (tg.float64, tg.float64)
    assert (net.one.scratch.dtype, net.one.calls.dtype) == (tg.float64, tg.int64)
    net.zero_grad()
    net(tg.ones(2, dtype=tg.float64)).sum().backward()
    assert w.grad.dtype == tg.float64
    assert net.half().one.w.dtype == tg.float16
    assert net.float().one.w.dtype == tg.float32
    assert net.to(tg.ones(1, dtype=tg.float64)).one.w.dtype == tg.float64
    assert net.to(memory_format=None).cpu().one.w.dtype == tg.float64
    assert net.type(tg.float32).one.calls.dtype == tg.float32


@pytest.mark.parametrize("there", ["cuda", "cuda:0", "mps"])
def test_there_is_no_other_device(there):
    with pytest.raises(RuntimeError, match="cpu"):
        Net().to(there)
    with pytest.raises(RuntimeError, match="cpu"):
        Net().cuda()


def test_assigning_a_child_of_digits_is_not_in_dir():
    assert "0" not in dir(nn.Sequential(Scale()))


def test_set_submodule():
    net, new = Net(), Scale(3)
    net.set_submodule("two.1", new)
    assert net.two[1] is new
    with pytest.raises(AttributeError, match="no submodule"):
        net.set_submodule("two.9", new)
    with pytest.raises(ValueError, match="empty"):
        net.set_submodule("", new)


def test_data_parallel_is_the_module():
    net = nn.DataParallel(Scale())
    assert net(tg.ones(2)).tolist() == [1.0, 1.0]
    assert "module.w" in net.state_dict()
    assert nn.parallel.data_parallel(Scale(), tg.ones(2), device_ids=[0]).tolist() == [1.0, 1.0]


def test_warnings_are_not_needed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Net()(tg.ones(2))


def test_calls_cost_little():
    """A call without hooks adds a scope and nothing else: forward runs in one more frame."""
    depth = SimpleNamespace(frames=[])

    class Look(nn.Module):
        def forward(self, x):
            frame = sys._getframe()
            depth.frames = [f.f_code.co_name for f in (frame, frame.f_back, frame.f_back.f_back)]
            return x

    Look()(1)
    assert depth.frames == ["forward", "__call__", "test_calls_cost_little"]


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
