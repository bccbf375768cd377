"""Fit a third-order polynomial to a sine: an optimizer takes the steps."""

import math

import torch

x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)

model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

losses = []
for t in range(90):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 30 == 29:
        losses.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
weight, bias = model[0].weight, model[0].bias
