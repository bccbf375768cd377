"""What all optimizers share: groups, errors, state, and what a step promises."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import optim

ALL = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "momentum": 0.9, "centered": True},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1},
    "Adadelta": {"lr": 0.5},
    "Adamax": {"lr": 0.1},
    "NAdam": {"lr": 0.1, "weight_decay": 0.1},
    "RAdam": {"lr": 0.1, "betas": (0.5, 0.6)},
    "Rprop": {"lr": 0.1},
    "ASGD": {"lr": 0.1, "t0": 1},
    "Adafactor": {"lr": 0.1},
}


def _leaf(*shape, dtype=tg.float32):
    return tg.ones(*shape, dtype=dtype, requires_grad=True)


def _trained(name, steps=3, dtype=tg.float64, skip=False):
    """An optimizer and its two parameters after some steps; with skip, the second has a gradient in every other."""
    a, b = _leaf(2, 3, dtype=dtype), _leaf(4, dtype=dtype)
    opt = getattr(optim, name)([a, b], **ALL[name])
    for i in range(steps):
        _step(opt, i, skip)
    return opt


def _step(opt, i, skip=False):
    a, b = (p for group in opt.param_groups for p in group["params"])
    opt.zero_grad()
    loss = (a * a).sum() * (i + 1)
    if not skip or i % 2:
        loss = loss + (b**3).sum()
    loss.backward()
    opt.step()


def _values(opt):
    return [p.tolist() for group in opt.param_groups for p in group["params"]]


# a step


@pytest.mark.parametrize("name", ALL)
def test_a_step_is_in_place_and_noticed(name):
    p = _leaf(3)
    array = p.detach().numpy()
    opt = getattr(optim, name)([p], **ALL[name])
    y = (p * p).sum()
    y.backward(retain_graph=True)
    opt.step()
    assert np.shares_memory(p.detach().numpy(), array)
    assert (array != 1).all()
    assert p.is_leaf
    assert p.requires_grad
    with pytest.raises(RuntimeError, match=f"{name}.step"):
        y.backward()


@pytest.mark.parametrize("name", ALL)
def test_parameters_without_gradient_are_left_alone(name):
    a, b = _leaf(2), _leaf(2)
    opt = getattr(optim, name)([a, b], **ALL[name])
    opt.step()
    a.grad = tg.ones(2)
    opt.step()
    assert b.tolist() == [1.0, 1.0]
    assert opt.state.get(b, {}).get("step", 0) == 0  # Adagrad begins with a state, as in PyTorch
    assert a.tolist() != [1.0, 1.0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("grad", [tg.ones(3), tg.ones(2, dtype=tg.float64), tg.ones(1)])
def test_a_gradient_that_does_not_fit_changes_nothing(name, grad):
    a, b = _leaf(2), _leaf(2)
    opt = getattr(optim, name)([{"params": a}, {"params": b}], **ALL[name])
    a.grad, b.data = tg.ones(2), grad
    b.grad, b.data = grad, tg.ones(2)
    with pytest.raises(RuntimeError, match=rf"{name}.step: a gradient has shape .*nothing was changed"):
        opt.step()
    assert a.tolist() == [1.0, 1.0]
    assert all(kept["step"] == 0 for kept in opt.state.values())


@pytest.mark.parametrize("name", ALL)
def test_scalars_empty_and_strided_parameters(name):
    """Every memory layout is stepped like a contiguous copy of it."""
    values = np.random.default_rng(0).standard_normal((4, 6))
    shapes = {
        "contiguous": values.copy(),
        "transposed": values.T.copy().T,
        "sliced": np.repeat(values, 2, axis=1)[:, ::2],
        "reversed": values[::-1].copy()[::-1],
    }
    results = []
    for array in shapes.values():
        p = tg.nn.Parameter(tg.from_numpy(array))
        opt = getattr(optim, name)([p, _leaf(), _leaf(0)], **ALL[name])
        for _ in range(3):
            opt.zero_grad()
            sum((q * q).sum() for q in opt.param_groups[0]["params"]).backward()
            opt.step()
        results.append([q.tolist() for q in opt.param_groups[0]["params"]])
    assert all(result == results[0] for result in results)


def test_closure():
    p = _leaf(1)
    opt = optim.SGD([p], lr=0.25)

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert opt.step(closure).item() == 1.0
    assert p.tolist() == [0.5]


def test_zero_grad():
    p = _leaf(2)
    opt = optim.SGD([p], lr=0.1)
    p.grad = tg.ones(2)
    grad = p.grad
    opt.zero_grad(set_to_none=False)
    assert p.grad.tolist() == grad.tolist() == [0.0, 0.0]
    opt.zero_grad()
    assert p.grad is None


def test_step_hooks():
    p, seen = _leaf(1), []
    opt = optim.SGD([p], lr=0.1)
    before = opt.register_step_pre_hook(lambda o, args, kwargs: seen.append("before"))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
    opt.step()
    before.remove()
    opt.step()
    assert seen == ["before", "after", "after"]


def test_a_hook_before_a_step_may_give_another_closure():
    opt = tg.optim.SGD([tg.ones(2, requires_grad=True)], lr=1.0)
    handle = opt.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), kwargs))
    assert opt.step() == 7
    handle.remove()
    opt.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple \(args, kwargs\), got 3"):
        opt.step()


def test_hooks_of_the_state():
    opt, seen = tg.optim.SGD([tg.ones(2, requires_grad=True)], lr=1.0), []
    opt.register_state_dict_pre_hook(lambda o: seen.append("saving"))
    opt.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    opt.register_load_state_dict_pre_hook(lambda o, state: seen.append(state.pop("more")))
    opt.register_load_state_dict_pre_hook(lambda o, state: seen.append("first"), prepend=True)
    opt.register_load_state_dict_post_hook(lambda o: seen.append("loaded")).remove()
    state = opt.state_dict()
    opt.load_state_dict(state)
    assert seen == ["saving", "first", 1]
    assert state["more"] == 1


def test_an_optimizer_of_ones_own():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr=1.0):
            super().__init__(params, {"lr": lr})

        def update(self, group, params, grads):
            for p, g in zip(params, grads, strict=True):
                p.detach().numpy()[...] -= group["lr"] * np.sign(g)

    class Old(optim.Optimizer):
        """As scripts write it: step from end to end."""

        def __init__(self, params, lr=1.0):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.add_(p.grad, alpha=-group["lr"])

    for kind in (Sign, Old):
        p = _leaf(2)
        opt = kind([p], lr=0.5)
        plan = optim.lr_scheduler.StepLR(opt, 1)
        p.grad = tg.ones(2)
        opt.step()
        plan.step()
        assert p.tolist() == [0.5, 0.5]
    with pytest.raises(NotImplementedError, match=r"update\(group, params, grads\)"):
        optim.Optimizer([p], {}).step()


# groups and errors


def test_groups():
    a, b = _leaf(1), _leaf(1)
    opt = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    opt.add_param_group({"params": (c for c in [_leaf(1)]), "momentum": 0.9})
    assert [g["lr"] for g in opt.param_groups] == [0.25, 0.5, 0.25]
    assert [g["momentum"] for g in opt.param_groups] == [0, 0, 0.9]
    for p in (a, b):
        p.grad = tg.ones(1)
    opt.step()
    assert (a.tolist(), b.tolist()) == ([0.75], [0.5])


def test_named_parameters():
    net = tg.nn.ParameterDict([("w", tg.ones(2)), ("b", tg.zeros(1))])
    opt = optim.SGD(net.named_parameters(), lr=0.1)
    assert opt.param_groups[0]["param_names"] == ["w", "b"]
    assert opt.param_groups[0]["params"][0] is net.w
    with pytest.raises(ValueError, match="names"):
        opt.add_param_group({"params": [_leaf(1)]})


def _non_leaf():
    return _leaf(1) * 2


ERRORS = {
    "empty": (lambda: optim.SGD([], lr=0.1), ValueError, "SGD: optimizer got an empty parameter list"),
    "a generator used up": (lambda: optim.Adam(iter(())), ValueError, "empty parameter list"),
    "a tensor": (lambda: optim.SGD(_leaf(1)), TypeError, r"write \[tensor\]"),
    "a set": (lambda: optim.SGD([{"params": {_leaf(1)}}]), TypeError, "ordered collections.*use a list"),
    "numbers": (lambda: optim.SGD([1.0]), TypeError, "can only optimize Tensors, one of the params is a float"),
    "non-leaf": (lambda: optim.SGD([_non_leaf()]), ValueError, "can't optimize a non-leaf Tensor.*Mul"),
    "twice": (
        lambda: optim.SGD([{"params": [p := _leaf(1)]}, {"params": [p]}]),
        ValueError,
        "more than one parameter group",
    ),
    "no params": (lambda: optim.SGD([{"lr": 1.0}]), KeyError, "needs the key 'params'"),
    "half named": (lambda: optim.SGD([("a", _leaf(1)), _leaf(1)]), ValueError, "names are missing"),
    "group no dict": (lambda: optim.SGD([_leaf(1)]).add_param_group(3), TypeError, "must be a dict, got int"),
    "lr": (lambda: optim.SGD([_leaf(1)], lr=-1), ValueError, "SGD: Invalid learning rate: -1; expected lr >= 0"),
    "lr of a group": (lambda: optim.SGD([{"params": _leaf(1), "lr": -1}]), ValueError, "Invalid learning rate: -1"),
    "lr NaN": (lambda: optim.SGD([_leaf(1)], lr=float("nan")), ValueError, "Invalid learning rate: nan"),
    "momentum": (lambda: optim.SGD([_leaf(1)], momentum=-1), ValueError, "Invalid momentum value: -1"),
    "decay": (lambda: optim.SGD([_leaf(1)], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
    "nesterov": (lambda: optim.SGD([_leaf(1)], nesterov=True), ValueError, "Nesterov momentum requires a momentum"),
    "beta": (lambda: optim.Adam([_leaf(1)], betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
    "eps": (lambda: optim.Adam([_leaf(1)], eps=-1), ValueError, "Adam: Invalid epsilon value: -1"),
    "AdamW": (lambda: optim.AdamW([_leaf(1)], lr=-1), ValueError, "AdamW: Invalid learning rate"),
    "alpha": (lambda: optim.RMSprop([_leaf(1)], alpha=-1), ValueError, "Invalid alpha value: -1"),
    "accumulator": (lambda: optim.Adagrad([_leaf(1)], initial_accumulator_value=-1), ValueError, "Invalid initial_acc"),
    "rho": (lambda: optim.Adadelta([_leaf(1)], rho=1.5), ValueError, "Invalid rho value: 1.5; expected 0 <= rho <= 1"),
    "differentiable": (lambda: optim.SGD([_leaf(1)], differentiable=True), ValueError, "differentiable=True"),
    "etas": (lambda: optim.Rprop([_leaf(1)], etas=(1.5, 2)), ValueError, "Invalid eta values: 1.5, 2"),
    "beta2_decay": (lambda: optim.Adafactor([_leaf(1)], beta2_decay=1), ValueError, "Invalid beta2_decay: 1"),
    "eps of two": (lambda: optim.Adafactor([_leaf(1)], eps=(-1, 0)), ValueError, "Invalid epsilon values"),
    "momentum_decay": (lambda: optim.NAdam([_leaf(1)], momentum_decay=-1), ValueError, "Invalid momentum_decay value"),
    "two groups": (lambda: optim.LBFGS([{"params": _leaf(1)}, {"params": _leaf(1)}]), ValueError, "give one list"),
    "no closure": (lambda: optim.LBFGS([_leaf(1)]).step(None), TypeError, "needs a closure"),
    "another search": (
        lambda: optim.LBFGS([_leaf(1)], line_search_fn="armijo").step(lambda: tg.ones(())),
        RuntimeError,
        "only 'strong_wolfe'",
    ),
    "unknown": (lambda: optim.SGD([_leaf(1)], speed=1), TypeError, "speed"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()


def test_duplicates_in_a_group_are_warned_of():
    p = _leaf(1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


def test_repr():
    opt = optim.SGD([_leaf(1)], lr=0.5)
    assert repr(opt).splitlines()[:2] == ["SGD (", "Parameter Group 0"]
    assert "    lr: 0.5" in repr(opt)


# state


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_training_goes_on_from_a_state(name, skip):
    """Stopped and resumed training ends where training without a stop ends, to the last bit."""
    straight = _trained(name, 6, skip=skip)
    first = _trained(name, 3, skip=skip)
    state = first.state_dict()
    second = getattr(optim, name)([tg.tensor(v, dtype=tg.float64, requires_grad=True) for v in _values(first)], lr=9.0)
    second.load_state_dict(state)
    for i in range(3, 6):
        _step(second, i, skip)
    assert _values(second) == _values(straight)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", ALL)
def test_copies_train_on_by_themselves(name, again):
    opt = _trained(name)
    other = again(opt)
    before = _values(opt)
    _step(other, 3)
    assert _values(opt) == before
    _step(opt, 3)
    assert _values(other) == _values(opt)


def test_layout_of_the_state():
    opt = _trained("Adam")
    state = opt.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert state["param_groups"][0]["params"] == [0, 1]
    assert sorted(state["state"][0]) == ["exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step"]
    step = state["state"][0]["step"]
    assert (type(step), tuple(step.shape), step.dtype, step.item()) == (tg.Tensor, (), tg.float32, 3)
    opt.load_state_dict(state)
    assert all(type(kept["step"]) is float for kept in opt.state.values())


def test_loaded_state_is_a_copy_in_the_parameters_dtype():
    opt, other = _trained("SGD"), _trained("SGD", steps=1, dtype=tg.float32)
    state = opt.state_dict()
    other.load_state_dict(state)
    buffer = other.state[other.param_groups[0]["params"][0]]["momentum_buffer"]
    assert buffer.dtype == tg.float32
    state["state"][0]["momentum_buffer"].zero_()
    assert buffer.tolist() != [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda s: s["param_groups"].append({"params": []}), ValueError, "different number of parameter groups: 2"),
        (lambda s: s["param_groups"][0]["params"].pop(), ValueError, "doesn't match the size of optimizer's group"),
        (lambda s: s["state"][0].update(momentum_buffer=tg.ones(7)), ValueError, r"momentum_buffer has shape \(7,\)"),
        (lambda s: s.pop("state"), TypeError, r"a dict with the keys \['param_groups'\]"),
    ],
)
def test_states_that_do_not_fit_change_nothing(change, kind, message):
    opt, other = _trained("SGD"), _trained("SGD", steps=5)
    before = {key: value.tolist() for kept in opt.state.values() for key, value in kept.items()}
    state = copy.deepcopy(other.state_dict())
    state["param_groups"][0]["lr"] = 77.0
    change(state)
    with pytest.raises(kind, match=message):
        opt.load_state_dict(state)
    assert opt.param_groups[0]["lr"] == 0.1
    assert {key: value.tolist() for kept in opt.state.values() for key, value in kept.items()} == before


def test_state_of_a_number():
    with pytest.raises(TypeError, match="got a int"):
        _trained("SGD").load_state_dict(3)


def test_a_state_of_pytorch_can_be_taken_over(pytorch):
    def two_steps(m):
        p = m.ones(2, requires_grad=True)
        opt = m.optim.Adam([p], lr=0.1)
        p.grad = m.tensor([1.0, 2.0])
        opt.step()
        between, state = p.detach().clone(), copy.deepcopy(opt.state_dict())
        p.grad = m.tensor([3.0, -1.0])
        opt.step()
        return between, list(state["state"].values()), state["param_groups"], p

    between, kept, groups, after = pytorch(two_steps)
    p = tg.tensor(between, requires_grad=True)
    opt = optim.Adam([p], lr=0.5)
    kept = {i: {key: tg.tensor(value) for key, value in values.items()} for i, values in enumerate(kept)}
    opt.load_state_dict({"state": kept, "param_groups": groups})
    p.grad = tg.tensor([3.0, -1.0])
    opt.step()
    np.testing.assert_allclose(p.tolist(), after, rtol=1e-6)


@pytest.mark.parametrize("change", [lambda kept: kept.pop("exp_avg"), lambda kept: kept.update(exp_avg_sq=3)])
def test_a_step_with_a_state_of_another_rule(change):
    p = tg.ones(2, requires_grad=True)
    opt = tg.optim.Adam([p])
    p.sum().backward()
    opt.step()
    state = opt.state_dict()
    change(state["state"][0])
    opt.load_state_dict(state)
    before = p.tolist()
    with pytest.raises(RuntimeError, match=r"Adam\.step: the state of a parameter is not one of this rule"):
        opt.step()
    assert p.tolist() == before


def test_a_state_whose_hyperparameter_is_none():
    p = tg.ones(2, requires_grad=True)
    opt = tg.optim.SGD([p])
    state = opt.state_dict()
    state["param_groups"][0]["lr"] = "x"
    with pytest.raises(ValueError, match="hyperparameter that is none"):
        opt.load_state_dict(state)
    assert opt.param_groups[0]["lr"] == 0.001
