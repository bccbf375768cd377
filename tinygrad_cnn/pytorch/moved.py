"""PyTorch's files that have another place here: their import paths lead to where their names stand.

    from torch.nn.modules.batchnorm import _BatchNorm      # nn/norm.py
    import torch.utils.data.dataloader                     # data/loader.py

`MOVED` says for each path which modules are looked through for a name, one after the other. The modules that are made
of it hold nothing themselves; `standins.py` makes them when a path is imported, or asked for as an attribute. Type
checkers, which run nothing, read stubs of them (`testing/stubs.py`).
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from .names import ours, theirs
from .sentences import refusal

_LAYERS = """
    torch.nn torch.nn.module torch.nn.container torch.nn.conv torch.nn.norm torch.nn.pool torch.nn.loss torch.nn.linear
    torch.nn.activation torch.nn.dropout torch.nn.embedding torch.nn.shape torch.nn.lazy torch.nn.rnn torch.nn.parameter
"""
_FILES_OF_LAYERS = """
    activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy linear
    loss normalization padding pixelshuffle pooling rnn sparse transformer upsampling
""".split()
_MODELS = "alexnet densenet googlenet inception mobilenet mobilenetv2 resnet squeezenet vgg".split()
_DATA = "torch.data torch.data.loader torch.data.collate torch.data.workers torch.data.dataset torch.data.sampler"

MOVED: dict[str, str] = {
    "torch._tensor": "torch.engine.tensor",
    "torch.autograd.gradcheck": "torch.autograd.numerical",
    **dict.fromkeys([f"torch.amp.{name}" for name in ("autocast_mode", "grad_scaler")], "torch.amp"),
    **dict.fromkeys([f"torch.cuda.amp{name}" for name in ("", ".autocast_mode", ".grad_scaler")], "torch.amp"),
    "torch.functional": "torch",
    "torch.nn.common_types": "torch.utils.types",
    "torch.nn.modules": _LAYERS,
    "torch.nn.modules.module": f"{_LAYERS} torch.nn.hooks",
    "torch.nn.modules.utils": "torch.utils.types",
    **dict.fromkeys([f"torch.nn.modules.{name}" for name in _FILES_OF_LAYERS], _LAYERS),
    **dict.fromkeys([f"torch.nn.parallel.{name}" for name in ("data_parallel", "distributed")], "torch.nn.parallel"),
    "torch.optim.adamw": "torch.optim",
    "torch.profiler.profiler": "torch.profiler",
    "torch.special": "torch",
    "torch.types": "torch.utils.types",
    **dict.fromkeys(
        [f"torch.utils.data.{name}" for name in ("dataloader", "dataset", "sampler", "distributed")], _DATA
    ),
    **dict.fromkeys([f"torch.utils.data._utils{name}" for name in ("", ".collate", ".worker", ".fetch")], _DATA),
    "torch.utils.hooks": "torch.nn.hooks",
    "torch.version": "torch.pytorch.version",
    **dict.fromkeys([f"torchvision.models.{name}" for name in _MODELS], "torchvision.models"),
    "torchvision.models._api": "torchvision.weights",
    "torchvision.models._meta": "torchvision.weights",
    "torchvision.models._utils": "torchvision.weights",
    "torchvision.transforms._presets": "torchvision.weights",
    "torchvision.transforms.transforms": "torchvision.transforms",
}

# What is called otherwise here: by its path, or by its name, as base classes of layers are; and those that are not.
NAMES = {
    **{name: name for name in ("_BatchNorm", "_InstanceNorm", "_Loss", "_WeightedLoss")},
    **{f"torch.cuda.amp{file}GradScaler": "cuda_GradScaler" for file in (".", ".grad_scaler.")},
    **{f"torch.cuda.amp{file}autocast": "cuda_autocast" for file in (".", ".autocast_mode.")},
    "torch.special.expit": "sigmoid",
    "torch.special.gammainc": "igamma",
    "torch.special.gammaincc": "igammac",
    "torch.special.gammaln": "lgamma",
    "torch.special.multigammaln": "mvlgamma",
    "torch.special.psi": "digamma",
    "torch.utils.hooks.RemovableHandle": "Handle",
    "_AdaptiveAvgPoolNd": "_AdaptiveAvgPool",
    "_ConvNd": "_Conv",
    "_ConvTransposeNd": "_ConvTranspose",
    "_DropoutNd": "_Dropout",
    "_LPPoolNd": "_LPPool",
    "_MaxPoolNd": "_MaxPool",
    "_NormBase": "_WithStatistics",
}


class Moved(ModuleType):
    """A module whose names stand elsewhere. Where `import` puts it in the place of a function, it is that one, too."""

    __wrapped__: Any = None

    def __init__(self, name: str):
        super().__init__(name, f"Names that stand elsewhere: {' '.join(MOVED[theirs(name)].split())}")
        parent, _, child = name.rpartition(".")
        self.__wrapped__ = vars(importlib.import_module(parent)).get(child)

    def __getattr__(self, name: str) -> Any:
        path = theirs(self.__name__)
        homes = [importlib.import_module(ours(home)) for home in MOVED[path].split()]
        if name == "__all__":
            return [n for n in dir(homes[0]) if n[0] != "_"]
        if name.startswith("__") and name != "__version__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if f"{path}.{name}" in MOVED:
            return importlib.import_module(f"{self.__name__}.{name}")
        mine = NAMES.get(f"{path}.{name}") or NAMES.get(name, name)
        for home in homes:
            if (found := vars(home).get(mine)) is not None:
                return self.__wrapped__ if found is self else found
        return getattr(homes[0], mine)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self.__all__]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self.__wrapped__ or getattr(self, self.__name__.rpartition(".")[2])
        if function is None:
            raise NotImplementedError(refusal(theirs(self.__name__)))
        return function(*args, **kwargs)
