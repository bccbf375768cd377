"""What torchvision's own files of networks import beside layers: how they name weights and register their builders.

They are `vision.models._api` and `vision.models._utils` to such a file, which then runs here as it stands. Weights have
names and say where they would be; nothing downloads them.
"""

from __future__ import annotations

import enum
import functools
import inspect
import typing
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import nn
from ..engine.tensor import Tensor
from ..pytorch.sentences import refusal
from .transforms import InterpolationMode as InterpolationMode  # files take it from beside the transforms


@dataclass
class Weights:
    """Where trained weights are, the transforms that they expect, and what is known of them."""

    url: str
    transforms: Callable
    meta: dict[str, Any]


class WeightsEnum(enum.Enum):
    """The trained weights that there are of one network, each of them a Weights."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """The member that is meant: itself, or its name. None stays None; a TypeError for a member of another."""
        if isinstance(obj, str):
            return cls[obj.removeprefix(f"{cls.__name__}.")]
        if obj is not None and not isinstance(obj, cls):
            given = type(obj).__name__
            raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received {given}.")
        return obj

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict:
        """Raise a RuntimeError: nothing is downloaded."""
        raise RuntimeError(
            f"{self!r} would be downloaded from {self.url}, which this library does not do; build the network with "
            "weights=None and load a state_dict that you have: model.load_state_dict(tinygrad_cnn.load(path))"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


def register_model(name: str | None = None) -> Callable[[Callable], Callable]:
    """A decorator of builders that leaves them as they are: `models.get_model` knows those of this library."""
    return lambda builder: builder


def _get_enum_from_fn(fn: Callable) -> type[WeightsEnum]:
    """The class of the weights that a builder takes, by its annotation. ValueError where it names none."""
    parameter = inspect.signature(fn).parameters.get("weights")
    told = parameter.annotation if parameter else None
    for one in (told, *typing.get_args(told)):
        if isinstance(one, type) and issubclass(one, WeightsEnum):
            return one
    raise ValueError(f"{fn.__name__}: its argument weights names no class of weights")


def handle_legacy_interface(**weights: tuple[str, Any]) -> Callable[[Callable], Callable]:
    """Let a builder take `pretrained=` as well, with torchvision's warning: True means the default weights.

    weights: for each parameter of weights, the old parameter's name, and the weights that True stood for or a function
    of the arguments that gives them.
    """

    def decorated(builder: Callable) -> Callable:
        named = [p.name for p in inspect.signature(builder).parameters.values() if p.kind is p.KEYWORD_ONLY]

        @functools.wraps(builder)
        def build(*args: Any, **kwargs: Any) -> Any:
            count = len(inspect.signature(builder).parameters) - len(named) - 1  # **kwargs is one as well
            args, late = args[: max(count, 0)], args[max(count, 0) :]
            kwargs.update(zip(named, late))
            for parameter, (old, default) in weights.items():
                given = kwargs.get(parameter)
                if old in kwargs or isinstance(given, bool):
                    kwargs.setdefault(old, given)
                    kwargs[parameter] = _meant(parameter, old, default, kwargs)
                    del kwargs[old]
            return builder(*args, **kwargs)

        return build

    return decorated


def _meant(parameter: str, old: str, default: Any, kwargs: dict) -> Any:
    meant = (default(kwargs) if callable(default) else default) if kwargs[old] else None
    warnings.warn(
        f"The parameter '{old}' is deprecated since 0.13 and may be removed in the future, please use '{parameter}' "
        f"instead: {parameter}={meant}",
        stacklevel=4,
    )
    return meant


def _ovewrite_named_param(kwargs: dict[str, Any], param: str, new_value: Any) -> None:
    """Set an argument that weights ask for. ValueError where another value was given."""
    _ovewrite_value_param(param, kwargs.setdefault(param, new_value), new_value)


def _ovewrite_value_param(param: str, actual: Any, expected: Any) -> Any:
    """The value that weights ask for. ValueError where another one was given."""
    if actual is not None and actual != expected:
        raise ValueError(f"The parameter '{param}' expected value {expected} but got {actual} instead.")
    return expected


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` that is nearest to v, or the next one where that is below nine tenths of v."""
    near = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * v else near


class IntermediateLayerGetter(nn.ModuleDict):
    """The children of a model up to the last one that is asked for; called, it gives what those put out, by new names.

    return_layers: {name of the child: name of its output}. ValueError where there is no such child.
    """

    def __init__(self, model: nn.Module, return_layers: dict[str, str]):
        names = [name for name, _ in model.named_children()]
        if not set(return_layers) <= set(names):
            raise ValueError("return_layers are not present in model")
        last = max((names.index(name) for name in return_layers), default=0)
        super().__init__(OrderedDict(list(model.named_children())[: last + 1]))
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> OrderedDict:
        out = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out


def _preset(*args: Any, **kwargs: Any) -> Any:
    """The transforms that weights expect: named by them, and refused when they are made."""
    raise NotImplementedError(refusal("torchvision.models.Weights"))


ImageClassification = ObjectDetection = SemanticSegmentation = _preset
# What the classes of weights are called, which come with them.
_IMAGENET_CATEGORIES: list[str] = []
_COCO_CATEGORIES: list[str] = []
_COCO_PERSON_CATEGORIES: list[str] = []
_COCO_PERSON_KEYPOINT_NAMES: list[str] = []
_VOC_CATEGORIES: list[str] = []
