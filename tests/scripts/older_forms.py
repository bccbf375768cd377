"""A script of 2017, as it runs today: Variables, typed constructors, names without underscores, rates by hand."""

import warnings

import numpy as np
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
import torch.optim as optim
from torch.autograd import Variable

warnings.filterwarnings("ignore")
use_cuda = torch.cuda.is_available()
FloatTensor = torch.cuda.FloatTensor if use_cuda else torch.FloatTensor
LongTensor = torch.cuda.LongTensor if use_cuda else torch.LongTensor
dtype = torch.FloatTensor

x = Variable(torch.randn(16, 20).type(dtype), requires_grad=False)
y = Variable(torch.randn(16, 3).type(dtype), requires_grad=False)
w1 = Variable(torch.randn(20, 12).type(dtype), requires_grad=True)
w2 = Variable(torch.randn(12, 3).type(dtype), requires_grad=True)
first_losses = []
for step in range(4):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    first_losses.append(loss.data.item())
    loss.backward()
    w1.data -= 1e-5 * w1.grad.data
    w2.data -= 1e-5 * w2.grad.data
    w1.grad.data.zero_()
    w2.grad.data.zero_()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=5)
        self.bn = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 4, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.copy_(torch.randn(m.weight.size()) * np.sqrt(2.0 / n))
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                init.constant(m.bias, 0.1)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.bn(self.conv1(x)), 2))
        x = F.sigmoid(F.max_pool2d(self.conv2(x), 2))
        x = x.view(x.size(0), -1)
        return F.log_softmax(F.tanh(self.fc1(x)))


def adjust_learning_rate(optimizer, epoch):
    for param_group in optimizer.param_groups:
        param_group["lr"] = 0.05 * (0.1 ** (epoch // 2))


def accuracy(output, target, topk=(1,)):
    _, pred = output.topk(max(topk), 1, True, True)
    correct = pred.t().eq(target.view(1, -1).expand_as(pred.t()))
    return [correct[:k].contiguous().view(-1).float().sum(0).mul_(100.0 / target.size(0)) for k in topk]


net = Net()
if use_cuda:
    net.cuda()
    net = torch.nn.DataParallel(net, device_ids=range(torch.cuda.device_count()))
    cudnn.benchmark = True
criterion = nn.CrossEntropyLoss(size_average=True)
nll, bce = nn.NLLLoss(size_average=False), nn.BCELoss(reduce=False)
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
losses, top = [], []
for epoch in range(3):
    adjust_learning_rate(optimizer, epoch)
    inputs, targets = Variable(torch.randn(6, 1, 28, 28)), Variable(LongTensor(np.arange(6) % 10))
    optimizer.zero_grad()
    outputs = net(inputs)
    loss = criterion(outputs, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm(net.parameters(), 5.0)
    optimizer.step()
    _, predicted = torch.max(outputs.data, 1)
    top.append([value.item() for value in accuracy(outputs.data, targets, topk=(1, 5))])
    losses.append(loss.data.item())
summed = nll(outputs, targets).data
each = bce(F.sigmoid(w2.view(-1)[:4]), Variable(torch.ones(4))).data
top1, top5 = top[-1]

a = torch.FloatTensor(3, 4).fill_(0.25)
b = torch.Tensor(a.size()).zero_()
b.resize_(2, 2).fill_(1)
kinds = [a.type(), LongTensor([1]).type(), a.type("torch.DoubleTensor").type(), str(isinstance(a, torch.FloatTensor))]
sizes = [a.numel(), a.size(0), a.dim(), a.new(2, 3).fill_(2).nelement(), b.sum().item()]
onehot = torch.zeros(6, 10).scatter_(1, targets.unsqueeze(1), 1)
picked = torch.gather(outputs.data, 1, targets.view(-1, 1))
upsampled = F.upsample(torch.ones(1, 1, 2, 2), scale_factor=2, mode="nearest").size()
