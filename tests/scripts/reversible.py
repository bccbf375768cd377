"""Blocks that are computed backwards instead of being kept (Gomez et al., 2017), with newer attention in them."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd.function import Function
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.special import expit
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten
from torch.utils.checkpoint import get_device_states, set_device_states

torch.backends.cuda.enable_flash_sdp(True)
with_flash = torch.backends.cuda.flash_sdp_enabled()


class Attend(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


class Gate(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, width)

    def forward(self, x):
        y = self.up(x)
        return y * expit(y)


class Remembering(nn.Module):
    """Runs a module a second time from the same chance."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.on_gpu = False

    def forward(self, x, again=False):
        if not again:
            self.state = torch.get_rng_state()
            if torch.cuda._initialized:
                self.on_gpu = True
                self.devices, self.states = get_device_states(x)
            return self.net(x)
        with torch.random.fork_rng(devices=[], enabled=True):
            torch.set_rng_state(self.state)
            if self.on_gpu:
                set_device_states(self.devices, self.states)
            return self.net(x)


class Block(nn.Module):
    def __init__(self, f, g):
        super().__init__()
        self.f, self.g = Remembering(f), Remembering(g)

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=-1)
        with torch.no_grad():
            y1 = x1 + self.f(x2)
            y2 = x2 + self.g(y1)
        return torch.cat([y1, y2], dim=-1)

    def backward_pass(self, y, dy):
        (y1, y2), (dy1, dy2) = y.chunk(2, dim=-1), dy.chunk(2, dim=-1)
        with torch.enable_grad():
            y1 = y1.detach().requires_grad_()
            gy1 = self.g(y1, again=True)
            torch.autograd.backward(gy1, dy2)
        with torch.no_grad():
            x2 = y2 - gy1
            dx1 = dy1 + y1.grad
        with torch.enable_grad():
            x2.requires_grad = True
            fx2 = self.f(x2, again=True)
            torch.autograd.backward(fx2, dx1)
        with torch.no_grad():
            return torch.cat([y1 - fx2, x2.detach()], dim=-1), torch.cat([dx1, dy2 + x2.grad], dim=-1)


class Reversed(Function):
    @staticmethod
    def forward(ctx, x, blocks):
        for block in blocks:
            x = block(x)
        ctx.y, ctx.blocks = x.detach(), blocks
        return x

    @staticmethod
    def backward(ctx, dy):
        y = ctx.y
        for block in ctx.blocks[::-1]:
            y, dy = block.backward_pass(y, dy)
        return dy, None


blocks = nn.ModuleList([Block(Attend(4), Gate(4)) for _ in range(3)])
for p in blocks.parameters():
    p.data.copy_(torch.randn(p.shape) / 2)
x = torch.randn(2, 5, 8, requires_grad=True)
out = Reversed.apply(x, blocks)
loss = out.pow(2).mean()
loss.backward()
slopes, form = tree_flatten({name: p.grad for name, p in blocks.named_parameters()})
sizes = [g.norm().item() for g in slopes]
largest = max(tree_flatten(tree_map(lambda g: g.abs().max().item(), tree_unflatten(slopes, form)))[0])

# The same with all kept.
plain = x.detach().clone().requires_grad_()
h1, h2 = plain.chunk(2, dim=-1)
for block in blocks:
    h1 = h1 + block.f.net(h2)
    h2 = h2 + block.g.net(h1)
torch.cat([h1, h2], dim=-1).pow(2).mean().backward()
same = torch.allclose(plain.grad, x.grad, atol=1e-5)
losses = [loss.item()]
