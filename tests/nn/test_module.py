"""Module, against PyTorch's Module where both run the same script, and against what it promises."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import warnings
from collections import OrderedDict
from types import SimpleNamespace

import pytest
from small import Net, Scale

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.engine.modes import mode

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


def _state_hooks(lib):
    seen = []

    class Renamed(lib.nn.Linear):
        def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
            found = super().state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
            found[f"{prefix}w"] = found.pop(f"{prefix}weight")
            return found

    def rename(state, prefix, *rest):
        state[f"{prefix}weight"] = state.pop(f"{prefix}w")
        seen.append(("rename", prefix, len(rest)))

    def loaded(module, keys):
        seen.append((list(keys.missing_keys), module[0].bias.tolist()))
        keys.missing_keys.clear()

    net = lib.nn.Sequential(Renamed(1, 1))
    net.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    net.register_state_dict_post_hook(
        lambda module, state, prefix, local: seen.append((list(state), prefix, dict(local)))
    )
    net[0]._register_state_dict_hook(lambda module, state, prefix, local: state.pop(f"{prefix}bias") and None)
    net[0]._register_load_state_dict_pre_hook(rename)
    net.register_load_state_dict_pre_hook(
        lambda module, state, *rest: seen.append((type(module).__name__, list(state)))
    )
    net.register_load_state_dict_post_hook(loaded)
    net[0].bias.data.fill_(4.0)
    state = net.state_dict()
    state["0.w"] = lib.tensor([[3.0]])
    keys = str(net.load_state_dict(state))
    return [*seen, keys, net[0].weight.tolist()]


def _hooks_of_all_modules(lib):
    everywhere = lib.nn.hooks if lib is tg else lib.nn.modules.module
    seen, net = [], lib.nn.Sequential(lib.nn.Linear(1, 1), lib.nn.ReLU())
    net[0].register_forward_hook(lambda module, args, out: seen.append("own"))

    def told(word):
        return lambda module, *rest: seen.append((word, type(module).__name__, len(rest)))

    handles = [
        everywhere.register_module_forward_pre_hook(told("before")),
        everywhere.register_module_forward_hook(told("after")),
        everywhere.register_module_forward_hook(told("named"), with_kwargs=True),
        everywhere.register_module_full_backward_pre_hook(told("back before")),
        everywhere.register_module_full_backward_hook(told("back")),
    ]
    net(lib.ones(1, 1)).sum().backward()
    for handle in handles:
        handle.remove()
    net(lib.ones(1, 1)).sum().backward()
    return seen


SCRIPTS = {
    "state hooks": _state_hooks,
    "hooks of all modules": _hooks_of_all_modules,
    "state_dict by position": lambda lib: list(_tree(lib).state_dict({}, "net.")),
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
    net.set_submodule("two.9", new)
    assert getattr(net.two, "9") is new
    with pytest.raises(AttributeError, match="has no attribute `8`"):
        net.set_submodule("two.8", new, strict=True)
    with pytest.raises(AttributeError, match="is not an nn"):
        net.set_submodule("training", new)
    with pytest.raises(ValueError, match="`module` is not an nn"):
        net.set_submodule("two.1", 3)
    with pytest.raises(ValueError, match="empty"):
        net.set_submodule("", new)


def test_compiled_in_place():
    net, x = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), tg.ones(4, 2)
    plain = net(x)
    net.compile()
    net.compile(fullgraph=True)
    assert net(x).tolist() == net(x).tolist() == plain.tolist()
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other[0].weight.data.zero_()
        other[0].bias.data.zero_()
        assert other(x).sum().item() == 0  # its own forward, not that of the module that it is a copy of
    assert net(x).tolist() == plain.tolist()


def test_to_empty_keeps_parameters_with_other_memory():
    net = nn.Linear(2, 3)
    weight, memory = net.weight, net.weight.data_ptr()
    assert net.to_empty(device="cpu") is net
    assert net.weight is weight
    assert weight.data_ptr() != memory
    with pytest.raises(TypeError):
        net.to_empty()


def test_an_extra_state_must_be_defined_to_be_asked_for():
    net = nn.Linear(2, 3)
    with pytest.raises(RuntimeError, match="define get_extra_state"):
        net.get_extra_state()
    with pytest.raises(RuntimeError, match="define set_extra_state"):
        net.set_extra_state(1)
    with pytest.raises(TypeError, match="requires_grad must be a bool"):
        net.requires_grad_(None)


def test_data_parallel_is_the_module():
    net = nn.DataParallel(Scale())
    assert net(tg.ones(2)).tolist() == [1.0, 1.0]
    assert "module.w" in net.state_dict()
    assert nn.parallel.data_parallel(Scale(), tg.ones(2), device_ids=[0]).tolist() == [1.0, 1.0]


def test_a_constructor_speaks_by_the_name_of_the_class():
    class Mine(nn.Linear):
        def __init__(self, width):
            super().__init__(width, 2)

    class Strict(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.width = width + 1

    with pytest.raises(TypeError, match=r"^Mine: in_features must be int, got 'x' of type str$"):
        Mine("x")
    with pytest.raises(TypeError, match=r"^can only concatenate str"):  # as it is: it is not of the library
        Strict("x")
    assert nn.Linear.__init__.__name__ == "__init__"
    assert "in_features" in inspect.signature(nn.Linear).parameters


def test_an_error_of_the_users_function_stays():
    def broken(module):
        raise TypeError("of mine")

    with pytest.raises(TypeError, match=r"^of mine$"):
        nn.Linear(2, 2).apply(broken)


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
