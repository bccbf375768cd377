"""Optimizer: what all update rules have in common. A subclass is its hyperparameters and its rule.

A step first looks at every gradient, and changes nothing unless all of them fit; then it hands each
group's parameters to the rule at once, as arrays, so that a rule is one call of a kernel.
"""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import setitem
from typing import Any, TypeVar, overload

import numpy as np

from ..arrays.arguments import names_itself
from ..arrays.blocks import all_at_once
from ..arrays.dtypes import float16, float32
from ..arrays.lines import user_level
from ..autograd.grad_mode import enable_grad
from ..engine.modes import mode
from ..engine.node import Handle
from ..engine.tensor import Tensor, wrap
from ..surface.writing import clear_grad

Params = Iterable[Tensor | tuple[str, Tensor] | dict[str, Any]]
Loss = TypeVar("Loss")


class _Required:
    """What a hyperparameter of somebody's own optimizer has for a default that it must be given."""

    def __repr__(self) -> str:
        return "<required parameter>"


required: Any = _Required()


class Optimizer:
    """Base class of optimizers.

    params: Tensors, pairs (name, Tensor), or dicts {"params": ..., hyperparameters of this group}.
    defaults: the hyperparameters of groups that do not say otherwise.

    `param_groups` is a list of dicts, read anew at every step; `state[p]` is what the rule remembers of
    a parameter. A rule of your own is a subclass with `update(group, params, grads)`, or with `step()`.

    >>> import tinygrad_cnn as tg
    >>> class Signs(tg.optim.Optimizer):
    ...     def update(self, group, params, grads):
    ...         for p, g in zip(params, grads):
    ...             p.detach().sub_(group["lr"] * tg.tensor(g).sign())
    >>> w = tg.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Signs([w], {"lr": 0.5}).step()
    >>> w.tolist()
    [0.5, -1.5]
    """

    _of_other_shape: frozenset[str] = frozenset()  # what a rule remembers that has not the shape of its parameter

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names_itself(cls)

    def __init__(self, params: Params, defaults: dict[str, Any]):
        name = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(f"{name}: params should be an iterable of Tensors or dicts, got a Tensor; write [tensor]")
        if defaults.get("differentiable"):
            raise ValueError(
                f"{name}: differentiable=True is not supported; write the update out with ops to differentiate it"
            )
        if defaults.get("fused") and defaults.get("foreach"):
            raise RuntimeError(f"{name}: fused=True and foreach=True cannot be had together; leave one of them away")
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._before: OrderedDict[int, Callable] = OrderedDict()
        self._after: OrderedDict[int, Callable] = OrderedDict()
        self._of_state: dict[str, OrderedDict[int, Callable]] = defaultdict(OrderedDict)  # hooks, by when
        self._opt_called = False
        self._change = f"{name}.step"
        self._counted: list[dict[str, Any]] = []  # the states of the parameters that the rule is at work on
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{name}: optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, with their own hyperparameters: `{"params": [...], "lr": 0.1}`."""
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: param_group must be a dict, got {type(param_group).__name__}")
        group = {**param_group, **self.defaults, **param_group}  # in the order of PyTorch's: what is given comes first
        if "params" not in group:
            raise KeyError(f"{name}: a parameter group needs the key 'params', this one has {', '.join(param_group)}")
        given = group["params"]
        if isinstance(given, set | frozenset):
            raise TypeError(
                f"{name}: optimizer parameters need to be organized in ordered collections, for the order of a set "
                "changes between runs; use a list"
            )
        given = [given] if isinstance(given, Tensor) else list(given)
        if given and isinstance(given[0], tuple):
            if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in given):
                raise ValueError(f"{name}: either all parameters have names or none has; some names are missing")
            group["param_names"] = [pair[0] for pair in given]
            given = [pair[1] for pair in given]
        for p in given:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"{name}: optimizer can only optimize Tensors, one of the params is a {type(p).__name__}"
                )
            if not (p.is_leaf or p.retains_grad):
                raise ValueError(
                    f"{name}: can't optimize a non-leaf Tensor (it is the result of {p.grad_fn.name()}); "  # type: ignore[union-attr]
                    "give the tensor that it was computed from, or .detach() it"
                )
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise ValueError(f"{name}: either all parameter groups have names or none has")
        if len(set(given)) != len(given):
            warnings.warn(
                f"{name}: optimizer contains a parameter group with duplicate parameters", stacklevel=user_level()
            )
        if not {p for g in self.param_groups for p in g["params"]}.isdisjoint(given):
            raise ValueError(f"{name}: some parameters appear in more than one parameter group")
        group["params"] = given
        lr = group.get("lr")
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(f"{name}: a Tensor for lr must be of one element, got shape {tuple(lr.shape)}")
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Raise a ValueError for hyperparameters that make no sense; subclasses say which."""

    def _need(self, group: dict[str, Any], key: str, what: str, low: float = 0.0, high: float = math.inf) -> None:
        """Hold a hyperparameter in low <= value < high."""
        if not low <= group[key] < high:
            bounds = f"{key} >= {low:g}" if high == math.inf else f"{low:g} <= {key} < {high:g}"
            raise ValueError(f"{type(self).__name__}: Invalid {what}: {group[key]}; expected {bounds}")

    def _need_of_adam(self, group: dict[str, Any]) -> None:
        """What Adam and its kin need of their settings."""
        self._need(group, "lr", "learning rate")
        self._need(group, "eps", "epsilon value")
        if len(group["betas"]) != 2:
            raise ValueError(f"{type(self).__name__}: Invalid betas: {group['betas']}; expected two numbers")
        for i, beta in enumerate(group["betas"]):
            if not 0.0 <= beta < 1.0:
                raise ValueError(
                    f"{type(self).__name__}: Invalid beta parameter at index {i}: {beta}; expected 0 <= beta < 1"
                )
        self._need(group, "weight_decay", "weight_decay value")

    # a step

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place.

        closure: computes the loss and its gradients again, and returns the loss; so does step then.
        Raises a RuntimeError, before anything is changed, where a gradient has another shape or dtype
        than its parameter. Where a group's rule fails, by a lack of memory, or where an interrupt (Ctrl-C) comes, the
        groups before it have made the step and those behind it have not.
        """
        if self._before:
            closure = self._announced(closure)
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        work = []
        for group in self.param_groups:
            params = [p for p in group["params"] if p._grad is not None]
            grads = [p._grad._array for p in params]
            for p, g in zip(params, grads):
                a = p._array
                if g.shape != a.shape or g.dtype != a.dtype:
                    self._refuse(p)
            if params:
                work.append((group, params, grads))
        change, tracer = self._change, mode.tracer
        if tracer is not None:
            tracer.stepping(self)
        for group, params, grads in work:
            for p in params:
                (p._counter or p.version()).bump(change)
            self._counted = []
            try:
                self.update(group, params, grads)
            except Exception as error:  # not an interrupt, which comes when the work is done
                for state in self._counted:
                    state["step"] -= 1
                if isinstance(error, AttributeError | LookupError | TypeError) and _ours(type(self).update):
                    raise RuntimeError(
                        f"{change}: the state of a parameter is not one of this rule ({error!r}); load what it saved"
                    ) from error
                raise
        self._opt_called = True
        if tracer is not None:
            tracer.stepped(self)
        self._done(closure)
        return loss

    def _announced(self, *args: Any) -> Any:
        """Call the hooks that come before a step, and give its closure, which they may have replaced."""
        given: tuple = (self, *[a for a in args if a is not None])
        options: dict[str, Any] = {}
        for hook in self._before.values():
            changed = hook(self, given, options)
            if changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"{self._change}: a hook before it must return None or a tuple (args, kwargs), got {changed!r}"
                    )
                given, options = changed
        return options.get("closure", given[1] if len(given) > 1 else None)

    def _done(self, closure: Any) -> None:
        """Call the hooks that come after a step."""
        for hook in self._after.values():
            hook(self, (self,) if closure is None else (self, closure), {})

    def update(self, group: dict[str, Any], params: list[Tensor], grads: list[np.ndarray]) -> None:
        """The rule: change the arrays of these parameters of one group, given their gradients."""
        raise NotImplementedError(f"{type(self).__name__} must define update(group, params, grads), or step()")

    def _refuse(self, p: Tensor) -> None:
        grad = p.grad
        raise RuntimeError(
            f"{self._change}: a gradient has shape {tuple(grad.shape)} and dtype {grad.dtype}, its parameter has shape "
            f"{tuple(p.shape)} and dtype {p.dtype}; nothing was changed. Call zero_grad() before backward()"
        )

    def _by_step(
        self, params: list[Tensor], fresh: Callable[[Tensor], dict]
    ) -> Iterator[tuple[float, Sequence[int], list[dict]]]:
        """Sort parameters by how many steps they have made, and count one more: (step, their places, states).

        `fresh(p)` is what a parameter's state begins with.
        """
        states = [self.state[p] for p in params]
        for p, state in zip(params, states):
            if not state:
                state.update(fresh(p))
        steps = [state["step"] + 1 for state in states]
        for n in sorted(set(steps)):
            places = [i for i, step in enumerate(steps) if step == n]
            self._counted = [states[i] for i in places]
            all_at_once(setitem, [(state, "step", n) for state in self._counted])
            yield n, places, self._counted

    def _zeros(self, p: Tensor) -> Tensor:
        """Room to remember something of a parameter; of half precision in float32, where squares are not too small."""
        return wrap(np.zeros_like(p._array, _remembered_in(p.dtype)))

    def register_step_pre_hook(self, hook: Callable[[Any, tuple, dict], Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before each step, which replaces both by what it returns, if anything.

        args begin with the optimizer, behind which the closure comes where one was given.
        """
        return Handle(self._before, hook)

    def register_step_post_hook(self, hook: Callable[[Any, tuple, dict], Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return Handle(self._after, hook)

    # saving

    def register_state_dict_pre_hook(self, hook: Callable[[Any], Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` before state_dict()."""
        return self._register("saving", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[[Any, dict], Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` after state_dict(), which gives what it returns, if anything, instead."""
        return self._register("saved", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[[Any, dict], Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)`, with a copy, before loading, which takes what it returns, if anything."""
        return self._register("loading", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[[Any], Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` after a state was loaded."""
        return self._register("loaded", hook, prepend)

    def _register(self, when: str, hook: Callable, prepend: bool) -> Handle:
        handle = Handle(self._of_state[when], hook)
        if prepend:
            self._of_state[when].move_to_end(handle.id, last=False)
        return handle

    def _told(self, when: str, state_dict: Any) -> Any:
        """A state as the hooks leave it."""
        for hook in self._of_state[when].values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number of the parameter: what the rule remembers}, "param_groups": [...]}; shares memory."""
        for hook in self._of_state["saving"].values():
            hook(self)
        numbers: dict[Tensor, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(p, len(numbers))
        state_dict = {
            "state": {numbers[p]: _with_step(kept) for p, kept in self.state.items() if p in numbers},
            "param_groups": [
                {**{k: v for k, v in group.items() if k != "params"}, "params": [numbers[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }
        return self._told("saved", state_dict)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over hyperparameters and a copy of the memory of a state; the groups must be of the same sizes.

        Raises a ValueError, before anything is changed, where they are not.
        """
        name = type(self).__name__
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise TypeError(f"{name}.load_state_dict: expected the dict of state_dict(), got {_shown(state_dict)}")
        if self._of_state["loading"]:
            state_dict = self._told("loading", dict(state_dict))
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"{name}: loaded state dict has a different number of parameter groups: {len(groups)}, "
                f"the optimizer has {len(self.param_groups)}"
            )
        params: dict[int, Tensor] = {}
        for i, (group, own) in enumerate(zip(groups, self.param_groups, strict=True)):
            if len(group["params"]) != len(own["params"]):
                raise ValueError(
                    f"{name}: loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                    f"group: group {i} has {len(group['params'])} parameters, the optimizer's {len(own['params'])}"
                )
            params.update(zip(group["params"], own["params"], strict=True))
        for group, own in zip(groups, self.param_groups, strict=True):
            try:
                self.check({**own, **group})
            except TypeError as error:
                raise ValueError(f"{name}: loaded state dict has a hyperparameter that is none: {error}") from None
        state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        for number, kept in state_dict["state"].items():
            if number in params:
                state[params[number]] = {key: self._fitted(key, value, params[number]) for key, value in kept.items()}
        self.state = state
        self._opt_called = True  # by the run that the state is of, for all that is known
        for group, own in zip(groups, self.param_groups, strict=True):
            own.update({k: v for k, v in group.items() if k != "params"})
        for hook in self._of_state["loaded"].values():
            hook(self)

    def _fitted(self, key: str, value: Any, p: Tensor) -> Any:
        """A copy of something remembered, in the dtype that it is computed in."""
        if isinstance(value, list):
            return [self._fitted(key, one, p) for one in value]
        if not isinstance(value, Tensor):
            return value
        if key == "step":
            return value.item()
        if value.ndim and value.shape != p.shape and key not in self._of_other_shape:
            raise ValueError(
                f"{type(self).__name__}: the loaded {key} has shape {tuple(value.shape)}, its parameter has shape "
                f"{tuple(p.shape)}; nothing was loaded"
            )
        return wrap(np.array(value._array, _remembered_in(p.dtype) if value.dtype.kind == "f" else None))

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _ours(f: Callable) -> bool:
    return f.__module__.startswith(f"{__package__}.")


def _with_step(kept: dict[str, Any]) -> dict[str, Any]:
    """What is remembered of a parameter, with the number of steps as a tensor, as PyTorch's states have it."""
    step = kept.get("step")
    return {**kept, "step": wrap(np.asarray(step, np.float32))} if isinstance(step, float) else dict(kept)


def _remembered_in(dtype: np.dtype) -> np.dtype:
    return float32 if dtype == float16 else dtype


def _shown(value: Any) -> str:
    return f"a dict with the keys {list(value)}" if isinstance(value, Mapping) else f"a {type(value).__name__}"
