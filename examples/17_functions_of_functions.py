"""17. What else can one do with a derivative than step down along it?

`grad` takes a function and gives another: x -> ∇f(x). What it gives is a function like f, so it can be changed again.

**Each sample's own gradient.** backward gives the mean of a batch, in which no sample can be told from another. `grad`
of the loss of one sample, mapped over the samples by `vmap`, gives B gradients, in one pass and without a loop:

    of_each = vmap(grad(loss), in_dims=(None, 0, 0))        weights, image, label: the weights are the same for all

**A Hessian times a vector.** H has n² numbers, H·v has n. It is how the gradient changes as x moves along v:

    H·v = ∂/∂ε ∇f(x + ε·v)      forward over reverse: jvp(grad(f), (x,), (v,))
        = ∇ ⟨∇f(x), v⟩          reverse over reverse: grad(lambda x: (grad(f)(x) * v).sum())

**Forward beside reverse.** f takes n numbers and gives m. Its Jacobian J is m × n. Reverse mode gives a row, vᵀJ, for
each pass, and forward mode a column, J·t. So rows are less work where m < n, as for a loss, and columns where n < m.

    python examples/17_functions_of_functions.py
"""

import time

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.data import Digits
from tinygrad_cnn.func import functional_call, grad, jacfwd, jacrev, jvp, vmap
from tinygrad_cnn.nn import functional as F

tg.manual_seed(0)
digits = Digits(train=True)
images = tg.stack([digits[i][0] for i in range(64)])
labels = tg.tensor([int(digits[i][1]) for i in range(64)])
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10))
weights = {name: p.detach() for name, p in model.named_parameters()}


def loss(weights, image, label):
    """The loss of one sample, as a function of the weights."""
    return F.cross_entropy(functional_call(model, weights, image[None]), label[None])


# Each sample's own gradient. Their mean is what backward gives.

of_each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, images, labels)
F.cross_entropy(model(images), labels).backward()
for name, p in model.named_parameters():
    print(f"{name:9} {tuple(of_each[name].shape)!s:16}", end=" ")
    print("mean = backward's:", tg.allclose(of_each[name].mean(0), p.grad, atol=1e-6))
lengths = tg.cat([g.flatten(1) for g in of_each.values()], dim=1).norm(dim=1)
print(f"the samples pull by {lengths.min().item():.2f} to {lengths.max().item():.2f}, together by", end=" ")
print(f"{tg.cat([p.grad.flatten() for p in model.parameters()]).norm().item():.2f}: they disagree.")

# A Hessian times a vector, two ways, beside the whole Hessian.


def f(x):
    return (x.sin() * x.roll(1, 0) ** 2).sum()


x, v = tg.randn(200, dtype=tg.float64), tg.randn(200, dtype=tg.float64)
_, forward = jvp(grad(f), (x,), (v,))
reverse = grad(lambda x: (grad(f)(x) * v).sum())(x)
whole = jacfwd(grad(f))(x)
print("H·v: forward over reverse = reverse over reverse:", tg.allclose(forward, reverse))
print(f"     = the Hessian of {whole.numel():,} numbers times v:", tg.allclose(whole @ v, forward))

# Forward beside reverse, where a function widens and where it narrows.


def seconds(jacobian, x):
    """The shortest of three times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        jacobian(x)
        times.append(time.perf_counter() - start)
    return min(times)


for m, n in [(2000, 20), (20, 2000)]:
    A, x = tg.randn(m, n, dtype=tg.float64), tg.randn(n, dtype=tg.float64)
    rows, columns = [jacobian(lambda x, A=A: (A @ x).tanh()) for jacobian in (jacrev, jacfwd)]
    assert tg.allclose(rows(x), columns(x))
    by_rows, by_columns = seconds(rows, x), seconds(columns, x)
    faster = "columns" if by_columns < by_rows else "rows"
    print(f"{n:4} in, {m:4} out: {n:4} columns {by_columns:.4f} s, {m:4} rows {by_rows:.4f} s; {faster} are less work")
print("Notice that none of these functions leaves anything behind: no .grad was touched but by the one backward.")
