"""A network that learns where to look (Jaderberg et al., 2015), from a transformation that changes nothing."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.locate = nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.theta = nn.Sequential(nn.Linear(2 * 12 * 12, 8), nn.ReLU(True), nn.Linear(8, 6))
        self.theta[2].weight.data.zero_()
        self.theta[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))
        self.classify = nn.Linear(28 * 28, 3)

    def look(self, x):
        theta = self.theta(self.locate(x).view(-1, 2 * 12 * 12)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def forward(self, x):
        return F.log_softmax(self.classify(self.look(x).flatten(1)), dim=1)


model = Net()
for p in [*model.locate.parameters(), *model.theta[0].parameters(), *model.classify.parameters()]:
    p.data.copy_(torch.randn(p.shape) / 20)
pictures, labels = torch.rand(6, 1, 28, 28), torch.tensor([0, 1, 2, 0, 1, 2])
seen = model.look(pictures).detach()
F.nll_loss(model(pictures), labels).backward()
first_slope = model.theta[2].bias.grad.clone()

optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
losses = []
for _ in range(3):
    optimizer.zero_grad()
    loss = F.nll_loss(model(pictures), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
