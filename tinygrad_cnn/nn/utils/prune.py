"""Pruning: some numbers of a parameter are held at zero by a mask, whatever is learned.

`l1_unstructured(layer, "weight", amount=0.3)` keeps the parameter as `weight_orig` and the mask as the buffer
`weight_mask`; before each call a hook computes `weight = weight_orig * weight_mask`, so that gradients of what is
masked are zero. Pruning again prunes of what is left. `remove` makes it an ordinary parameter, with its zeros.

A method says in `compute_mask` what it masks, and in `PRUNING_TYPE` of what: of single numbers ("unstructured"), of
slices along its axis `dim` ("structured"), or of all of the tensor ("global").
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ...autograd.grad_mode import no_grad
from ...engine.tensor import Tensor
from ...ops.join import cat
from ...ops.magnitude import norm
from ...surface.creation import ones_like
from ...surface.sampling import rand, rand_like
from ..module import Module

M = TypeVar("M", bound=Module)
Scores = Mapping[tuple[Module, str], Tensor]


class BasePruningMethod:
    """What all methods do; a method of your own says what its mask is.

    >>> import tinygrad_cnn as tg
    >>> class EverySecond(BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = tg.nn.Linear(2, 3)
    >>> hook = EverySecond.apply(layer, "bias")
    >>> layer.bias_mask.tolist()
    [0.0, 1.0, 0.0]
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zeros where t, whose importance this is, is to be pruned, and ones; `default_mask` is that of before."""
        raise NotImplementedError(f"{type(self).__name__} must say what its mask is, in compute_mask")

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        return module._buffers[f"{self._tensor_name}_mask"] * module._parameters[f"{self._tensor_name}_orig"]  # type: ignore

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune `module.name` by cls(*args, **kwargs), and from then on before each call; the hook that does it.

        importance_scores: by which the method judges, in the shape of the tensor; by default the tensor itself.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        found = _hook(module, name)
        tensor = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the shape of parameter {name} of {module}: {tuple(tensor.shape)}, "
                f"got {tuple(importance_scores.shape)}"
            )
        before = ones_like(tensor) if found is None else getattr(module, f"{name}_mask").detach().clone()
        if found is not None:
            method = PruningContainer(*found[1], method)
        with no_grad():
            scores = tensor if importance_scores is None else importance_scores
            mask = method.compute_mask(scores.detach(), before).to(tensor.dtype)
        if found is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", tensor)
        else:
            del module._forward_pre_hooks[found[0]]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """t with zeros where this method masks it, without a module."""
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Let the tensor be a parameter again, with the zeros that it has; the hook stays."""
        name = self._tensor_name
        value = self.apply_mask(module).detach()
        parameter = module._parameters.pop(f"{name}_orig")
        del module._buffers[f"{name}_mask"]
        delattr(module, name)
        parameter.data = value  # type: ignore
        setattr(module, name, parameter)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        yield self


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor, one after the other: the last one prunes what the others left.

    >>> import tinygrad_cnn as tg
    >>> layer = l1_unstructured(ln_structured(tg.nn.Linear(4, 4), "weight", 1, n=2, dim=0), "weight", 4)
    >>> (hook,) = layer._forward_pre_hooks.values()
    >>> [type(method).__name__ for method in hook], int((layer.weight == 0).sum())
    (['LnStructured', 'L1Unstructured'], 8)
    """

    def __init__(self, *methods: BasePruningMethod):
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """TypeError for what is none, ValueError for one of another tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        name = getattr(self, "_tensor_name", method._tensor_name)
        if method._tensor_name != name:
            raise ValueError(f"a container for {name!r} cannot take a method for {method._tensor_name!r}")
        self._tensor_name = name
        self._pruning_methods += (method,)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, which sees of t what the others left, times theirs."""
        last, mask = self._pruning_methods[-1], default_mask.clone()
        if last.PRUNING_TYPE == "unstructured":
            left: Any = default_mask == 1
        elif last.PRUNING_TYPE == "structured":
            dim = range(t.ndim)[vars(last)["dim"]]
            others = [axis for axis in range(t.ndim) if axis != dim]
            left = (slice(None),) * dim + (default_mask.sum(dim=others) != 0,)
        elif last.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ValueError(
                f"Unrecognized PRUNING_TYPE {last.PRUNING_TYPE!r}; it is unstructured, structured or global"
            )
        mask[left] = last.compute_mask(t[left], default_mask[left]).to(mask.dtype)
        return mask

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __getitem__(self, i: int) -> BasePruningMethod:
        return self._pruning_methods[i]

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)


class Identity(BasePruningMethod):
    """Prunes nothing, and makes the mask: for a mask that is written by hand."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _OfAmount(BasePruningMethod):
    """Prunes `amount` of what there is: a share of it as a float, a number of them as an int."""

    def __init__(self, amount: Any):
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        self.whole = isinstance(amount, numbers.Integral)
        self.amount = float(amount)
        if self.amount < 0 or (not self.whole and self.amount > 1):
            raise ValueError(f"amount={amount} should be a share between 0.0 and 1.0, or an int that is not negative")

    def number(self, size: int) -> int:
        """How many of `size` are pruned."""
        if not self.whole:
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(f"amount={self.amount:g} should be at most the number of elements to prune, {size}")
        return int(self.amount)


class RandomUnstructured(_OfAmount):
    """Prunes single numbers, drawn at random."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(rand_like(t), self.number(t.numel()), default_mask)


class L1Unstructured(_OfAmount):
    """Prunes the numbers that are nearest to zero."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(t.abs(), self.number(t.numel()), default_mask)


class _Structured(_OfAmount):
    """Prunes slices along the axis `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1):
        super().__init__(amount)
        self.dim = dim

    def importance(self, t: Tensor, axis: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim < 2:
            raise ValueError(f"structured pruning needs a tensor of 2 axes or more, got shape {tuple(t.shape)}")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index dim={self.dim} for a tensor of shape {tuple(t.shape)}")
        axis = self.dim % t.ndim
        size = t.shape[axis]
        kept = _without_smallest(self.importance(t, axis), self.number(size), ones_like(t[(0,) * t.ndim]).expand(size))
        return default_mask * kept.view([size if i == axis else 1 for i in range(t.ndim)])


class RandomStructured(_Structured):
    """Prunes slices, drawn at random."""

    def importance(self, t: Tensor, axis: int) -> Tensor:
        return rand(t.shape[axis])


class LnStructured(_Structured):
    """Prunes the slices of the smallest norm of order n."""

    def __init__(self, amount: float, n: Any, dim: int = -1):
        super().__init__(amount, dim)
        self.n = n

    def importance(self, t: Tensor, axis: int) -> Tensor:
        return norm(t, p=self.n, dim=[i for i in range(t.ndim) if i != axis])


class CustomFromMask(BasePruningMethod):
    """Prunes by the mask that it is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor):
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


def _without_smallest(scores: Tensor, n: int, mask: Tensor) -> Tensor:
    """The mask with n zeros, where scores are smallest."""
    mask = mask.clone()
    if n:
        mask.view(-1)[scores.reshape(-1).topk(n, largest=False).indices] = 0
    return mask


def identity(module: M, name: str) -> M:
    """Prune nothing, and make the mask; the module is returned, as by all of these.

    >>> import tinygrad_cnn as tg
    >>> sorted(identity(tg.nn.Linear(2, 3), "bias").state_dict())
    ['bias_mask', 'bias_orig', 'weight']
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune single numbers at random: a share `amount` of them, or so many.

    >>> import tinygrad_cnn as tg
    >>> int(random_unstructured(tg.nn.Linear(2, 3), "weight", amount=1).weight_mask.sum())
    5
    """
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the numbers that are nearest to zero: a share `amount` of them, or so many.

    importance_scores: whose numbers are compared for those of the tensor.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Linear(2, 1, bias=False)
    >>> layer.weight.data = tg.tensor([[0.1, -0.5]])
    >>> layer = l1_unstructured(layer, "weight", amount=0.5)
    >>> layer(tg.ones(2)).backward()
    >>> layer.weight.tolist(), layer.weight_orig.grad.tolist()
    ([[0.0, -0.5]], [[0.0, 1.0]])
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices along the axis dim, at random: a share `amount` of them, or so many.

    >>> import tinygrad_cnn as tg
    >>> random_structured(tg.nn.Linear(2, 3), "weight", amount=1, dim=1).weight_mask.sum(0).sort().values.tolist()
    [0.0, 3.0]
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None) -> M:
    """Prune the slices along the axis dim whose norm of order n is smallest: a share `amount`, or so many.

    >>> import tinygrad_cnn as tg
    >>> layer = tg.nn.Linear(2, 2)
    >>> layer.weight.data = tg.tensor([[3.0, 4.0], [5.0, 1.0]])
    >>> ln_structured(layer, "weight", amount=1, n=2, dim=0).weight.tolist()
    [[0.0, 0.0], [5.0, 1.0]]
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune by a mask, of zeros and ones.

    >>> import tinygrad_cnn as tg
    >>> custom_from_mask(tg.nn.Linear(2, 3), "bias", tg.tensor([0, 1, 0])).bias_mask.tolist()
    [0.0, 1.0, 0.0]
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Scores | None = None,
    **kwargs: Any,
) -> None:
    """Prune single numbers of several parameters as if they were one: pairs of a module and a name.

    >>> import tinygrad_cnn as tg
    >>> a, b = tg.nn.Linear(1, 2, bias=False), tg.nn.Linear(1, 2, bias=False)
    >>> a.weight.data, b.weight.data = tg.tensor([[1.0], [2.0]]), tg.tensor([[3.0], [4.0]])
    >>> global_unstructured([(a, "weight"), (b, "weight")], L1Unstructured, amount=3)
    >>> a.weight.tolist(), b.weight.tolist()
    ([[0.0], [0.0]], [[0.0], [4.0]])
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    parameters = list(parameters)
    if importance_scores is not None and not isinstance(importance_scores, Mapping):
        raise TypeError("global_unstructured(): importance_scores is a dict from (module, name) to a tensor")
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all of them"
    scores, masks = [], []
    for module, name in parameters:
        tensor = getattr(module, name)
        scores.append((importance_scores or {}).get((module, name), tensor).detach().reshape(-1))
        masks.append(getattr(module, f"{name}_mask", ones_like(tensor)).reshape(-1))
    with no_grad():
        mask = PruningContainer(method).compute_mask(cat(scores), cat(masks))
    for (module, name), part in zip(parameters, mask.split([m.numel() for m in masks]), strict=True):
        custom_from_mask(module, name, part.view(getattr(module, name).shape))


def remove(module: M, name: str) -> M:
    """Let a pruned tensor be an ordinary parameter again, with its zeros. ValueError where it is not pruned.

    >>> import tinygrad_cnn as tg
    >>> layer = remove(l1_unstructured(tg.nn.Linear(2, 3), "bias", amount=2), "bias")
    >>> sorted(layer.state_dict()), int((layer.bias == 0).sum())
    (['bias', 'weight'], 2)
    """
    found = _hook(module, name)
    if found is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one in it, is pruned.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(2, 3))
    >>> is_pruned(net), is_pruned(identity(net[0], "bias")), is_pruned(net)
    (False, True, True)
    """
    hooks = (hook for m in module.modules() for hook in m._forward_pre_hooks.values())
    return any(isinstance(hook, BasePruningMethod) for hook in hooks)


def _hook(module: Module, name: str) -> tuple[int, BasePruningMethod] | None:
    """The hook that prunes this tensor, and its key."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None
