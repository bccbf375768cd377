"""Words for a picture, as courses have it: an RNN and an LSTM step by step, with attention; a gradient by hand."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import Parameter


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = torch.tanh(x.mm(Wx) + prev_h.mm(Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    d = dnext_h * (1 - next_h**2)
    return d.mm(Wh.t()), x.t().mm(d)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h = torch.zeros((N, T, h0.shape[1]), dtype=h0.dtype, device=h0.device)
    cache, prev = [], h0
    for t in range(T):
        prev, c = rnn_step_forward(x[:, t, :], prev, Wx, Wh, b)
        h[:, t, :] = prev
        cache.append(c)
    return h, cache


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b, attn=None, Wattn=None):
    a = x.mm(Wx) + prev_h.mm(Wh) + b
    if attn is not None:
        a = a + attn.mm(Wattn)
    i, f, o, g = torch.chunk(a, 4, dim=1)
    i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()
    next_c = f * prev_c + i * g
    return o * torch.tanh(next_c), next_c


def dot_product_attention(prev_h, A):
    N, H, D_a, _ = A.shape
    weights = torch.bmm(prev_h.unsqueeze(1), A.view(N, H, -1)).div(math.sqrt(H)).softmax(dim=2)
    return torch.bmm(A.view(N, H, -1), weights.transpose(1, 2)).squeeze(2)


class CaptioningRNN(nn.Module):
    def __init__(self, cell, V, D=4, W=5, H=6):
        super().__init__()
        self.cell = cell
        gates = H if cell == "rnn" else 4 * H
        self.encoder = nn.Sequential(nn.Conv2d(3, D, 3, stride=2, padding=1), nn.BatchNorm2d(D), nn.ReLU(inplace=True))
        self.W_embed = Parameter(torch.randn(V, W).div(math.sqrt(V)))
        self.Wx = Parameter(torch.randn(W, gates).div(math.sqrt(W)))
        self.Wh = Parameter(torch.randn(H, gates).div(math.sqrt(H)))
        self.b = Parameter(torch.zeros(gates))
        if cell == "attn":
            self.Wattn = Parameter(torch.randn(H, gates).div(math.sqrt(H)))
        self.proj = nn.Conv2d(D, H, 1)
        self.out = nn.Linear(H, V)

    def forward(self, images, captions):
        A = self.proj(self.encoder(images))
        x, y = self.W_embed[captions[:, :-1]], captions[:, 1:]
        h = A.mean(dim=(2, 3))
        if self.cell == "rnn":
            hs, _ = rnn_forward(x, h, self.Wx, self.Wh, self.b)
        else:
            hs, c = [], torch.zeros_like(h) if self.cell == "lstm" else h
            for t in range(x.shape[1]):
                seen = (dot_product_attention(h, A), self.Wattn) if self.cell == "attn" else ()
                h, c = lstm_step_forward(x[:, t], h, c, self.Wx, self.Wh, self.b, *seen)
                hs.append(h)
            hs = torch.stack(hs, dim=1)
        return F.cross_entropy(self.out(hs).transpose(1, 2), y, ignore_index=0, reduction="sum") / x.shape[0]


words = {w: i for i, w in enumerate("<NULL> <START> <END> a cat dog on mat".split())}
images = torch.randn(3, 3, 8, 8)
captions = torch.tensor([[1, 3, 4, 6, 7, 2], [1, 3, 5, 2, 0, 0], [1, 4, 2, 0, 0, 0]])
losses, rates = [], []
for cell in ("rnn", "lstm", "attn"):
    model = CaptioningRNN(cell, len(words))
    optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), 1e-2)
    lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.95**epoch)
    for _ in range(3):
        loss = model(images, captions)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
        losses.append(loss.item())
    rates.append(lr_scheduler.get_last_lr()[0])

# what backward through time gives, by hand
x, h0 = torch.randn(2, 4, 3, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
Wx, Wh, b = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((3, 5), (5, 5), (5,)))
h, cache = rnn_forward(x, h0, Wx, Wh, b)
dh = torch.randn(h.shape, dtype=torch.float64)
h.backward(dh)
dprev, dWx = torch.zeros_like(h0), torch.zeros_like(Wx)
for t in reversed(range(4)):
    dprev, dwx = rnn_step_backward(dh[:, t] + dprev, cache[t])
    dWx += dwx
by_hand = torch.allclose(dWx, Wx.grad)
