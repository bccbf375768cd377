"""What pruning leaves of a layer, and of its gradients; as PyTorch's."""

from __future__ import annotations

import pytest
from layers import weighed

import tinygrad_cnn as tg
from tinygrad_cnn.nn.utils import prune as pruning


def _prune(m):
    import importlib

    return importlib.import_module(f"{m.__name__}.nn.utils.prune")


def _every_second(m, net, name):
    class EverySecond(_prune(m).BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    EverySecond.apply(net, name)


HOWS = {
    "nearest to zero": lambda m, p, net: p.l1_unstructured(net[0], "weight", 0.3),
    "so many": lambda m, p, net: p.l1_unstructured(net[1], "bias", amount=1),
    "none": lambda m, p, net: p.l1_unstructured(net[1], "weight", amount=0),
    "by scores": lambda m, p, net: p.l1_unstructured(net[1], "bias", 2, m.tensor([3.0, -1.0, 2.0, 0.5])),
    "slices": lambda m, p, net: p.ln_structured(net[0], "weight", 0.5, n=2, dim=0),
    "slices of another axis": lambda m, p, net: p.ln_structured(net[0], "weight", amount=1, n=1, dim=-1),
    "by a mask": lambda m, p, net: p.custom_from_mask(net[1], "bias", m.tensor([1, 0, 0, 1])),
    "identity": lambda m, p, net: p.identity(net[0], "bias"),
    "again": lambda m, p, net: [
        p.ln_structured(net[0], "weight", 1, n=float("inf"), dim=1),
        p.l1_unstructured(net[0], "weight", 0.25),
        p.ln_structured(net[0], "weight", 0.5, n=2, dim=0),
    ],
    "one's own": lambda m, p, net: _every_second(m, net[1], "weight"),
    "of all": lambda m, p, net: p.global_unstructured(
        [(net[0], "weight"), (net[1], "weight"), (net[1], "bias")], p.L1Unstructured, amount=0.4
    ),
    "of all, twice": lambda m, p, net: [
        p.global_unstructured([(net[0], "weight"), (net[1], "bias")], pruning_method=p.L1Unstructured, amount=n)
        for n in (5, 0.2)
    ],
    "for good": lambda m, p, net: p.remove(p.l1_unstructured(net[0], "weight", 0.5), "weight"),
}


@pytest.mark.parametrize("how", HOWS)
def test_prune(pytorch, how):
    def left(m):
        net = weighed(m.nn.Sequential(m.nn.Linear(3, 4), m.nn.Linear(4, 4)))
        HOWS[how](m, _prune(m), net)
        net(m.linspace(-1, 1, 6).reshape(2, 3)).square().sum().backward()
        hooks = [type(hook).__name__ for layer in net for hook in layer._forward_pre_hooks.values()]
        return {
            "state": dict(net.state_dict()),
            "gradients": {name: p.grad for name, p in net.named_parameters()},
            "hooks": hooks,
            "pruned": _prune(m).is_pruned(net),
        }

    pytorch.agrees(left, rtol=1e-5, unit=1e-6)


REFUSED = {
    "an amount of no number": lambda p, net: p.l1_unstructured(net, "weight", "all"),
    "a share above 1": lambda p, net: p.l1_unstructured(net, "weight", 1.5),
    "a negative number": lambda p, net: p.random_unstructured(net, "weight", -1),
    "more than there are": lambda p, net: p.l1_unstructured(net, "weight", 13),
    "slices of a vector": lambda p, net: p.random_structured(net, "bias", 1, dim=0),
    "an axis that is not there": lambda p, net: p.ln_structured(net, "weight", 1, n=2, dim=2),
    "what is not pruned": lambda p, net: p.remove(net, "weight"),
    "what is not there": lambda p, net: p.identity(net, "gain"),
    "slices of all": lambda p, net: p.global_unstructured([(net, "weight")], p.LnStructured, amount=1, n=2),
    "no list": lambda p, net: p.global_unstructured(3, p.L1Unstructured, amount=1),
    "scores of another shape": lambda p, net: p.l1_unstructured(net, "weight", 1, net.bias),
}


@pytest.mark.parametrize("how", REFUSED)
def test_refused(pytorch, how):
    def error(m):
        net = weighed(m.nn.Linear(3, 4))
        try:
            REFUSED[how](_prune(m), net)
        except Exception as error:
            return type(error).__name__, sorted(net.state_dict())

    pytorch.agrees(error)


def test_at_random():
    net = pruning.random_structured(tg.nn.Linear(5, 4), "weight", 2, dim=0)
    net = pruning.random_unstructured(net, "weight", 0.5)
    assert sorted((net.weight_mask.sum(1) > 0).tolist())[:2] == [False, False]
    assert int(net.weight_mask.sum()) == 5
