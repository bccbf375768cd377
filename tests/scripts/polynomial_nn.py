"""Fit a third-order polynomial to a sine: it is a linear layer on (x, x², x³)."""

import math

import torch

x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)  # (200, 1) to the powers (3,) -> (200, 3)

model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")

learning_rate = 1e-5
losses = []
for t in range(300):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 100 == 99:
        losses.append(loss.item())
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= learning_rate * param.grad

linear_layer = model[0]
weight, bias = linear_layer.weight, linear_layer.bias
result = f"y = {bias.item():.4f} + {weight[:, 0].item():.4f} x + {weight[:, 1].item():.4f} x^2"
