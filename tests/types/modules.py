"""What type checkers make of modules, data, optimizers and decorators: a line says what it is, or that it is wrong."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn, no_grad, ones, optim
from tinygrad_cnn.autograd import detect_anomaly
from tinygrad_cnn.autograd.function import once_differentiable
from tinygrad_cnn.data import Digits
from tinygrad_cnn.kernels import use
from tinygrad_cnn.nn.modules.batchnorm import _BatchNorm
from tinygrad_cnn.nn.modules.conv import Conv2d, _ConvNd
from tinygrad_cnn.nn.modules.utils import _pair
from tinygrad_cnn.nn.parallel.data_parallel import DataParallel
from tinygrad_cnn.nn.utils import clip_grad_norm_
from tinygrad_cnn.optim.lr_scheduler import StepLR
from tinygrad_cnn.types import Number
from tinygrad_cnn.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_cnn.vision import transforms
from tinygrad_cnn.vision.datasets import MNIST


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.body = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
        self.heads = nn.ModuleList([nn.Linear(10, 10)])
        self.named = nn.ModuleDict({"relu": nn.ReLU()})
        self.scales = nn.ParameterList([ones(2)])

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.conv(x))


net = Net()
reveal_type(net.conv.weight)  # is: Parameter
reveal_type(net.to("cpu").train().eval().requires_grad_(False))  # is: Net
reveal_type(net.double().apply(print))  # is: Net
reveal_type(net(ones(1, 1, 8, 8)))  # is: Any
reveal_type(net.parameters())  # is: Iterator[Parameter]
reveal_type(net.named_parameters())  # is: Iterator[tuple[str, Parameter]]
reveal_type(net.named_buffers())  # is: Iterator[tuple[str, Tensor]]
reveal_type(net.named_modules())  # is: Iterator[tuple[str, Module]]
reveal_type(net.state_dict())  # is: dict[str, Tensor]
reveal_type(net.register_forward_hook(lambda module, args, output: None))  # is: Handle
reveal_type(net.register_full_backward_hook(lambda module, given, made: None))  # is: Handle
reveal_type(net.body[0])  # is: Module
reveal_type(net.body[:2])  # is: Sequential
reveal_type(list(net.body))  # is: list[Module]
reveal_type(net.heads[0])  # is: Module
reveal_type(net.heads[1:].append(nn.ReLU()))  # is: ModuleList
reveal_type(net.named["relu"])  # is: Module
reveal_type(list(net.named.items()))  # is: list[tuple[str, Module]]
reveal_type(net.scales[0])  # is: Parameter
reveal_type(list(net.scales))  # is: list[Parameter]
reveal_type(nn.ParameterDict({"a": ones(2)})["a"])  # is: Parameter
reveal_type(clip_grad_norm_(net.parameters(), max_norm=1.0))  # is: Tensor
nn.Sequential(OrderedDict(first=nn.ReLU()))
nn.Conv2d(1, 8, kernel=3)  # wrong
nn.Linear(2, 3, biass=False)  # wrong
nn.Sequential("relu")  # wrong
nn.Dropout("half")  # wrong
nn.Conv2d(1, 8, "3")  # wrong
nn.MaxPool2d(2, stride=0.5)  # wrong
nn.AdaptiveAvgPool2d((1, None))
nn.LayerNorm([8, 8], dtype=tg.float64)
net.train("yes")  # wrong

opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
optim.AdamW([{"params": net.conv.parameters(), "lr": 0.1}, {"params": net.body.parameters()}], lr=0.01)
optim.Adam(net.named_parameters())
reveal_type(opt.step())  # is: None
reveal_type(opt.step(lambda: 0.5))  # is: float
reveal_type(opt.param_groups)  # is: list[dict[str, Any]]
reveal_type(StepLR(opt, step_size=2).get_last_lr())  # is: list[float]
optim.SGD(net.parameters(), lrr=0.1)  # wrong
optim.SGD([0.1], lr=0.1)  # wrong
StepLR(net, 2)  # wrong


class Squares(Dataset[tuple[Tensor, int]]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return ones(2), index


class Bare(Dataset):
    def __getitem__(self, index):
        return {"x": index}


def to_dict(batch: list[tuple[Tensor, int]]) -> dict[str, Tensor]:
    return {"x": batch[0][0]}


for images, labels in DataLoader(Digits(train=True), batch_size=64, shuffle=True):
    reveal_type(images)  # is: Tensor
    reveal_type(labels)  # is: Tensor
reveal_type(DataLoader(Squares(), 2))  # is: DataLoader[list[Tensor]]
reveal_type(DataLoader(MNIST("data", transform=transforms.ToTensor()), 2))  # is: DataLoader[list[Tensor]]
reveal_type(DataLoader(TensorDataset(ones(2), np.zeros(2))))  # is: DataLoader[list[Tensor]]
reveal_type(DataLoader(Subset(Squares(), [0, 1])))  # is: DataLoader[list[Tensor]]
reveal_type(DataLoader(Squares(), 2, collate_fn=to_dict))  # is: DataLoader[dict[str, Tensor]]
reveal_type(DataLoader(Bare(), 2))  # is: DataLoader[Any]
reveal_type(DataLoader(Squares(), batch_size=None))  # is: DataLoader[Any]
reveal_type(DataLoader([1, 2, 3]))  # is: DataLoader[Any]
reveal_type(Squares()[0])  # is: tuple[Tensor, int]
reveal_type(random_split(Squares(), [0.5, 0.5]))  # is: list[Subset[tuple[Tensor, int]]]
reveal_type(ConcatDataset([Squares(), Squares()])[0])  # is: tuple[Tensor, int]
reveal_type(list(RandomSampler(Squares())))  # is: list[int]
reveal_type(list(BatchSampler(range(4), 2, False)))  # is: list[list[Any]]
reveal_type(transforms.Normalize((0.5,), (0.5,))(ones(1, 2, 2)))  # is: Any
DataLoader(Squares(), batchsize=2)  # wrong
reveal_type(transforms.RandomHorizontalFlip()(ones(3, 4, 4)))  # is: Any
reveal_type(transforms.functional.resize(ones(3, 4, 4), (2, 2)))  # is: Tensor
transforms.Resize(size=2, antialiased=True)  # wrong
transforms.Pad("1")  # wrong

base: _ConvNd = Conv2d(1, 8, 3)
number: Number = 0.5
sides: tuple = _pair(3)
reveal_type(Conv2d(1, 8, 3).weight)  # is: Parameter
reveal_type(DataParallel(net).module)  # is: Module
Conv2d(1, 8, kernel=3)  # wrong
_BatchNorm(8, epsilon=1e-5)  # wrong


@no_grad()
def predict(x: Tensor, *, k: int = 1) -> tuple[Tensor, int]:
    return x, k


@no_grad
def without_brackets(x: Tensor, *, k: int = 1) -> tuple[Tensor, int]:
    return x, k


@tg.enable_grad
@tg.inference_mode
@tg.inference_mode(False)
@tg.set_grad_enabled(True)
@detect_anomaly()
@use("numpy")
@tg.compile
@tg.compile(mode="default")
def many(x: Tensor, *, k: int = 1) -> tuple[Tensor, int]:
    return x, k


class Backward:
    @staticmethod
    @once_differentiable
    def backward(ctx: object, g: Tensor) -> Tensor:
        return g


reveal_type(predict(ones(1)))  # is: tuple[Tensor, int]
reveal_type(without_brackets(ones(1)))  # is: tuple[Tensor, int]
reveal_type(many(ones(1), k=2))  # is: tuple[Tensor, int]
reveal_type(Backward.backward(None, ones(1)))  # is: Tensor
reveal_type(tg.compile(net))  # is: Net
predict(ones(1), kk=2)  # wrong
without_brackets("x")  # wrong
many(ones(1), k="2")  # wrong
with no_grad(), tg.set_grad_enabled(True), tg.inference_mode(False):
    pass
