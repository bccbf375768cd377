"""Module: a function with parameters. Layers and networks are Modules, and Modules are made of Modules.

What is assigned to an attribute finds its place by its type: a Parameter in `_parameters`, a Module in
`_modules`, a registered buffer in `_buffers`; everything else is a plain attribute. These three
dicts are all there is; parameters(), state_dict(), to() and the rest only walk over them.
"""

from __future__ import annotations

import importlib
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ..arrays.arguments import forgiving, names_itself
from ..arrays.device import device as Device
from ..engine.modes import mode, scope_of
from ..engine.tensor import Tensor, wrap
from ..surface.printing import _repr_mimebundle_
from ..surface.writing import clear_grad
from . import state
from .hooks import EVERYWHERE, OF_CALLS, OF_STATE, Hooked
from .parameter import Buffer, Parameter, is_lazy

M = TypeVar("M", bound="Module")


class Module(Hooked):
    """Base class of layers and networks: assign parameters and layers in `__init__`, compute in `forward`.

    >>> import tinygrad_cnn as tg
    >>> class Affine(tg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.scale = tg.nn.Parameter(tg.ones(2))
    ...     def forward(self, x):
    ...         return x * self.scale
    >>> net = Affine()
    >>> net(tg.tensor([3.0, 4.0])).sum().backward()
    >>> [(name, p.grad.tolist()) for name, p in net.named_parameters()]
    [('scale', [3.0, 4.0])]
    """

    training: bool
    _version = 1  # of the form of its state
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names_itself(cls)

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
            **{kind: OrderedDict() for kind in (*OF_CALLS, *OF_STATE)},
        )

    # calling

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass says it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = mode.__dict__
        outer = state["scope"]
        try:
            state["scope"] = scope_of(self, outer)  # the nodes made in here know their module
            own = self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
            if own or EVERYWHERE:
                return self._call_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        finally:
            state["scope"] = outer

    # attributes

    def __getattr__(self, name: str) -> Any:
        mine = self.__dict__
        if "_modules" in mine:
            if name in (parameters := mine["_parameters"]):  # spelled out, for every forward comes here
                return parameters[name]
            if name in (modules := mine["_modules"]):
                return modules[name]
            if name in (buffers := mine["_buffers"]):
                return buffers[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        parameters = self.__dict__.get("_parameters")
        if isinstance(value, Parameter):
            self._needs_init("parameters")
            self._forget(name, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            self._refuse_unless_none(name, value, "parameter", "nn.Parameter")
            parameters[name] = None
        elif isinstance(value, Module):
            self._needs_init("module")
            self._forget(name, self._buffers)
            self._modules[name] = value
        elif parameters is None:
            object.__setattr__(self, name, value)
        elif name in self._modules:
            self._refuse_unless_none(name, value, "child module", "nn.Module")
            self._modules[name] = None
        elif isinstance(value, Buffer):
            self._forget(name)
            self.register_buffer(name, value, value.persistent)
        elif name in self._buffers:
            if not isinstance(value, Tensor):
                self._refuse_unless_none(name, value, "buffer", "Tensor")
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for room in (self._parameters, self._buffers, self._modules):
            if name in room:
                del room[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    def __getstate__(self) -> dict:
        left_out = ("forward", "_compiled") if "_compiled" in self.__dict__ else ()
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)

    def _needs_init(self, what: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(
                f"cannot assign {what} before Module.__init__() call; begin __init__ of {type(self).__name__} with "
                "super().__init__()"
            )

    def _forget(self, name: str, *rooms: dict) -> None:
        for room in (self.__dict__, *rooms):
            room.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _refuse_unless_none(self, name: str, value: Any, what: str, expected: str) -> None:
        if value is not None:
            raise TypeError(
                f"cannot assign {type(value).__name__!r} object to {what} {name!r} ({expected} or None expected); "
                f"del module.{name} first to make it a plain attribute"
            )

    # registering

    def _check_name(self, name: Any, what: str, room: dict) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string, got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in room:
            raise KeyError(f"{type(self).__name__}: attribute {name!r} already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps its place without one (`bias=False`)."""
        self._needs_init("parameter")
        self._check_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign {type(param).__name__!r} object to parameter {name!r} (nn.Parameter or None required); "
                "wrap a Tensor in nn.Parameter(...)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"cannot assign non-leaf Tensor to parameter {name!r}: parameters must be made by the user; to compute "
                "one from another tensor, do it in forward()"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is kept and moved with the module but not trained.

        persistent=False leaves it out of `state_dict()`.
        """
        self._needs_init("buffer")
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign {type(tensor).__name__!r} object to buffer {name!r} (Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child; `module.name` is the child then."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._needs_init("module")
        self._check_name(name, "module", self._modules)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of `add_module`."""
        self.add_module(name, module)

    # finding by name

    @forgiving
    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path: `net.get_submodule("features.0")`; "" is the module itself."""
        module = self
        for name in target.split(".") if target != "" else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}` (looking for {target!r})")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module (looking for {target!r})")
        return module

    @forgiving
    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path, in place of the one that is there; with strict there must be one."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("set_submodule: the path of the submodule must not be empty")
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule: `module` is not an nn.Module, got {type(module).__name__}")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}` (looking for {target!r})")
        if not isinstance(getattr(parent, name, module), Module):
            raise AttributeError(f"`{name}` is not an nn.Module (looking for {target!r})")
        setattr(parent, name, module)

    @forgiving
    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        return self._get(target, lambda m: m._parameters, "an nn.Parameter")

    @forgiving
    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        return self._get(target, lambda m: m._buffers, "a buffer")

    def _get(self, target: str, room: Callable, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}` (looking for {target!r})")
        if room(module).get(name) is None:
            raise AttributeError(f"`{name}` is not {what} (looking for {target!r})")
        return room(module)[name]

    # walking

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Itself and every module below, parents first, with their paths; a shared one once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Itself and every module below."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names; a shared one once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        for _, child in self.named_children():
            yield child

    def _named_members(
        self, room: Callable[[Module], dict], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        everywhere = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in everywhere if recurse else [(prefix, self)]:
            for name, member in room(module).items():
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield f"{path}.{name}" if path else name, member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of the module and of all below it, with their paths; a shared one once."""
        yield from self._named_members(lambda m: m._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimizer trains."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of the module and of all below it, with their paths; a shared one once."""
        yield from self._named_members(lambda m: m._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    @forgiving
    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call fn on every module below, children before parents, then on itself: for initialisation."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """From now on run forward as `compile(forward, *args, **kwargs)`; hooks are called as before.

        A copy, and a module that was pickled, has the plain forward.

        >>> import tinygrad_cnn as tg
        >>> layer = tg.nn.Linear(2, 3)
        >>> layer.compile()
        >>> layer(tg.ones(1, 2)).shape
        (1, 3)
        """
        compile = importlib.import_module(__package__.partition(".")[0]).compile  # who compiles stands above modules
        if "_compiled" in self.__dict__:
            del self.__dict__["forward"]
        self.__dict__["forward"] = self.__dict__["_compiled"] = compile(self.forward, *args, **kwargs)

    # changing all at once

    def train(self: M, mode: bool = True) -> M:
        """Say to every module that it is being trained (dropout drops, batch norm measures), or not."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: training mode is expected to be boolean, got {type(mode).__name__}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: M) -> M:
        """train(False)."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Freeze (False) or unfreeze all parameters."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)  # type: ignore[attr-defined]
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for p in self.parameters():
            clear_grad(p, set_to_none)

    def _apply(self: M, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> M:
        """Replace the memory of every parameter, gradient and buffer by fn of it; they stay the same objects."""
        for module in self.modules() if recurse else [self]:
            for p in module._parameters.values():
                if p is not None:
                    p.data = fn(p if is_lazy(p) else p.data)
                    if p.grad is not None:
                        p.grad.data = fn(p.grad.data)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = fn(buffer)
        return self

    def to(self: M, *args: Any, memory_format: Any = None, **kwargs: Any) -> M:
        """Convert floating parameters and buffers: `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)`.

        Integers stay integers. memory_format is a hint that changes nothing here.
        """
        target = wrap(np.empty(0, np.float32)).to(*args, **kwargs).dtype  # type: ignore[attr-defined]
        if target.kind != "f":
            raise TypeError(f"Module.to: only floating point dtypes are accepted, got {target}")
        return self._apply(lambda t: t.to(*args, **kwargs) if t.dtype.kind in "fc" else t)  # type: ignore[attr-defined]

    def type(self: M, dst_type: Any) -> M:
        """Convert all parameters and buffers, integers too."""
        return self._apply(lambda t: t.type(dst_type))  # type: ignore[attr-defined]

    def float(self: M) -> M:
        """to(float32)."""
        return self.to(np.dtype(np.float32))

    def double(self: M) -> M:
        """to(float64)."""
        return self.to(np.dtype(np.float64))

    def half(self: M) -> M:
        """to(float16)."""
        return self.to(np.dtype(np.float16))

    def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
        """New memory for parameters and buffers, whatever it holds; device: None or "cpu", where everything is.

        recurse: also below.
        """
        if device is not None:
            Device(device)
        return self._apply(lambda t: wrap(np.empty_like(t._array)), recurse)

    def cpu(self: M) -> M:
        """to("cpu"): where everything is."""
        return self.to("cpu")

    def cuda(self: M, device: int | None = None) -> M:
        """to("cuda"): an error, for there is none."""
        return self.to("cuda")

    def share_memory(self: M) -> M:
        """Move parameters and buffers to memory that child processes see as well."""
        from .shared import share  # multiprocessing is slow to import, and rarely needed

        return self._apply(share)

    # saving

    def state_dict(
        self, *args: Any, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """All parameters and persistent buffers by path. They share the module's memory: copy them to keep them.

        prefix: put before every path. keep_vars: the parameters themselves, not detached. A module that defines
        `get_extra_state()` and `set_extra_state(state)` adds what the first returns, under "_extra_state". The three
        arguments may be given in this order without their names, with a FutureWarning.

        >>> import tinygrad_cnn as tg
        >>> list(tg.nn.Sequential(tg.nn.Linear(2, 1)).state_dict())
        ['0.weight', '0.bias']
        """
        if args:
            warnings.warn("state_dict: give destination=, prefix= and keep_vars= by name", FutureWarning, stacklevel=2)
            by_name: tuple = destination, prefix, keep_vars
            destination, prefix, keep_vars = (*args, *by_name[len(args) :])
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]
        return state.collect(self, destination, prefix, keep_vars)

    def _save_to_state_dict(self, destination: dict, prefix: str, keep_vars: bool) -> None:
        """Put this module's own part of the state into `destination`; a subclass may add to it."""
        state.save_own(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Copy the values of a state into the parameters and buffers of the same paths.

        strict: the paths must be the same. assign: put the given tensors in place of the module's, without copying.
        Returns the missing and the unexpected keys. Raises a RuntimeError that lists all that does not fit;
        nothing is loaded then.
        """
        return state.load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """What a state is to hold beside tensors; a subclass that has some says it, and defines `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} must define get_extra_state() to be asked for it")

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` gave; a subclass that has one says how."""
        raise RuntimeError(f"{type(self).__name__} must define set_extra_state(state) to be given one")

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own part of a state, whose keys begin with `prefix`.

        A subclass may change `state_dict` and then call this one, or add to the three lists.
        """
        state.load_own(self, state_dict, prefix, local_metadata, missing_keys, unexpected_keys, error_msgs)

    # showing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the brackets of the repr: the arguments that the module was made with."""
        return ""

    _repr_mimebundle_ = _repr_mimebundle_

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indented(repr(child))}" for name, child in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
