"""Networks that obey an equation, and one that is an equation: derivatives of derivatives, and an adjoint by hand."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

np.random.seed(0)


class DNN(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.depth = len(layers) - 1
        self.activation = torch.nn.Tanh
        layer_list = list()
        for i in range(self.depth - 1):
            layer_list.append((f"layer_{i}", torch.nn.Linear(layers[i], layers[i + 1])))
            layer_list.append((f"activation_{i}", self.activation()))
        layer_list.append((f"layer_{self.depth - 1}", torch.nn.Linear(layers[-2], layers[-1])))
        self.layers = torch.nn.Sequential(OrderedDict(layer_list))

    def forward(self, x):
        return self.layers(x)


class PhysicsInformedNN:
    def __init__(self):
        X = np.random.rand(12, 2)
        self.x = torch.tensor(X[:, 0:1], requires_grad=True).float()
        self.t = torch.tensor(X[:, 1:2], requires_grad=True).float()
        self.u = torch.tensor(np.sin(X[:, :1])).float()
        self.lambda_1 = torch.nn.Parameter(torch.tensor([0.0], requires_grad=True))
        self.lambda_2 = torch.nn.Parameter(torch.tensor([-6.0], requires_grad=True))
        self.dnn = DNN([2, 8, 8, 1])
        self.dnn.register_parameter("lambda_1", self.lambda_1)
        self.dnn.register_parameter("lambda_2", self.lambda_2)
        self.optimizer = torch.optim.LBFGS(
            self.dnn.parameters(),
            lr=1.0,
            max_iter=5,
            max_eval=50,
            history_size=10,
            tolerance_grad=1e-5,
            tolerance_change=1.0 * np.finfo(float).eps,
            line_search_fn="strong_wolfe",
        )
        self.optimizer_Adam = torch.optim.Adam(self.dnn.parameters())
        self.hist = []

    def net_u(self, x, t):
        return self.dnn(torch.cat([x, t], dim=1))

    def net_f(self, x, t):
        lambda_2 = torch.exp(self.lambda_2)
        u = self.net_u(x, t)
        u_t = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
        u_x = torch.autograd.grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]
        u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[0]
        return u_t + self.lambda_1 * u * u_x - lambda_2 * u_xx

    def loss_func(self):
        loss = torch.mean((self.u - self.net_u(self.x, self.t)) ** 2) + torch.mean(self.net_f(self.x, self.t) ** 2)
        self.optimizer.zero_grad()
        loss.backward()
        self.hist.append(loss.item())
        return loss

    def train(self):
        self.dnn.train()
        for _epoch in range(3):
            self.optimizer_Adam.zero_grad()
            self.loss_func()
            self.optimizer_Adam.step()
        self.optimizer.step(self.loss_func)


pinn = PhysicsInformedNN()
pinn.train()
losses = pinn.hist[:5]


class ODEF(nn.Module):
    def forward_with_grad(self, z, t, grad_outputs):
        batch_size = z.shape[0]
        out = self.forward(z, t)
        a = grad_outputs
        adfdz, adfdt, *adfdp = torch.autograd.grad(
            (out,), (z, t, *tuple(self.parameters())), grad_outputs=(a), allow_unused=True, retain_graph=True
        )
        if adfdp is not None:
            adfdp = torch.cat([p_grad.flatten() for p_grad in adfdp]).unsqueeze(0)
            adfdp = adfdp.expand(batch_size, -1) / batch_size
        if adfdt is not None:
            adfdt = adfdt.expand(batch_size, 1) / batch_size
        return out, adfdz, adfdt, adfdp

    def flatten_parameters(self):
        p_shapes, flat = [], []
        for p in self.parameters():
            p_shapes.append(p.size())
            flat.append(p.flatten())
        return torch.cat(flat)


def ode_solve(z0, t0, t1, f):
    h_max = 0.1
    n_steps = int(np.ceil((abs(t1 - t0) / h_max).max().item()))
    h = (t1 - t0) / n_steps
    t, z = t0, z0
    for _i_step in range(n_steps):
        z = z + h * f(z, t)
        t = t + h
    return z


class ODEAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z0, t, flat_parameters, func):
        assert isinstance(func, ODEF)
        bs, *z_shape = z0.size()
        time_len = t.size(0)
        with torch.no_grad():
            z = torch.zeros(time_len, bs, *z_shape).to(z0)
            z[0] = z0
            for i_t in range(time_len - 1):
                z0 = ode_solve(z0, t[i_t], t[i_t + 1], func)
                z[i_t + 1] = z0
        ctx.func = func
        ctx.save_for_backward(t, z.clone(), flat_parameters)
        return z

    @staticmethod
    def backward(ctx, dLdz):
        func = ctx.func
        t, z, flat_parameters = ctx.saved_tensors
        time_len, bs, *z_shape = z.size()
        n_dim = np.prod(z_shape)
        n_params = flat_parameters.size(0)

        def augmented_dynamics(aug_z_i, t_i):
            z_i, a = aug_z_i[:, :n_dim], aug_z_i[:, n_dim : 2 * n_dim]
            z_i, a = z_i.view(bs, *z_shape), a.view(bs, *z_shape)
            with torch.set_grad_enabled(True):
                t_i = t_i.detach().requires_grad_(True)
                z_i = z_i.detach().requires_grad_(True)
                func_eval, adfdz, adfdt, adfdp = func.forward_with_grad(z_i, t_i, grad_outputs=a)
                adfdz = adfdz.to(z_i) if adfdz is not None else torch.zeros(bs, *z_shape).to(z_i)
                adfdp = adfdp.to(z_i) if adfdp is not None else torch.zeros(bs, n_params).to(z_i)
                adfdt = adfdt.to(z_i) if adfdt is not None else torch.zeros(bs, 1).to(z_i)
            func_eval, adfdz = func_eval.view(bs, n_dim), adfdz.view(bs, n_dim)
            return torch.cat((func_eval, -adfdz, -adfdp, -adfdt), dim=1)

        dLdz = dLdz.view(time_len, bs, n_dim)
        with torch.no_grad():
            adj_z, adj_p = torch.zeros(bs, n_dim).to(dLdz), torch.zeros(bs, n_params).to(dLdz)
            adj_t = torch.zeros(time_len, bs, 1).to(dLdz)
            for i_t in range(time_len - 1, 0, -1):
                z_i, t_i = z[i_t], t[i_t]
                adj_z += dLdz[i_t]
                aug_z = torch.cat((z_i.view(bs, n_dim), adj_z, torch.zeros(bs, n_params).to(z), adj_t[i_t]), dim=-1)
                aug_ans = ode_solve(aug_z, t_i, t[i_t - 1], augmented_dynamics)
                adj_z[:] = aug_ans[:, n_dim : 2 * n_dim]
                adj_p[:] += aug_ans[:, 2 * n_dim : 2 * n_dim + n_params]
                adj_t[i_t - 1] = aug_ans[:, 2 * n_dim + n_params :]
            adj_z += dLdz[0]
        return adj_z.view(bs, *z_shape), adj_t, adj_p, None


class LinearODEF(ODEF):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(2, 2, bias=False)

    def forward(self, x, t):
        return torch.tanh(self.lin(x)) + 0 * t


func = LinearODEF()
z0 = torch.randn(3, 2, requires_grad=True)
t = torch.tensor([0.0, 0.25, 0.5])
z = ODEAdjoint.apply(z0, t, func.flatten_parameters(), func)
z.pow(2).mean().backward()
loss = z.pow(2).mean().item()
weight_grad = func.lin.weight.grad
