"""12. The gradient says which way is down. How far should one go?

Along one direction a function is nearly a parabola: f(x + d) ≈ f + f'·d + ½·f''·d², whose lowest point is at
d = -f'/f''. So the step is the slope divided by the curvature. With many numbers x: (K,), gradient g: (K,)
and Hessian H: (K, K) with H[i,j] = ∂²f/∂x[i]∂x[j], it is Newton's step: the d with H·d = -g.

A gradient is made of ops itself. With create_graph=True backward records them, and what is recorded can be
differentiated again. One more trick makes curvature cheap: H·v is the gradient of the number g·v, so two
walks back give it, and the K x K numbers of H are never made.
"""

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn.autograd import grad
from tinygrad_cnn.autograd.functional import hessian

x = tg.tensor(2.0, dtype=tg.float64, requires_grad=True)
derivatives = [x**3]
for _ in range(4):
    derivatives += grad(derivatives[-1], x, create_graph=True)
print("x³ at 2 and its derivatives:", [d.item() for d in derivatives])


def valley(x):
    """Rosenbrock's long, bent valley: (2,) -> one number; its lowest point is (1, 1), where it is 0."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def gradient_step(x):
    (g,) = grad(valley(x), x)
    return -0.001 * g  # a longer step would be thrown out of the valley


def newton_step(x):
    (g,) = grad(valley(x), x)
    H = hessian(valley, x)
    return tg.tensor(np.linalg.solve(H.numpy(), -g.numpy()))


print("\ndown the valley from (-1.2, 1):")
for name, step, count in (("gradient", gradient_step, 1000), ("Newton", newton_step, 6)):
    x = tg.tensor([-1.2, 1.0], dtype=tg.float64)
    for _ in range(count):
        x = (x + step(x.requires_grad_())).detach()
    print(f"{count:5} {name:8} steps   x = ({x[0].item():.6f}, {x[1].item():.6f})   f = {valley(x).item():.1e}")


K = 1000
tg.manual_seed(0)
A = tg.randn(K, K, dtype=tg.float64) / K**0.5


def f(x):
    return (tg.tanh(A @ x) ** 2).sum()


def gradient(x, create_graph=False):
    x = x.detach().requires_grad_()
    return x, grad(f(x), x, create_graph=create_graph)[0]


v = tg.randn(K, dtype=tg.float64)
x, g = gradient(tg.randn(K, dtype=tg.float64), create_graph=True)
(Hv,) = grad((g * v).sum(), x)

h = 1e-5  # the same by finite differences of the gradient
measured = (gradient(x + h * v)[1] - gradient(x - h * v)[1]) / (2 * h)
error = ((Hv - measured).norm() / measured.norm()).item()
print(f"\nH·v of a function of {K} numbers, and by finite differences of its gradient: they differ by {error:.0e}.")
print(f"H itself would have {K * K:,} numbers, and was never made.")
print("Notice that Newton needs 6 steps where 1,000 along the gradient are not enough. But each of them solves K")
print("equations, so large networks are trained with gradients, and their curvature is asked for through H·v.")
