"""What a neural-network library is: from tensors and autograd alone to modules, optimizers and loaders."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

numbers = np.random.RandomState(0)
labels = numbers.randint(0, 10, 320)
strokes = numbers.rand(10, 784)
pictures = (strokes[labels] * 0.8 + numbers.rand(320, 784) * 0.2 - 0.5).astype(np.float32)
x_train, y_train, x_valid, y_valid = map(torch.tensor, (pictures[:256], labels[:256], pictures[256:], labels[256:]))
n, c = x_train.shape
lowest, highest = y_train.min(), y_train.max()

# Only tensors.

weights = torch.randn(784, 10) / math.sqrt(784)
weights.requires_grad_()
bias = torch.zeros(10, requires_grad=True)


def log_softmax(x):
    return x - x.exp().sum(-1).log().unsqueeze(-1)


def model(xb):
    return log_softmax(xb @ weights + bias)


def nll(input, target):
    return -input[range(target.shape[0]), target].mean()


def accuracy(out, yb):
    preds = torch.argmax(out, dim=1)
    return (preds == yb).float().mean()


bs = 64
first_loss = nll(model(x_train[:bs]), y_train[:bs])
first_accuracy = accuracy(model(x_train[:bs]), y_train[:bs])
lr = 0.1
for _epoch in range(2):
    for i in range((n - 1) // bs + 1):
        start_i = i * bs
        end_i = start_i + bs
        xb = x_train[start_i:end_i]
        yb = y_train[start_i:end_i]
        loss = nll(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            weights -= weights.grad * lr
            bias -= bias.grad * lr
            weights.grad.zero_()
            bias.grad.zero_()
trained_loss = nll(model(xb), yb)
library_loss = F.cross_entropy(xb @ weights + bias, yb)

# A module, with parameters of its own, and then with a layer.


class MnistLogistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(784, 10) / math.sqrt(784))
        self.bias = nn.Parameter(torch.zeros(10))

    def forward(self, xb):
        return xb @ self.weights + self.bias


logistic = MnistLogistic()
loss = F.cross_entropy(logistic(xb), yb)
loss.backward()
with torch.no_grad():
    for p in logistic.parameters():
        p -= p.grad * lr
    logistic.zero_grad()
logistic_loss = F.cross_entropy(logistic(xb), yb)


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(784, 10)

    def forward(self, xb):
        return self.lin(xb)


# An optimizer, a data set, a loader.


def loss_batch(model, loss_func, xb, yb, opt=None):
    loss = loss_func(model(xb), yb)
    if opt is not None:
        loss.backward()
        opt.step()
        opt.zero_grad()
    return loss.item(), len(xb)


def fit(epochs, model, loss_func, opt, train_dl, valid_dl):
    history = []
    for _epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss_batch(model, loss_func, xb, yb, opt)
        model.eval()
        with torch.no_grad():
            losses, nums = zip(*[loss_batch(model, loss_func, xb, yb) for xb, yb in valid_dl])
            valid = sum(loss_func(model(xb), yb) for xb, yb in valid_dl) / len(valid_dl)
        history.append(np.sum(np.multiply(losses, nums)) / np.sum(nums))
        history.append(valid.item())
    return history


train_ds = TensorDataset(x_train, y_train)
valid_ds = TensorDataset(x_valid, y_valid)
slice_x, slice_y = train_ds[3:7]
train_dl = DataLoader(train_ds, batch_size=bs, shuffle=False)
valid_dl = DataLoader(valid_ds, batch_size=bs * 2)
linear = Linear()
history_linear = fit(3, linear, F.cross_entropy, optim.SGD(linear.parameters(), lr=0.1), train_dl, valid_dl)

# Convolutions.


class MnistCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 10, kernel_size=3, stride=2, padding=1)

    def forward(self, xb):
        xb = xb.view(-1, 1, 28, 28)
        xb = F.relu(self.conv1(xb))
        xb = F.relu(self.conv2(xb))
        xb = F.avg_pool2d(xb, 4)
        return xb.view(-1, xb.size(1))


cnn = MnistCNN()
history_cnn = fit(2, cnn, F.cross_entropy, optim.SGD(cnn.parameters(), lr=0.1, momentum=0.9), train_dl, valid_dl)


class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, x):
        return self.func(x)


def preprocess(x, y):
    return x.view(-1, 1, 28, 28), y


class WrappedDataLoader:
    def __init__(self, dl, func):
        self.dl = dl
        self.func = func

    def __len__(self):
        return len(self.dl)

    def __iter__(self):
        for b in self.dl:
            yield self.func(*b)


def head(pool):
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 10, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        pool,
        Lambda(lambda x: x.view(x.size(0), -1)),
    )


pooled = {}
device = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
for name, pool in (("avg", nn.AvgPool2d(7)), ("adaptive", nn.AdaptiveAvgPool2d(1))):
    net = head(pool).to(device)
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    wrapped = [WrappedDataLoader(dl, preprocess) for dl in (train_dl, valid_dl)]
    pooled[name] = fit(1, net, F.cross_entropy, opt, *wrapped)
pooled_avg, pooled_adaptive = pooled["avg"], pooled["adaptive"]
print(loss_batch, weights[:1, :3], bias)
