"""What type checkers make of tensors and functions: a line says what it is, or that it is wrong."""

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import Tensor

x = tg.randn(2, 3, requires_grad=True)

# Results.
reveal_type(x)  # is: Tensor
reveal_type(tg.tensor([1.0]))  # is: Tensor
reveal_type(x.sum())  # is: Tensor
reveal_type(x.sum(dim=1, keepdim=True))  # is: Tensor
reveal_type(tg.softmax(x, dim=1))  # is: Tensor
reveal_type(tg.cat([x, x]))  # is: Tensor
reveal_type(tg.add(x, 1, alpha=2, out=tg.empty(0)))  # is: Tensor
reveal_type(F.relu(x, inplace=True))  # is: Tensor
reveal_type(F.conv2d(tg.ones(1, 1, 3, 3), tg.ones(1, 1, 2, 2), padding="same"))  # is: Tensor
reveal_type(x.tolist())  # is: Any
x.numpy().astype(np.float32)
reveal_type(x.ndim)  # is: int
reveal_type(x.size(0))  # is: int
x.shape.numel()

# Operators.
reveal_type(x + 1)  # is: Tensor
reveal_type(2.0 / x)  # is: Tensor
reveal_type(x @ x.T)  # is: Tensor
reveal_type(-x)  # is: Tensor
reveal_type(x == 1)  # is: Tensor
reveal_type(x[0, 1:])  # is: Tensor
x[0] = 1
x -= 1
for row in x:
    reveal_type(row)  # is: Tensor

# In place, and shapes given one by one or as one.
reveal_type(x.add_(1))  # is: Tensor
reveal_type(x.t_())  # is: Tensor
reveal_type(x.reshape(3, 2))  # is: Tensor
reveal_type(x.reshape((3, 2)))  # is: Tensor

# Where an axis or a flag decides what comes out.
reveal_type(x.max())  # is: Tensor
reveal_type(tg.max(x, x))  # is: Tensor
reveal_type(x.max(dim=1).values)  # is: Tensor
values, indices = x.sort()
reveal_type(indices)  # is: Tensor
reveal_type(x.unique())  # is: Tensor
reveal_type(F.max_pool2d(x, 2))  # is: Tensor
reveal_type(F.max_pool2d(x, 2, return_indices=True))  # is: tuple[Tensor, Tensor]
reveal_type(x.nonzero(as_tuple=True))  # is: tuple[Tensor, ...]

# A gradient is there or not; nobody has to ask before using it.
x.grad.norm().item()


@tg.no_grad()
def mean(x: Tensor, dim: int) -> Tensor:
    return x.mean(dim)


reveal_type(mean(x, dim=0))  # is: Tensor


@tg.appears("function method")
@tg.op
def cubed(x: np.ndarray) -> np.ndarray:
    return x**3


cubed.grad(x=lambda g, x: 3 * g * x**2)
cubed(x).sum().backward()

x.summ()  # wrong
print(tg.softmx)  # wrong
print(F.conv4d)  # wrong
z: str = x.sum()  # wrong
x.sum(axsi=3)  # wrong
tg.cat([x], dimm=1)  # wrong
F.relu(x, inplce=True)  # wrong
print(x.sum().foo)  # wrong
tg.add(x)  # wrong
tg.cat(3)  # wrong
tg.zeros(2, dtype=3.5)  # wrong
x.reshape("a")  # wrong
F.max_pool2d(x, 2, return_indices=True).mean()  # wrong
