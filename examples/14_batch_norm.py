"""14. Batch norm lets every number of a channel depend on all others. What is its gradient?

For each channel c by itself, with m over the M = N·H·W numbers that it has in the batch:

    μ = 1/M·Σ x[m]        v = 1/M·Σ (x[m] - μ)²        s = 1/√(v + ε)
    x̂[m] = (x[m] - μ)·s        y[m] = γ·x̂[m] + β                     (N,C,H,W) (C,) (C,) -> (N,C,H,W)

Let g = dL/dy. γ and β are used by all M numbers, so their gradients are sums, as in lesson 04:

    dβ = Σ g[m]        dγ = Σ g[m]·x̂[m]                               (C,)

x[m] moves x̂[k] in three ways: itself if k = m, by way of μ (dμ/dx[m] = 1/M), and by way of s. For the last,
dv/dx[m] = 2/M·(x[m] - μ), since the part by way of μ cancels, and ds/dv = -½·s³. All together:

    dx̂[k]/dx[m] = s·([k=m] - 1/M) + (x[k] - μ)·(-½·s³)·2/M·(x[m] - μ)
                = s·([k=m] - 1/M - x̂[k]·x̂[m]/M)

Times γ·g[k], and summed over k:

    dx[m] = γ·s·(g[m] - mean(g) - x̂[m]·mean(g·x̂))                     (N,C,H,W)
"""

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F

tg.manual_seed(0)
N, C, H, W = 16, 3, 5, 5
eps = 1e-5
over = (0, 2, 3)  # all axes but the channels

x = (3 * tg.randn(N, C, H, W, dtype=tg.float64) + 7).requires_grad_()
gamma = tg.rand(C, dtype=tg.float64, requires_grad=True)
beta = tg.randn(C, dtype=tg.float64, requires_grad=True)
y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
g = tg.randn(N, C, H, W, dtype=tg.float64)
y.backward(g)

with tg.no_grad():  # the formulas
    s = 1 / (x.var(over, correction=0, keepdim=True) + eps).sqrt()
    normal = (x - x.mean(over, keepdim=True)) * s
    d_beta = g.sum(over)
    d_gamma = (g * normal).sum(over)
    rest = g - g.mean(over, keepdim=True) - normal * (g * normal).mean(over, keepdim=True)
    d_x = gamma.reshape(1, C, 1, 1) * s * rest


def show(title, t):
    print(f"{title:22} {t.mean(over).numpy().round(2) + 0.0}   {t.std(over).numpy().round(2)}")


print("in each channel        mean               deviation")
show("x", x.detach())
show("x̂", normal)
print()
for name, formula, library in (("dβ", d_beta, beta.grad), ("dγ", d_gamma, gamma.grad), ("dx", d_x, x.grad)):
    print(f"{name}: formula and library differ by {abs(formula - library).max().item():.0e}")
shift, stretch = abs(x.grad.sum(over)).max().item(), abs((x.grad * normal).sum(over)).max().item()
print(f"Σ dx in each channel is {shift:.0e}, and Σ dx·x̂, but for ε, {stretch:.0e}")
print("Notice why both are 0: to shift or to stretch a whole channel changes nothing, so there is no slope that way.\n")

print("deviation of the numbers in a chain of 50 layers, each x -> relu(W·x), with weights that are a little small:")
for with_norm in (False, True):
    tg.manual_seed(1)
    x = tg.randn(64, 100)
    deviations = []
    for _ in range(50):
        x = x @ (0.1 * tg.randn(100, 100))
        x = F.relu(F.batch_norm(x, None, None, training=True) if with_norm else x)
        deviations.append(x.std().item())
    layers = "   ".join(f"layer {i}: {deviations[i - 1]:.1g}" for i in (1, 10, 50))
    print(f"{'with' if with_norm else 'without'} batch norm   {layers}")
print("Notice that without it the signal fades by the same factor in each layer, and the gradients with it.")
