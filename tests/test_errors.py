"""Wrong calls: what is raised, that it says which op, what was given and what helps, and that nothing was changed.

A message that comes from deep inside NumPy is a defect, so no row may be raised in another package.
"""

from __future__ import annotations

import io
import traceback
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.utils.data import DataLoader, Subset, TensorDataset, random_split

nan = float("nan")


class Things:
    """Tensors of all kinds, made anew for each row."""

    def __init__(self):
        draw = np.random.RandomState(0)
        self.x = tg.tensor(draw.randn(2, 3).astype(np.float32), requires_grad=True)
        self.y = tg.tensor(draw.randn(4, 5).astype(np.float32))
        self.i = tg.tensor([[1, 2, 3], [4, 5, 6]])
        self.b = self.i > 2
        self.image = tg.tensor(draw.randn(2, 3, 8, 8).astype(np.float32))
        self.weight = tg.tensor(draw.randn(4, 3, 3, 3).astype(np.float32))
        self.logits = tg.tensor(draw.randn(2, 3).astype(np.float32), requires_grad=True)
        self.classes = tg.tensor([0, 2])
        self.layer = nn.Linear(3, 2)
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
        self.optimizer = optim.SGD(self.layer.parameters(), lr=0.1)
        self.data = TensorDataset(tg.zeros(4, 2), tg.zeros(4))

    def state(self):
        """All values, as they are now."""
        tensors = [v for v in vars(self).values() if isinstance(v, tg.Tensor)]
        tensors += [*self.layer.state_dict().values(), *self.net.state_dict().values()]
        return [t.detach().numpy().copy() for t in tensors], [t.grad for t in tensors], self.optimizer.state_dict()


# A call; the class of its error; words of its message: the op, what was given, what helps.

CALLS = [
    # creation
    (lambda t: tg.tensor([[1, 2], [3]]), ValueError, "tensor: length 2 1 one length"),
    (lambda t: tg.tensor("a"), TypeError, "tensor: str numbers"),
    (lambda t: tg.tensor(None), TypeError, "tensor: NoneType"),
    (lambda t: tg.tensor([1, None]), TypeError, "tensor: NoneType"),
    (lambda t: tg.tensor([300], dtype=tg.uint8), RuntimeError, "tensor: 300 uint8 dtype="),
    (lambda t: tg.tensor(1, requires_grad=True), RuntimeError, "floating int64 .float()"),
    (lambda t: tg.zeros(-1), RuntimeError, "zeros: negative -1"),
    (lambda t: tg.zeros(2.5), TypeError, "zeros: ints 2.5"),
    (lambda t: tg.zeros("3"), TypeError, "zeros: ints '3'"),
    (lambda t: tg.zeros(2, size=(2,)), TypeError, "zeros: size="),
    (lambda t: tg.zeros(2, device="cuda"), RuntimeError, "cuda CPU"),
    (lambda t: tg.Tensor("x"), TypeError, "Tensor: tensor(...)"),
    (lambda t: tg.arange(0, 5, 0), RuntimeError, "arange: step zero"),
    (lambda t: tg.arange(5, 0), RuntimeError, "arange: 5 0 sign"),
    (lambda t: tg.arange("x"), TypeError, "arange: numbers 'x'"),
    (lambda t: tg.linspace(0, 1, -1), RuntimeError, "linspace: -1"),
    (lambda t: tg.eye(-1), RuntimeError, "eye: -1"),
    (lambda t: tg.from_numpy([1, 2]), TypeError, "from_numpy: ndarray list"),
    (lambda t: tg.randint(5, 5, (2,)), RuntimeError, "randint: 5"),
    (lambda t: tg.randn(2, dtype=tg.int64), RuntimeError, "randn: floating int64 randint"),
    (lambda t: tg.randperm(-1), RuntimeError, "randperm: -1"),
    (lambda t: tg.manual_seed("x"), TypeError, "manual_seed: int str"),
    (lambda t: tg.ones_like(3), TypeError, "Tensor int"),
    (lambda t: tg.bernoulli(tg.tensor([2.0])), RuntimeError, "bernoulli 0 1"),
    (lambda t: tg.multinomial(tg.tensor([0.5, 0.5]), 3), RuntimeError, "multinomial 3"),
    # by the words of annotations
    (lambda t: tg.maximum(2, 3), TypeError, "maximum: input Tensor int"),
    (lambda t: tg.maximum(t.y, np.float32(1)), TypeError, "maximum: other Tensor float32"),
    (lambda t: tg.sum(t.y, 0, tg.tensor(True)), TypeError, "sum: keepdim bool Tensor ()"),
    (lambda t: tg.sum(t.y, tg.tensor([0, 1])), TypeError, "sum: dim int tuple Tensor (2,)"),
    (lambda t: tg.quantile(t.y, 0.5, keepdim=tg.tensor([1])), TypeError, "quantile: keepdim bool Tensor (1,)"),
    (lambda t: tg.addmm(t.y, t.y, t.y, beta=tg.tensor([1.0])), TypeError, "addmm: beta float Tensor (1,)"),
    (lambda t: F.leaky_relu(t.y, t.y), TypeError, "leaky_relu: negative_slope float Tensor (4, 5)"),
    (lambda t: tg.reshape(t.y, 20), TypeError, "reshape: shape tuple 20"),
    (lambda t: tg.reshape(t.y, tg.tensor([20])), TypeError, "reshape: shape tuple Tensor (1,)"),
    (lambda t: tg.flip(t.y, 0), TypeError, "flip: dims tuple 0"),
    (lambda t: tg.cat(t.y), TypeError, "cat: tensors tuple Tensor (4, 5)"),
    (lambda t: tg.cat([np.float32(1), t.y]), TypeError, "cat: element 0 float32"),
    (lambda t: tg.linalg.multi_dot(t.y), TypeError, "multi_dot: tensors tuple"),
    (lambda t: tg.zeros(2, dtype={}), TypeError, "zeros: dtype {}"),
    (lambda t: tg.cumsum(t.y, 0, dtype=np.float32(1)), TypeError, "cumsum: dtype np.float32"),
    (lambda t: t.y.float(memory_format=3), TypeError, "memory_format 3"),
    (lambda t: tg.bernoulli(0.5), TypeError, "bernoulli: input Tensor 0.5"),
    (lambda t: t.y.to(tg.float64, None), TypeError, "to: device dtype flags None"),
    (lambda t: t.y.to("cpu", True), TypeError, "to: dtype True"),
    (lambda t: tg.max(t.y, 0, 1), TypeError, "max: keepdim bool 1"),
    (lambda t: tg.linalg.cross(tg.ones(3), tg.ones(3).double()), RuntimeError, "cross: float32 float64"),
    (lambda t: tg.meshgrid(tg.ones(2), tg.arange(2), indexing="ij"), RuntimeError, "meshgrid: dtype float32 int64"),
    (lambda t: tg.meshgrid([], indexing="ij"), RuntimeError, "meshgrid: none"),
    (lambda t: tg.nextafter(tg.ones(2), tg.ones(3)), RuntimeError, "nextafter: broadcast (2,) (3,)"),
    (lambda t: tg.split(tg.tensor(1), 1), RuntimeError, "split: one axis"),
    (lambda t: tg.index_copy(t.y, 0, tg.tensor([0, 1]), t.y[:1]), IndexError, "index_copy: (2, 5) (1, 5)"),
    (lambda t: tg.kl_div(t.y, t.y, "mean"), TypeError, "kl_div: reduction 0 1 2 'mean'"),
    (lambda t: tg.batch_norm(t.y, None, None), TypeError, "batch_norm: running_mean cudnn_enabled"),
    (lambda t: tg.embedding(tg.tensor([1]), t.y), RuntimeError, "embedding: int64 float32"),
    # elementwise
    (lambda t: t.x + t.y, RuntimeError, "add: (2, 3) (4, 5) broadcast"),
    (lambda t: t.x + "a", TypeError, "unsupported 'Tensor' 'str'"),
    (lambda t: t.x * None, TypeError, "unsupported 'Tensor' 'NoneType'"),
    (lambda t: tg.exp(None), TypeError, "exp: input Tensor NoneType"),
    (lambda t: tg.exp([1.0]), TypeError, "exp: input list tensor(...)"),
    (lambda t: tg.mul(t.x, "a"), TypeError, "mul: other Tensor str"),
    (lambda t: F.relu(None), TypeError, "relu: Tensor NoneType"),
    (lambda t: F.gelu(t.i), RuntimeError, "gelu: int64 .float()"),
    (lambda t: F.gelu(t.x, approximate="x"), RuntimeError, "gelu: 'none' 'tanh' 'x'"),
    (lambda t: -t.b, RuntimeError, "neg: bool logical_not"),
    (lambda t: t.b - t.b, RuntimeError, "sub: bool logical_xor"),
    (lambda t: t.i // 0, RuntimeError, "zero .float()"),
    (lambda t: t.i**-1, RuntimeError, "pow: negative .float()"),
    (lambda t: tg.clamp(t.x), RuntimeError, "clamp: min max"),
    (lambda t: tg.where(t.i, t.x, t.x), RuntimeError, "where: bool int64 !="),
    (lambda t: ~t.x, RuntimeError, "bitwise_not: float32 .long()"),
    (lambda t: tg.div(t.x, 2, rounding_mode="up"), RuntimeError, "div: 'trunc' 'floor' 'up'"),
    (lambda t: t.x.add(1, 2), TypeError, "add"),
    (lambda t: tg.isclose(t.x, t.i), RuntimeError, "isclose: float32 int64 convert"),
    # reductions
    (lambda t: t.x.sum(5), IndexError, "sum: dim 5 2 axes -2 1"),
    (lambda t: t.x.sum("x"), TypeError, "sum: dim 'x' str"),
    (lambda t: t.x.sum(0, 1), TypeError, "sum: keepdim dim=(0, 1)"),
    (lambda t: t.x.sum((0, 0)), RuntimeError, "sum: axis 0 more than once"),
    (lambda t: t.x.sum(foo=1), TypeError, "sum: foo input, dim, keepdim"),
    (lambda t: t.i.mean(), RuntimeError, "mean: int64 .float()"),
    (lambda t: tg.zeros(0).max(), RuntimeError, "no elements"),
    (lambda t: tg.zeros(0).argmax(), IndexError, "argmax: no elements"),
    (lambda t: t.i.std(), RuntimeError, "int64 .float()"),
    (lambda t: tg.topk(t.x, 9), RuntimeError, "topk: 9"),
    (lambda t: F.softmax(t.i, 0), RuntimeError, "softmax: int64 .float()"),
    # shapes and places
    (lambda t: t.x.view(4, 4), RuntimeError, "(4, 4) (2, 3) 6"),
    (lambda t: t.x.view(-1, -1), RuntimeError, "reshape: single -1"),
    (lambda t: t.x.T.view(6), RuntimeError, "view: strides .reshape .contiguous()"),
    (lambda t: t.x.permute(0), RuntimeError, "permute: (0,) 2 axes"),
    (lambda t: t.x.transpose(0, 3), IndexError, "transpose: dim 3"),
    (lambda t: t.x.expand(4, 3), RuntimeError, "expand: (2, 3) (4, 3)"),
    (lambda t: t.x.unsqueeze(5), IndexError, "unsqueeze: dim 5"),
    (lambda t: tg.cat([t.x, t.y]), RuntimeError, "cat: (2, 3) (4, 5)"),
    (lambda t: tg.cat([]), ValueError, "cat: non-empty"),
    (lambda t: tg.cat(t.x), TypeError, "cat: tuple Tensor"),
    (lambda t: tg.stack([t.x, t.y]), RuntimeError, "stack: (2, 3) (4, 5)"),
    (lambda t: tg.split(t.x, [1, 5]), RuntimeError, "[1, 5] 2 (2, 3)"),
    (lambda t: t.x[5], IndexError, "index 5 (2, 3)"),
    (lambda t: t.x[0, 0, 0], IndexError, "3 indices (2, 3)"),
    (lambda t: t.x["a"], TypeError, "index str"),
    (lambda t: t.x[::-1], ValueError, "step flip"),
    (lambda t: t.x[tg.tensor([7])], IndexError, "(2, 3)"),
    (lambda t: t.x[tg.tensor([0.5])], IndexError, "float32"),
    (lambda t: tg.gather(t.x, 1, t.x), RuntimeError, "gather: float32 .long()"),
    (lambda t: t.x.masked_fill(t.i, 0), RuntimeError, "masked_fill: bool int64"),
    (lambda t: F.one_hot(t.classes, 2), RuntimeError, "one_hot: 2"),
    (lambda t: F.pad(t.x, (1,)), RuntimeError, "pad: (1,)"),
    (lambda t: list(tg.tensor(1.0)), TypeError, "0-d"),
    (lambda t: bool(t.x), RuntimeError, "ambiguous .any() .all()"),
    (lambda t: t.x.item(), RuntimeError, "item: 6 elements"),
    # in place
    (lambda t: t.x.add_(1), RuntimeError, "add_: leaf no_grad()"),
    (lambda t: t.x.__setitem__(0, 1.0), RuntimeError, "leaf no_grad()"),
    (lambda t: t.y.add_(tg.zeros(2, 4, 5)), RuntimeError, "add_: (4, 5) (2, 4, 5)"),
    (lambda t: t.i.add_(0.5), RuntimeError, "add_: float32 int64 convert"),
    (lambda t: t.y.__setitem__(0, tg.ones(3)), RuntimeError, "setitem: (3,) (5,)"),
    (lambda t: t.y.__setitem__(0, "a"), TypeError, "setitem: str"),
    (lambda t: t.y.__setitem__(9, 0.0), IndexError, "9 (4, 5)"),
    (lambda t: t.y.__setitem__(t.y > 0, tg.ones(2, 2, 2)), RuntimeError, "setitem: (2, 2, 2)"),
    (lambda t: t.y.copy_(t.image), RuntimeError, "(2, 3, 8, 8) (4, 5)"),
    (lambda t: t.y[0].expand(3, 5).add_(1), RuntimeError, "add_: .clone()"),
    (lambda t: tg.mm(t.y, t.y.T, out=tg.zeros(0, dtype=tg.float64)), RuntimeError, "mm: out float32 float64"),
    (lambda t: tg.add(t.x, 1, out=tg.zeros(2, 3)), RuntimeError, "add: out= no_grad"),
    (lambda t: t.y.uniform_(2, 1), RuntimeError, "uniform_: 2 1"),
    (lambda t: t.y.normal_(0, -1), RuntimeError, "normal_: -1"),
    # complex numbers
    (lambda t: tg.tensor([1j], requires_grad=True), RuntimeError, "requires_grad: complex64"),
    (lambda t: tg.tensor([1j]).requires_grad_(), RuntimeError, "complex64 detach()"),
    (lambda t: nn.Parameter(tg.tensor([1j])), RuntimeError, "complex64"),
    (lambda t: t.x * 1j, RuntimeError, "mul: complex64 detach()"),
    (lambda t: t.x.to(tg.tensor(1j).dtype), RuntimeError, "complex64"),
    (lambda t: tg.where(t.x > 0, t.x, tg.tensor(1j)), RuntimeError, "where: complex64"),
    (lambda t: tg.tensor([1j, 2j, 3j]).mul_(t.x[0]), RuntimeError, "complex64"),
    (lambda t: t.layer.to(tg.tensor(1j).dtype), TypeError, "complex64"),
    (lambda t: setattr(t.x, "data", tg.tensor([1j])), RuntimeError, "Tensor.data: complex64"),
    (lambda t: setattr(t.x, "data", t.i), RuntimeError, "Tensor.data: int64 .float()"),
    # ints that are none
    (lambda t: t.x.topk(True), TypeError, "topk: k True"),
    (lambda t: t.x.kthvalue(1.0), TypeError, "kthvalue: k 1.0"),
    (lambda t: t.x.chunk(True), TypeError, "chunk: chunks True"),
    (lambda t: t.x.split(1.0), TypeError, "split: split_size 1.0"),
    (lambda t: t.x.tril(1.0), TypeError, "tril: diagonal 1.0"),
    (lambda t: t.x.triu(True), TypeError, "triu: diagonal True"),
    (lambda t: t.x.diagonal(1.0), TypeError, "diagonal: offset 1.0"),
    (lambda t: t.x.select(0, True), TypeError, "select: index True"),
    (lambda t: t.x.narrow(0, 0, 1.0), TypeError, "narrow: length 1.0"),
    (lambda t: t.x.unfold(0, True, 1), TypeError, "unfold: size True"),
    (lambda t: t.x.softmax(True), TypeError, "dim True"),
    (lambda t: t.x.tensor_split(tg.tensor([0.5])), RuntimeError, "tensor_split: int64"),
    # autograd
    (lambda t: t.x.backward(), RuntimeError, "scalar (2, 3) gradient"),
    (lambda t: t.y.sum().backward(), RuntimeError, "require grad no_grad"),
    (lambda t: (t.x * 2).backward(tg.ones(3)), RuntimeError, "(3,) (2, 3)"),
    (lambda t: [s.backward() for s in [t.x.exp().sum()] * 2], RuntimeError, "second time retain_graph=True"),
    (lambda t: tg.autograd.grad(t.x.sum(), t.y), RuntimeError, "grad"),
    (lambda t: tg.autograd.grad(t.x.sum(), t.logits), RuntimeError, "allow_unused=True"),
    (lambda t: t.x.numpy(), RuntimeError, "numpy() detach()"),
    (lambda t: t.i.requires_grad_(), RuntimeError, "floating int64"),
    (lambda t: (t.x * 1).requires_grad_(False), RuntimeError, "leaf detach()"),
    (lambda t: t.y.register_hook(print), RuntimeError, "register_hook: gradient"),
    (lambda t: t.x.register_hook(3), TypeError, "register_hook: callable int"),
    # products, convolutions, pooling
    (lambda t: t.x @ t.y, RuntimeError, "matmul: (2, 3) (4, 5)"),
    (lambda t: t.x @ tg.tensor(2.0), RuntimeError, "matmul: () *"),
    (lambda t: tg.tensor(2.0) @ t.x, RuntimeError, "matmul: () *"),
    (lambda t: t.x @ t.i.T, RuntimeError, "matmul: float32 int64"),
    (lambda t: tg.einsum("ij,jk->ik", t.x, t.y), RuntimeError, "einsum"),
    (lambda t: tg.bmm(t.x, t.x), RuntimeError, "bmm: (2, 3)"),
    (lambda t: F.linear(t.y, t.x), RuntimeError, "linear: (4, 5) (2, 3)"),
    (lambda t: F.linear("a", t.x), TypeError, "linear: input Tensor str"),
    (lambda t: F.conv2d(t.image, tg.zeros(4, 2, 3, 3)), RuntimeError, "conv2d: 3 channels 2 groups"),
    (lambda t: F.conv2d(t.x, t.weight), RuntimeError, "conv2d: (2, 3)"),
    (lambda t: F.conv2d(None, t.weight), TypeError, "conv2d: input Tensor NoneType"),
    (lambda t: F.conv2d(t.image.double(), t.weight), RuntimeError, "conv2d: float64 float32"),
    (lambda t: F.conv2d(t.image, t.weight, tg.zeros(3)), RuntimeError, "conv2d: bias (3,)"),
    (lambda t: F.conv2d(t.image, t.weight, stride=0), RuntimeError, "conv2d: stride 0"),
    (lambda t: F.conv2d(t.image, t.weight, padding=-1), RuntimeError, "conv2d: padding -1"),
    (lambda t: F.conv2d(t.image, t.weight, padding="x"), RuntimeError, "conv2d: padding 'x'"),
    (lambda t: F.conv2d(t.image, t.weight, stride=(1, 2, 3)), RuntimeError, "conv2d: stride"),
    (lambda t: F.conv2d(t.image, t.weight, dilation=9), RuntimeError, "conv2d: (9, 9) (8, 8)"),
    (lambda t: F.conv2d(t.image, t.weight, groups=2), RuntimeError, "conv2d: groups 2"),
    (lambda t: F.max_pool2d(t.image, 9), RuntimeError, "max_pool2d: 9"),
    (lambda t: F.max_pool2d(t.image, 0), RuntimeError, "max_pool2d: 0"),
    (lambda t: F.max_pool2d(t.image, 2, padding=2), RuntimeError, "max_pool2d: padding 2 half"),
    (lambda t: F.max_pool2d(t.x, 2), RuntimeError, "max_pool2d: (2, 3)"),
    (lambda t: F.avg_pool2d(t.image, 2, divisor_override=0), RuntimeError, "avg_pool2d: divisor_override"),
    (lambda t: F.interpolate(t.image), ValueError, "interpolate: size scale_factor"),
    # losses, norms, dropout, embedding
    (lambda t: F.cross_entropy(t.logits, tg.tensor([0, 3])), IndexError, "cross_entropy: 3"),
    (lambda t: F.cross_entropy(t.logits, tg.tensor([0, -1])), IndexError, "cross_entropy: -1"),
    (lambda t: F.cross_entropy(t.logits, tg.tensor([0])), ValueError, "2 1"),
    (lambda t: F.cross_entropy(t.logits, tg.tensor([0.0, 1.0])), RuntimeError, "cross_entropy: float32 .long()"),
    (lambda t: F.cross_entropy(t.logits, None), TypeError, "cross_entropy: target NoneType"),
    (lambda t: F.cross_entropy(t.logits, t.classes, tg.ones(2)), RuntimeError, "cross_entropy: weight 3"),
    (lambda t: F.cross_entropy(t.logits, t.classes, reduction="x"), ValueError, "reduction x 'mean'"),
    (lambda t: F.cross_entropy(t.logits, t.classes, label_smoothing=2.0), RuntimeError, "label_smoothing 2.0"),
    (lambda t: F.mse_loss(t.x, 0.0), TypeError, "mse_loss: target Tensor float"),
    (lambda t: F.binary_cross_entropy(tg.tensor([2.0]), tg.tensor([1.0])), RuntimeError, "binary_cross_entropy: 0 1"),
    (lambda t: F.binary_cross_entropy(t.x, t.y), ValueError, "binary_cross_entropy: (2, 3) (4, 5)"),
    (lambda t: F.batch_norm(t.image[:1, :, :1, :1], None, None, training=True), ValueError, "more than 1 value"),
    (lambda t: F.layer_norm(t.x, (5,)), RuntimeError, "layer_norm: (5,) (2, 3)"),
    (lambda t: F.group_norm(t.image, 2), RuntimeError, "group_norm: 3 channels num_groups=2"),
    (lambda t: F.dropout(t.x, 1.5), ValueError, "dropout: p 0 1 1.5"),
    (lambda t: F.dropout(t.x, nan), ValueError, "dropout: p 0 1 nan"),
    (lambda t: F.dropout(t.x, None), TypeError, "dropout"),
    (lambda t: F.embedding(t.x.long() * 0 + 9, t.y), IndexError, "embedding: 9 4"),
    (lambda t: F.embedding(t.x, t.y), RuntimeError, "embedding: float32"),
    # layers
    (lambda t: nn.Linear(-1, 2), RuntimeError, "negative -1"),
    (lambda t: nn.Linear(2.5, 2), TypeError, "2.5"),
    (lambda t: nn.Conv2d(4, 5, 3, groups=2), ValueError, "groups 5"),
    (lambda t: nn.Conv2d(4, 4, 3, padding="x"), ValueError, "padding 'x'"),
    (lambda t: nn.Conv2d(4, 4, 3, stride=2, padding="same"), ValueError, "same strid"),
    (lambda t: nn.Dropout(-0.1), ValueError, "p -0.1 0 1"),
    (lambda t: nn.BatchNorm2d(3)(t.x), ValueError, "4 2"),
    (lambda t: nn.BatchNorm2d(5)(t.image), RuntimeError, "3 5"),
    (lambda t: t.net(t.image[:, :, :7]), RuntimeError, "linear: 144"),
    (lambda t: t.net(None), TypeError, "conv2d: input NoneType"),
    (lambda t: nn.Sequential(3), TypeError, "int"),
    (lambda t: nn.Sequential(nn.ReLU())[1], IndexError, "1"),
    (lambda t: nn.Parameter([1.0]), TypeError, "Parameter: list tensor"),
    (lambda t: nn.Parameter(t.i), RuntimeError, "floating int64"),
    (lambda t: t.layer.load_state_dict({"weight": tg.zeros(2, 3)}), RuntimeError, "bias"),
    (lambda t: t.layer.load_state_dict({"weight": tg.zeros(3, 2), "bias": tg.zeros(2)}), RuntimeError, "(3, 2) (2, 3)"),
    (lambda t: t.layer.load_state_dict({**t.layer.state_dict(), "z": tg.zeros(1)}), RuntimeError, "z"),
    (lambda t: t.layer.load_state_dict(None), TypeError, "dict NoneType"),
    (lambda t: t.layer.foo, AttributeError, "Linear foo"),
    (lambda t: t.layer.register_buffer("a.b", None), KeyError, "a.b"),
    (lambda t: t.layer.to("cuda"), RuntimeError, "cuda CPU"),
    # optimizers and loaders
    (lambda t: optim.SGD(t.layer.parameters(), lr=-1), ValueError, "lr -1"),
    (lambda t: optim.SGD(t.layer.parameters(), lr=nan), ValueError, "lr nan"),
    (lambda t: optim.SGD(t.layer.parameters(), lr=0.1, nesterov=True), ValueError, "momentum"),
    (lambda t: optim.Adam(t.layer.parameters(), betas=(1.0, 0.9)), ValueError, "beta 1.0"),
    (lambda t: optim.Adam(t.layer.parameters(), eps=nan), ValueError, "eps nan"),
    (lambda t: optim.SGD([], lr=0.1), ValueError, "empty"),
    (lambda t: optim.SGD(t.x, lr=0.1), TypeError, "Tensor"),
    (lambda t: optim.SGD([t.x * 2], lr=0.1), ValueError, "leaf"),
    (lambda t: optim.SGD(["x"], lr=0.1), TypeError, "str"),
    (lambda t: t.optimizer.add_param_group({"params": [t.layer.weight]}), ValueError, "group"),
    (lambda t: t.optimizer.load_state_dict({}), TypeError, "load_state_dict: state_dict()"),
    (lambda t: optim.lr_scheduler.StepLR(3, 1), TypeError, "int"),
    (lambda t: nn.utils.clip_grad_norm_(3, 1.0), TypeError, "int"),
    (lambda t: DataLoader(t.data, batch_size=0), ValueError, "batch_size 0"),
    (lambda t: DataLoader(t.data, num_workers=-1), ValueError, "num_workers -1"),
    (lambda t: DataLoader(t.data, shuffle=True, sampler=[0]), ValueError, "sampler shuffle"),
    (lambda t: list(DataLoader([tg.ones(2), tg.ones(3)], 2)), RuntimeError, "(2,) (3,)"),
    (lambda t: list(DataLoader([None], 1)), TypeError, "NoneType"),
    (lambda t: TensorDataset(tg.zeros(2), tg.zeros(3)), AssertionError, "TensorDataset: (2,) (3,)"),
    (lambda t: random_split([1, 2, 3], [2, 2]), ValueError, "3"),
    (lambda t: Subset([1, 2], [5])[0], IndexError, ""),
    # what Python or NumPy would stumble over
    (lambda t: F.hardtanh(t.x, t.x, "none"), TypeError, "hardtanh: 'none'"),
    (lambda t: F.elu(t.x, alpha=(3, 4)), TypeError, "elu: alpha float (3, 4)"),
    (lambda t: tg.sort(t.x, 0, t.x), TypeError, "sort: descending bool Tensor (2, 3)"),
    (lambda t: t.x.mean(axis=t.y), TypeError, "mean: dim int"),
    (lambda t: t.x.cumsum(0, dtype=t.x), TypeError, "cumsum: dtype=Tensor"),
    (lambda t: t.x.round(t.y), TypeError, "round: decimals Tensor"),
    (lambda t: F.max_pool2d(t.image, 2, t.x), TypeError, "max_pool2d: stride int"),
    (lambda t: F.interpolate(t.image, "x"), TypeError, "interpolate: 'x'"),
    (lambda t: F.interpolate(t.image, scale_factor=0.0), RuntimeError, "interpolate: scale_factor=0.0"),
    (lambda t: F.interpolate(t.image, scale_factor=float("inf")), RuntimeError, "interpolate: scale_factor=inf"),
    (lambda t: F.linear(t.x, t.x, 2**63), TypeError, "linear: bias Tensor int"),
    (lambda t: F.pairwise_distance([t.x, None], t.x), TypeError, "pairwise_distance: list"),
    (lambda t: tg.histc(nan, min=t.x.half()), TypeError, "histc: Tensor float"),
    (lambda t: tg.einsum("i->", (None, 1)), TypeError, "einsum: Tensors NoneType"),
    (lambda t: tg.tensordot(t.x, t.y, dims=2**62), RuntimeError, "tensordot: dims=4611686018427387904"),
    (lambda t: F.softmax(3), TypeError, "softmax: Tensor int"),
    (lambda t: F.relu((1, 2), inplace=True), TypeError, "relu_: Tensor tuple"),
    (lambda t: tg.flip(tg.float32, [0]), TypeError, "flip: input Tensor"),
    (lambda t: tg.eye(2**40), RuntimeError, "eye: memory (1099511627776, 1099511627776)"),
    (lambda t: tg.zeros(10**30), RuntimeError, "zeros: memory 1000000000000000000000000000000"),
    (lambda t: tg.empty(2**31, 2**31), RuntimeError, "empty: memory (2147483648, 2147483648)"),
    (lambda t: tg.arange(1e300, 0, -1), ValueError, "arange: 1e+300"),
    (lambda t: tg.randint(0, 10**30, (2,)), ValueError, "randint: int64"),
    (lambda t: tg.full((3, 4), t.x), ValueError, "full: Tensor (2, 3)"),
    (lambda t: t.y.normal_(generator=3), TypeError, "Generator int"),
    (lambda t: t.y.type_as(3.0), TypeError, "type_as: Tensor float"),
    (lambda t: nn.GroupNorm(0, 4), ValueError, "GroupNorm: num_groups 0"),
    (lambda t: nn.BatchNorm2d(10**30), RuntimeError, "memory"),
    (lambda t: nn.BatchNorm2d(4)(3), TypeError, "BatchNorm2d: Tensor int"),
    # what does not fit the signature
    (lambda t: nn.Linear("x", 2), TypeError, "Linear: in_features int 'x' str"),
    (lambda t: nn.Linear((1, 2), 2), TypeError, "Linear: in_features int (1, 2)"),
    (lambda t: nn.Conv2d("x", 2, 3), TypeError, "Conv2d: in_channels int 'x'"),
    (lambda t: nn.Conv2d(2, 2, None), TypeError, "Conv2d: kernel_size int Sequence[int] None"),
    (lambda t: nn.Conv2d(2, 2, 3, groups="x"), TypeError, "Conv2d: groups int 'x'"),
    (lambda t: nn.InstanceNorm2d("x", affine=True), TypeError, "InstanceNorm2d: num_features int 'x'"),
    (lambda t: nn.Dropout(None), TypeError, "Dropout: p float None"),
    (lambda t: nn.Hardtanh("x"), TypeError, "Hardtanh: min_val float 'x'"),
    (lambda t: nn.PReLU(1, "x"), TypeError, "PReLU: init float 'x'"),
    (lambda t: nn.TripletMarginLoss("x"), TypeError, "TripletMarginLoss: margin float 'x'"),
    (lambda t: nn.Embedding(3, 2, _weight=3), TypeError, "Embedding: _weight Tensor 3"),
    (lambda t: nn.Embedding(3, 2, padding_idx="x"), TypeError, "Embedding: padding_idx int 'x'"),
    (lambda t: nn.Embedding(3, 2, padding_idx=7), AssertionError, "Embedding: padding_idx 3 7"),
    (lambda t: nn.Embedding(3, 2, _weight=t.x), AssertionError, "Embedding: weight (2, 3)"),
    (lambda t: nn.MultiMarginLoss(weight=t.x), AssertionError, "MultiMarginLoss: weight (2, 3)"),
    (lambda t: nn.Flatten()((1, 2)), TypeError, "flatten: input Tensor tuple"),
    (lambda t: nn.Unflatten(1, (1, 3))(3), TypeError, "unflatten: input Tensor int"),
    (lambda t: t.layer.get_submodule(3), TypeError, "get_submodule: target str 3"),
    (lambda t: t.layer.get_parameter(None), TypeError, "get_parameter: target str None"),
    (lambda t: t.layer.apply(3), TypeError, "apply: fn Callable 3"),
    (lambda t: t.layer.to(3), RuntimeError, "device CPU"),
    (lambda t: nn.init.normal_(3), TypeError, "normal_: tensor Tensor 3"),
    (lambda t: nn.init.uniform_(t.y, "x"), TypeError, "uniform_: a float 'x'"),
    (lambda t: nn.utils.clip_grad_norm_([3], 1.0), TypeError, "clip_grad_norm_: parameters Tensor [3]"),
    (lambda t: nn.utils.clip_grad_norm_([t.x], "x"), ValueError, "clip_grad_norm_: max_norm float 'x'"),
    (lambda t: nn.utils.parameters_to_vector(3), TypeError, "parameters_to_vector: parameters Iterable[Tensor] 3"),
    (lambda t: optim.SGD(3), TypeError, "SGD: params Iterable 3"),
    (lambda t: optim.SGD([t.x], lr="x"), TypeError, "SGD: lr float 'x'"),
    (lambda t: optim.AdamW([t.x], None), TypeError, "AdamW: lr float None"),
    (lambda t: optim.Adam([t.x], betas=("x", 1)), TypeError, "Adam: betas float ('x', 1)"),
    (lambda t: optim.Adam([t.x], betas=(0.9,)), ValueError, "Adam: betas (0.9,) two"),
    (lambda t: optim.SGD([{"params": 3}]), TypeError, "SGD: {'params': 3}"),
    (lambda t: optim.lr_scheduler.MultiStepLR(t.optimizer, 3), TypeError, "MultiStepLR: milestones Iterable[int] 3"),
    (lambda t: tg.autograd.grad(t.x.sum(), 3), TypeError, "grad: inputs Tensor int"),
    (lambda t: tg.autograd.backward(None), TypeError, "backward: outputs Tensor NoneType"),
    (lambda t: F.gumbel_softmax(t.x, tau=None), TypeError, "gumbel_softmax: tau float None"),
    (lambda t: t.y.normal_("x"), TypeError, "normal_: mean float 'x'"),
    (lambda t: t.y.uniform_(0, "x"), TypeError, "uniform_: to float 'x'"),
    (lambda t: t.y.random_(0, "x"), TypeError, "random_: to int 'x'"),
    (lambda t: t.y.bernoulli_(None), TypeError, "bernoulli_: p float None"),
    (lambda t: tg.randperm(2.5), TypeError, "randperm: n int 2.5"),
    (lambda t: tg.logspace(0, 1, 2, "x"), TypeError, "logspace: base float 'x'"),
    (lambda t: tg.linspace(None, 1, 2), TypeError, "linspace: start float None"),
    (lambda t: tg.promote_types("x", tg.int64), TypeError, "promote_types: dtype 'x'"),
    (lambda t: tg.promote_types(None, tg.int64), TypeError, "promote_types: dtype None"),
    (lambda t: tg.can_cast(3, tg.int64), TypeError, "can_cast: dtype 3"),
    (lambda t: tg.is_floating_point(3), TypeError, "is_floating_point: Tensor int"),
    (lambda t: tg.set_default_dtype("x"), TypeError, "set_default_dtype: dtype 'x'"),
    (lambda t: t.y.to({}), TypeError, "to: dtype {}"),
    (lambda t: nn.ConvTranspose2d(3, 2, 2)(t.image, 0), TypeError, "ConvTranspose2d: output_size=0"),
    (lambda t: nn.ConvTranspose2d(3, 2, 2)(7, (9, 9)), TypeError, "ConvTranspose2d: Tensor int"),
    (lambda t: tg.tensor(1.0).size(-1), IndexError, "size: dim -1"),
    (lambda t: tg.Tensor(2**63), RuntimeError, "Tensor: 9223372036854775808"),
    (lambda t: tg.Tensor([[1], [1, 2]]), ValueError, "Tensor: 0 1 1 2"),
    (lambda t: tg.Tensor([1], dtype=object), TypeError, "Tensor: got dtype="),
    (lambda t: F.softmin((0, 1), 0), TypeError, "neg: input Tensor tuple"),
    (lambda t: t.y.__setitem__(slice(0, nan), 0.0), TypeError, "slice: ints nan"),
    (lambda t: t.y[slice(None, 1.5)], TypeError, "slice: ints 1.5"),
    (lambda t: tg.manual_seed(np.array([1, 2])), TypeError, "manual_seed: int ndarray"),
    (lambda t: F.poisson_nll_loss(3, t.x), TypeError, "poisson_nll_loss: input Tensor int"),
    # more than there is room or time for
    (lambda t: tg.tensor(range(2**61)), RuntimeError, "tensor: memory 2305843009213693952"),
    (lambda t: tg.tensor(range(3, 10**18)), MemoryError, ""),
    (lambda t: tg.tensor(range(2**17), dtype=tg.uint8), RuntimeError, "131071 uint8"),
    (lambda t: tg.tensor(range(2**63, 2**63 + 2**40)), RuntimeError, "9223372036854775808 int64"),
    (lambda t: t.y[range(2**31 - 1)], IndexError, "range(0, 2147483647) (4, 5)"),
    (lambda t: t.y[:, range(10**30)], IndexError, "(4, 5)"),
    (lambda t: tg.repeat_interleave(t.y, 2**62), MemoryError, "repeat_interleave: 92,233,720,368,547,758,080"),
    (lambda t: tg.repeat_interleave(t.y, tg.tensor([2**62] * 4), 0), MemoryError, "repeat_interleave:"),
    (lambda t: t.y.repeat(2**60, 8), MemoryError, "repeat: 184,467,440,737,095,516,160"),
    (lambda t: tg.zeros(0).chunk(2**31), MemoryError, "chunk: 2,147,483,648"),
    (lambda t: tg.zeros(0).tensor_split(2**31), MemoryError, "tensor_split: 2,147,483,648"),
    (lambda t: tg.zeros(2**31, 0).unbind(), MemoryError, "unbind: 2,147,483,648"),
    (lambda t: tg.zeros(2**31, 0).split(1), MemoryError, "split: 2,147,483,648"),
    # files
    (lambda t: tg.load("there/is/none.pt"), FileNotFoundError, "none.pt"),
    (lambda t: tg.load(io.BytesIO(b"no checkpoint at all")), RuntimeError, "load: zip"),
    (lambda t: tg.load(3), TypeError, "load: path int"),
    (lambda t: tg.save(t.x, None), TypeError, "save: path NoneType"),
    (lambda t: tg.save(t.x, closed()), ValueError, "closed"),
    (lambda t: tg.save({"f": lambda: 0}, io.BytesIO()), TypeError, "save"),
]  # fmt: skip


def closed():
    file = io.BytesIO()
    file.close()
    return file


def test_there_are_many():
    assert len(CALLS) >= 150


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_error(number):
    call, kind, words = CALLS[number]
    things = Things()
    before = things.state()
    with pytest.raises(kind) as info:
        call(things)
    message = str(info.value)
    missing = [word for word in words.split() if word not in message]
    assert not missing, f"{missing} not in {message!r}"
    raised_in = Path(traceback.extract_tb(info.value.__traceback__)[-1].filename)
    assert "numpy" not in raised_in.parts, f"{message!r} comes from {raised_in}"
    after = things.state()
    for old, new in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(old, new)
    assert str(before[2]) == str(after[2])
