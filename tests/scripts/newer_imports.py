"""What newer packages import: trees of tensors, ways of attention, handles of hooks, states of devices."""

import contextlib

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention  # noqa: F401
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten
from torch.utils.checkpoint import checkpoint, get_device_states, set_device_states
from torch.utils.hooks import RemovableHandle

with contextlib.suppress(ImportError):
    import flash_attn  # noqa: F401


class Reversible(torch.autograd.Function):
    """y₁ = x₁ + f(x₂), y₂ = x₂ + g(y₁): nothing is kept, the way back computes the inputs again."""

    @staticmethod
    def forward(ctx, x, f, g):
        ctx.f, ctx.g = f, g
        ctx.devices, ctx.states = get_device_states(x)
        with torch.no_grad():
            a, b = x.chunk(2, dim=-1)
            a = a + f(b)
            b = b + g(a)
        ctx.y = torch.cat([a, b], -1).detach()
        return ctx.y.clone()

    @staticmethod
    def backward(ctx, grad):
        set_device_states(ctx.devices, ctx.states)
        (a, b), (da, db) = ctx.y.chunk(2, -1), grad.chunk(2, -1)
        with torch.enable_grad():
            a = a.detach().requires_grad_()
            out = ctx.g(a)
            torch.autograd.backward(out, db)
            b = b - out.detach()
            da = da + a.grad
            b.requires_grad_()
            torch.autograd.backward(ctx.f(b), da)
        return torch.cat([da, db + b.grad], -1), None, None


class Attention(nn.Module):
    def __init__(self, dim, heads, flash=True):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH] if flash else [SDPBackend.MATH]

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))
        with sdpa_kernel(self.backends):
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(out.transpose(1, 2).flatten(2))


f, g = Attention(6, 2), nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6))
with torch.no_grad():
    for p in [*f.parameters(), *g.parameters()]:
        p.copy_(0.4 * torch.randn(*p.shape))

calls = []
handle = f.register_forward_hook(lambda module, args, out: calls.append(tuple(out.shape)))
is_handle = isinstance(handle, RemovableHandle)
x = torch.randn(2, 5, 12, requires_grad=True)
out = Reversible.apply(x, f, g)
out.square().sum().backward()
grad_reversible = x.grad.clone()
weight_grad = f.qkv.weight.grad.clone()
handle.remove()
times_called = len(calls)

x.grad = None
f.zero_grad()
g.zero_grad()
a, b = x.chunk(2, -1)
a = a + checkpoint(f, b, use_reentrant=False)
b = b + g(a)
torch.cat([a, b], -1).square().sum().backward()
same = torch.allclose(grad_reversible, x.grad, atol=1e-4) and torch.allclose(weight_grad, f.qkv.weight.grad, atol=1e-4)

state = {"f": dict(f.named_parameters()), "steps": [torch.zeros(2), (torch.ones(1), 3)]}
leaves, spec = tree_flatten(state)
moved = tree_map(lambda t: t.detach() * 2 if torch.is_tensor(t) else t, state)
again = tree_unflatten([leaf.sum() if torch.is_tensor(leaf) else leaf for leaf in leaves], spec)
kinds = " ".join(type(leaf).__name__ for leaf in leaves)
doubled, three = moved["steps"][1]
total = again["f"]["out.weight"]

losses = []
optimizer = torch.optim.RMSprop([*f.parameters(), *g.parameters()], lr=1e-2)
for _ in range(3):
    optimizer.zero_grad()
    loss = Reversible.apply(x, f, g).square().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
