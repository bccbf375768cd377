"""A gradient for each sample, an ensemble as one model, and a neural tangent kernel: functions of functions at work."""

import copy
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, 1)
        self.fc1 = nn.Linear(3 * 3 * 3, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return F.log_softmax(self.fc1(torch.flatten(x, 1)), dim=1)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(9, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


model = SimpleCNN()
data, targets = torch.randn(5, 1, 8, 8), torch.arange(5) * 3 % 10
params = {k: v.detach() for k, v in model.named_parameters()}
buffers = {k: v.detach() for k, v in model.named_buffers()}


def compute_loss(params, buffers, sample, target):
    predictions = functional_call(model, (params, buffers), (sample.unsqueeze(0),))
    return F.nll_loss(predictions, target.unsqueeze(0))


per_sample_grads = vmap(grad(compute_loss), in_dims=(None, None, 0, 0))(params, buffers, data, targets)
norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample_grads.values()]).norm(dim=0)
one_by_one = []
for sample, target in zip(data, targets, strict=True):
    one_by_one.append(torch.autograd.grad(F.nll_loss(model(sample[None]), target[None]), model.fc1.weight)[0])
same_gradients = torch.allclose(torch.stack(one_by_one), per_sample_grads["fc1.weight"], atol=1e-6)


def predict(weight, bias, x):
    return F.linear(x, weight, bias).tanh()


D = 4
weight, bias, x = torch.randn(D, D), torch.randn(D), torch.randn(D)
_, vjp_fn = vjp(partial(predict, weight, bias), x)
(jacobian,) = vmap(vjp_fn)(torch.eye(D))
by_columns = jacfwd(predict, argnums=2)(weight, bias, x)
jacobians = vmap(jacrev(predict, argnums=2), in_dims=(None, None, 0))(weight, bias, torch.randn(3, D))
second = hessian(predict, argnums=2)(weight, bias, x)
hvp = jvp(grad(lambda x: x.sin().sum()), (x,), (torch.ones(D),))[1]

models = [MLP() for _ in range(3)]
minibatches = torch.randn(3, 7, 1, 3, 3)
stacked, state = stack_module_state(models)
base_model = copy.deepcopy(models[0])


def fmodel(params, buffers, x):
    return functional_call(base_model, (params, buffers), (x,))


predictions = vmap(fmodel)(stacked, state, minibatches)
of_one_batch = vmap(fmodel, in_dims=(0, 0, None))(stacked, state, minibatches[0])


def fnet_single(params, x):
    return functional_call(base_model, params, (x.unsqueeze(0),)).squeeze(0)


def by_jacobians(x1, x2):
    jac1 = [j.flatten(2) for j in vmap(jacrev(fnet_single), (None, 0))(weights, x1).values()]
    jac2 = [j.flatten(2) for j in vmap(jacrev(fnet_single), (None, 0))(weights, x2).values()]
    return sum(torch.einsum("Naf,Mbf->NMab", j1, j2) for j1, j2 in zip(jac1, jac2))


def by_products(x1, x2):
    def kernel(x1, x2):
        output, vjp_fn = vjp(lambda p: fnet_single(p, x1), weights)
        basis = torch.eye(output.numel())
        return vmap(lambda vec: jvp(lambda p: fnet_single(p, x2), (weights,), vjp_fn(vec))[1])(basis)

    return vmap(vmap(kernel, (None, 0)), (0, None))(x1, x2)


weights = {k: v.detach() for k, v in base_model.named_parameters()}
ntk = by_jacobians(minibatches[0, :3], minibatches[1, :2])
same_kernel = torch.allclose(ntk, by_products(minibatches[0, :3], minibatches[1, :2]), atol=1e-5)
