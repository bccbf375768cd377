"""Weights in lists of lists, and modules beside them: all are the model's, and all learn."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Residuals(nn.Module):
    """A normalized residual stream whose steps have sizes of their own, a pair of them for each block."""

    def __init__(self, width, depth):
        super().__init__()
        self.blocks = nn.ModuleList(
            [nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)]) for _ in range(depth)]
        )
        self.sizes = nn.ParameterList([])
        for _ in range(depth):
            self.sizes.append(nn.ParameterList([nn.Parameter(torch.full((width,), 0.5)) for _ in range(2)]))
        self.ends = nn.ParameterDict({"norm": nn.LayerNorm(width), "scale": torch.ones(1)})

    def forward(self, x):
        for (mix, feed), (a, b) in zip(self.blocks, self.sizes):
            x = F.normalize(torch.lerp(x, F.normalize(mix(x), dim=-1), a), dim=-1)
            x = F.normalize(torch.lerp(x, F.normalize(feed(x).relu(), dim=-1), b), dim=-1)
        return self.ends["norm"](x) * self.ends["scale"]


model = Residuals(6, 2)
for p in model.parameters():
    p.data.copy_(torch.randn(p.shape) / 2)
names = " ".join(model.state_dict())
count = sum(p.numel() for p in model.parameters())
optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
x, target = torch.randn(8, 6), torch.randn(8, 6)
losses = []
for _ in range(6):
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

again = Residuals(6, 2)
answer = str(again.load_state_dict(model.state_dict()))
same = torch.allclose(again(x), model(x))
sizes = model.sizes[1][0]
shift = model.ends["norm"].bias
del model.ends["norm"]
left = " ".join(model.state_dict())
