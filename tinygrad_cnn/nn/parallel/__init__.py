"""Several ranks or devices: DistributedDataParallel, which trains on many processes, and PyTorch's older names.

Those spread a batch over the devices of one process; on the one device here, they call the module.
"""

from __future__ import annotations

from typing import Any

from ..distributed import DistributedDataParallel as DistributedDataParallel
from ..module import Module


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict | None = None,
) -> Any:
    """module(*inputs): with one device there is nothing to spread over.

    >>> import tinygrad_cnn as tg
    >>> data_parallel(tg.nn.ReLU(), tg.tensor([-1.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DataParallel(Module):
    """A module under the name `module`, so that the paths of its state are what scripts expect.

    >>> import tinygrad_cnn as tg
    >>> net = tg.nn.DataParallel(tg.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0):
        super().__init__()
        self.module = module
        self.device_ids: list = []  # of the devices that there are

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
