"""Modules and parameters in a row or under names."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from operator import index
from typing import Any, Generic, TypeVar, overload

from ..engine.tensor import Tensor
from .fusion import in_one_pass
from .module import Module
from .parameter import Parameter

N = TypeVar("N", bound="_Numbered")
L = TypeVar("L", bound="ParameterList")
Held = TypeVar("Held")


class _Numbered(Module):
    """Children under the names "0", "1", ...: what Sequential and ModuleList have in common."""

    def _key(self, i: int) -> str:
        """The name of the child at place i, which may count from the end."""
        n, i = len(self._modules), index(i)
        if not -n <= i < n:
            raise IndexError(f"{self._get_name()}: index {i} is out of range, it holds {len(self)} modules")
        return list(self._modules)[i]

    def _replace(self, children: Iterable[Module | None]) -> None:
        """Number the children anew."""
        children = list(children)
        self._modules.clear()
        for i, child in enumerate(children):
            self.add_module(str(i), child)

    def _checked(self, modules: Any, action: str) -> list[Module]:
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{self._get_name()}.{action}: expected an iterable of modules, got {type(modules).__name__}"
            )
        modules = list(modules)
        for m in modules:
            if m is not None and not isinstance(m, Module):
                raise TypeError(f"{self._get_name()}.{action}: {type(m).__name__} is not a Module subclass")
        return modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    @overload
    def __getitem__(self, i: int) -> Module: ...
    @overload
    def __getitem__(self: N, i: slice) -> N: ...
    def __getitem__(self, i: int | slice) -> Any:
        if isinstance(i, slice):
            return self._with(list(self._modules.items())[i])
        return self._modules[self._key(i)]

    def _with(self, children: list[tuple[str, Any]]) -> Any:
        """Another of the same kind, with these children of this one."""
        raise NotImplementedError

    def __setitem__(self, i: int, module: Module) -> None:
        setattr(self, self._key(i), module)

    def __delitem__(self, i: int | slice) -> None:
        for key in list(self._modules)[i] if isinstance(i, slice) else [self._key(i)]:
            delattr(self, key)
        self._replace(self._modules.values())

    def append(self: N, module: Module) -> N:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: N, modules: Iterable[Module]) -> N:
        """Add modules at the end."""
        for module in self._checked(modules, "extend"):
            self.append(module)
        return self

    def insert(self, i: int, module: Module) -> None:
        """Add a module before the one at place i."""
        children = [*self]
        children[i:i] = self._checked([module], "insert")
        self._replace(children)

    def pop(self, i: int = -1) -> Module:
        """Take out the module at place i."""
        module = self._modules[self._key(i)]
        del self[i]
        return module  # type: ignore[return-value]

    def __iadd__(self: N, modules: Iterable[Module]) -> N:
        return self.extend(modules)


class Sequential(_Numbered):
    """f_n(... f_2(f_1(x))): modules that are called one after another.

    Takes the modules, or an OrderedDict that gives them names. An index gives a module, a slice a Sequential.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.Sequential(tg.nn.Linear(2, 3), tg.nn.ReLU(), tg.nn.Linear(3, 1))
    >>> net[-1].out_features, len(net[:2])
    (1, 2)
    """

    @overload
    def __init__(self, *args: Module): ...
    @overload
    def __init__(self, args: Mapping[str, Module], /): ...
    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self._replace(args)

    def forward(self, input: Any) -> Any:
        modules: list[Any] = list(self._modules.values())
        i = 0
        while i < len(modules):
            out, done = in_one_pass(modules, i, input)
            input, i = (out, i + done) if done else (modules[i](input), i + 1)
        return input

    def _with(self, children: list[tuple[str, Any]]) -> Any:
        return type(self)(OrderedDict(children))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential + {type(other).__name__}: only a Sequential can be added")
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        """The same modules `times` over, one round after another; they keep their parameters in common."""
        return Sequential(*self._rounds(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential:
        return self.extend(self._rounds(times)[len(self) :])

    def _rounds(self, times: int) -> list[Module]:
        if not isinstance(times, int):
            raise TypeError(f"Sequential * {type(times).__name__}: only an int says how often")
        if times <= 0:
            raise ValueError(f"Sequential * {times}: the number must be positive")
        return [*self] * times


class ModuleList(_Numbered):
    """A list whose modules are known to the module that holds it. It computes nothing itself.

    >>> import tinygrad_cnn as tg
    >>> layers = tg.nn.ModuleList(tg.nn.Linear(4, 4) for _ in range(3))
    >>> sum(p.numel() for p in layers.parameters())
    60
    """

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _with(self, children: list[tuple[str, Any]]) -> Any:
        return type(self)(module for _, module in children)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        if not self._modules:
            return f"{self._get_name()}()"
        lines = []
        for text, same in itertools.groupby(enumerate(map(repr, self)), key=lambda numbered: numbered[1]):
            places = [i for i, _ in same]
            first, last = places[0], places[-1]
            head = f"({first})" if first == last else f"({first}-{last}): {len(places)} x"
            lines.append(f"{head}{':' if first == last else ''} {text}".replace("\n", "\n  "))
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class _Named(Generic[Held]):
    """The manners of a dict over `self._items`, the dict of children or of parameters."""

    _items: dict[str, Held]

    def __getitem__(self, key: str) -> Held:
        return self._items[key]

    def __setitem__(self, key: str, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, key: str) -> None:
        del self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def clear(self) -> None:
        """Remove everything."""
        self._items.clear()

    def pop(self, key: str, *default: Any) -> Any:
        """Take out what has this name."""
        return self._items.pop(key, *default)

    def get(self, key: str, default: Any = None) -> Held | Any:
        """What has this name, or the default."""
        return self._items.get(key, default)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._items.keys()

    def values(self) -> ValuesView[Held]:
        """What is held, without the names."""
        return self._items.values()

    def items(self) -> ItemsView[str, Held]:
        """Pairs of a name and what has it."""
        return self._items.items()

    def update(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add what a dict, or pairs of name and value, hold."""
        if not isinstance(other, Iterable):
            raise TypeError(
                f"{type(self).__name__}.update: expected a dict or pairs of name and value, got {type(other).__name__}"
            )
        pairs = other.items() if hasattr(other, "items") else other
        for i, pair in enumerate(pairs):
            if not isinstance(pair, Iterable) or len(pair := tuple(pair)) != 2:
                raise ValueError(f"{type(self).__name__}.update: element {i} is no pair of a name and a value")
            self[pair[0]] = pair[1]


class ModuleDict(_Named[Module], Module):
    """A dict whose modules are known to the module that holds it.

    >>> import tinygrad_cnn as tg
    >>> act = tg.nn.ModuleDict({"relu": tg.nn.ReLU(), "tanh": tg.nn.Tanh()})
    >>> act["tanh"], list(act)
    (Tanh(), ['relu', 'tanh'])
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        Module.__init__(self)
        if modules is not None:
            self.update(modules)

    @property
    def _items(self) -> dict:  # type: ignore[override]
        return self._modules

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)


class _Parameters(Module):
    """What holds parameters under names, and whatever else it is given: a Tensor becomes a Parameter.

    All are attributes of the module, so that those of modules which are put in are known to it, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, None] = {}  # in order

    def _let(self, name: str, value: Any) -> None:
        setattr(
            self, name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value
        )
        self._names[name] = None

    def _at(self, name: str) -> Any:
        """What is held; not by getattr, which finds the class's own names first."""
        return next(room[name] for room in (self._parameters, self._modules, self.__dict__) if name in room)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__} holds parameters and has no forward(); it should not be called")

    def extra_repr(self) -> str:
        return "\n".join(f"  ({name}): {_described(self._at(name))}" for name in self._names)


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    return f"Parameter containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(_Parameters):
    """A list whose parameters are known to the module that holds it; a Tensor put in becomes a Parameter.

    A module that is put in is a child; anything else is kept beside them as it is.

    >>> import tinygrad_cnn as tg
    >>> weights = tg.nn.ParameterList([tg.ones(2), tg.zeros(3)])
    >>> [p.requires_grad for p in weights.parameters()]
    [True, True]
    """

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__()
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Parameter]:
        return map(self._at, self._names)

    @overload
    def __getitem__(self, i: int) -> Parameter: ...
    @overload
    def __getitem__(self: L, i: slice) -> L: ...
    def __getitem__(self, i: int | slice) -> Any:
        return type(self)([*self][i]) if isinstance(i, slice) else self._at(self._place(i))

    def __setitem__(self, i: int, value: Any) -> None:
        self._let(self._place(i), value)

    def append(self: L, value: Any) -> L:
        """Add a parameter at the end."""
        self._let(str(len(self)), value)
        return self

    def extend(self: L, values: Iterable[Any]) -> L:
        """Add parameters at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend: expected an iterable of Tensors, got {type(values).__name__}")
        for value in [*values]:
            self.append(value)
        return self

    __iadd__ = extend

    def _place(self, i: int) -> str:
        n = len(self)
        if not -n <= index(i) < n:
            raise IndexError(f"ParameterList: index {i} is out of range, it holds {n} parameters")
        return str(index(i) % n)


class ParameterDict(_Named[Parameter], _Parameters):
    """A dict whose parameters are known to the module that holds it; a Tensor put in becomes a Parameter.

    A module that is put in is a child; anything else is kept beside them as it is.

    >>> import tinygrad_cnn as tg
    >>> weights = tg.nn.ParameterDict({"scale": tg.ones(2), "shift": tg.zeros(2)})
    >>> [name for name, p in weights.named_parameters()]
    ['scale', 'shift']
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None):
        _Parameters.__init__(self)
        if parameters is not None:
            self.update(parameters)

    @property
    def _items(self) -> dict:  # type: ignore[override]
        return {name: self._at(name) for name in self._names}

    def __setitem__(self, key: str, value: Any) -> None:
        self._let(key, value)

    def __delitem__(self, key: str) -> None:
        del self._names[key]
        delattr(self, key)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._names)

    def update(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add what a dict, by its names in order of the alphabet, or what pairs of name and value hold."""
        ordered = not isinstance(other, Mapping) or isinstance(other, OrderedDict)
        super().update(other if ordered else sorted(other.items()))  # type: ignore[union-attr]

    def __or__(self, other: ParameterDict) -> ParameterDict:
        new = self.copy()
        new.update(other.items())
        return new

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other.items())
        return self

    def clear(self) -> None:
        """Remove everything."""
        for key in [*self._names]:
            del self[key]

    def pop(self, key: str, *default: Any) -> Any:
        """Take out what has this name."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out what was put in last: its name and itself."""
        if not self._names:
            raise KeyError("ParameterDict.popitem: it is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What has this name; if nothing has, the default, put in."""
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self) -> ParameterDict:
        """Another one, with the same parameters."""
        return type(self)(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Another one, with the default under each of these names."""
        return type(self)(dict.fromkeys(keys, default))
