"""What autograd does: gradients of scalars and of vectors, frozen parameters, a pretrained network's training step."""

import torch
from torch import nn, optim

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
Q = 3 * a**3 - b**2
external_grad = torch.tensor([1.0, 1.0])
Q.backward(gradient=external_grad)
a_right = 9 * a**2 == a.grad
b_right = -2 * b == b.grad

x = torch.rand(5, 5)
y = torch.rand(5, 5)
z = torch.rand((5, 5), requires_grad=True)
first = (x + y).requires_grad
second = (x + z).requires_grad

x = torch.randn(3, requires_grad=True)
y = x * 2
while y.data.norm() < 1000:
    y = y * 2
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)
no_history = (x**2).detach().requires_grad
with torch.no_grad():
    under_no_grad = (x**2).requires_grad

c = torch.randn(2, 2)
c = (c * 3) / (c - 1)
before = c.requires_grad
c.requires_grad = True
grad_fn_name = (c * c).sum().grad_fn.name()

model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
for param in model.parameters():
    param.requires_grad = False
model[2] = nn.Linear(4, 2)
optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
data, wanted = torch.rand(4, 6), torch.rand(4, 2)
prediction = model(data)
loss = (prediction - wanted).sum()
loss.backward()
optimizer.step()
frozen_grad = model[0].weight.grad
free_grad = model[2].weight.grad
