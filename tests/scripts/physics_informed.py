"""Derivatives inside of a loss: a PDE, a sine network's Laplacian, learning to learn, a Gaussian process."""

import math
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import grad


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        steps = []
        for i in range(len(layers) - 2):
            steps.append((f"layer_{i}", nn.Linear(layers[i], layers[i + 1])))
            steps.append((f"activation_{i}", nn.Tanh()))
        steps.append(("layer_last", nn.Linear(layers[-2], layers[-1])))
        self.layers = nn.Sequential(OrderedDict(steps))
        self.register_parameter("viscosity", nn.Parameter(torch.tensor([0.1])))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], dim=1))

    def residual(self, x, t):
        u = self(x, t)
        ones = torch.ones_like(u)
        u_t = grad(u, t, grad_outputs=ones, retain_graph=True, create_graph=True)[0]
        u_x = grad(u, x, grad_outputs=ones, retain_graph=True, create_graph=True)[0]
        u_xx = grad(u_x, x, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[0]
        return u_t + u * u_x - self.viscosity * u_xx


dnn = PINN([2, 8, 8, 1])
x, t = torch.rand(12, 1, requires_grad=True), torch.rand(12, 1, requires_grad=True)
losses = []
optimizer = torch.optim.Adam(dnn.parameters(), lr=1e-2)
for _ in range(4):
    at_start = dnn(x, torch.zeros_like(t)) + torch.sin(math.pi * x)
    loss = torch.mean(dnn.residual(x, t) ** 2) + torch.mean(at_start**2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
lbfgs = torch.optim.LBFGS(dnn.parameters(), max_iter=2, history_size=5, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = torch.mean(dnn.residual(x, t) ** 2)
    loss.backward()
    return loss


losses.append(lbfgs.step(closure).item())
viscosity = dnn.viscosity.detach()
x.grad = t.grad = None


class SineLayer(nn.Module):
    def __init__(self, in_features, out_features, omega_0=3):
        super().__init__()
        self.omega_0 = omega_0
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.sin(self.omega_0 * self.linear(x))


def divergence(y, x):
    return sum(grad(y[..., i], x, torch.ones_like(y[..., i]), create_graph=True)[0][..., i : i + 1] for i in range(2))


siren = nn.Sequential(SineLayer(2, 6), SineLayer(6, 6), nn.Linear(6, 1))
grid = torch.stack(torch.meshgrid(*2 * [torch.linspace(-1, 1, 3)], indexing="ij"), dim=-1).reshape(-1, 2)
coords = grid.clone().detach().requires_grad_(True)
picture = siren(coords)
(slope,) = grad(picture, [coords], torch.ones_like(picture), create_graph=True)
laplacian = divergence(slope, coords)
laplacian.pow(2).mean().backward()
siren_grad = siren[0].linear.weight.grad

# learning to learn: a step of SGD inside, and the gradient through it
w = {"w1": torch.randn(8, 1), "b1": torch.zeros(8), "w2": torch.randn(1, 8) * 0.3, "b2": torch.zeros(1)}
w = {k: v.requires_grad_() for k, v in w.items()}


def net(x, w):
    return F.linear(F.relu(F.linear(x, w["w1"], w["b1"])), w["w2"], w["b2"])


meta_optimizer = torch.optim.Adam(list(w.values()), 1e-2)
meta_losses = []
for _ in range(2):
    inner_x, inner_y, outer_x, outer_y = (torch.rand(5, 1) for _ in range(4))
    fast = w
    for _ in range(2):
        grads = grad(F.mse_loss(net(inner_x, fast), inner_y), list(fast.values()), create_graph=True)
        fast = OrderedDict((k, p - 0.1 * g) for (k, p), g in zip(fast.items(), grads))
    meta_loss = F.mse_loss(net(outer_x, fast), outer_y)
    meta_optimizer.zero_grad()
    meta_loss.backward()
    meta_optimizer.step()
    meta_losses.append(meta_loss.item())

# a Gaussian process' likelihood, by its hyperparameters
xs = torch.linspace(0, 1, 7, dtype=torch.float64)[:, None]
ys = torch.sin(6 * xs[:, 0])
log_length, log_noise = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-1.0, -2.0))
distance = ((xs[:, None] - xs[None]) ** 2).sum(-1)
K = torch.exp(-0.5 * distance / log_length.exp() ** 2) + log_noise.exp() * torch.eye(7, dtype=torch.float64)
L = torch.linalg.cholesky(K)
alpha = torch.cholesky_solve(ys[:, None], L)
nll = 0.5 * (ys @ alpha[:, 0]) + L.diagonal().log().sum() + 3.5 * math.log(2 * math.pi)
nll.backward()
other = torch.distributions.MultivariateNormal(torch.zeros(7, dtype=torch.float64), K.detach()).log_prob(ys)
del meta_loss, loss, grads, at_start, inner_x, inner_y, outer_x, outer_y
