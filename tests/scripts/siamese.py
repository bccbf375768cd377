"""Are these two digits the same? One backbone sees both, a small head compares what it saw."""

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import Dataset
from torchvision import datasets


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = torchvision.models.resnet18(weights=None)
        self.resnet.conv1 = nn.Conv2d(1, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)
        self.fc_in_features = self.resnet.fc.in_features
        self.resnet = torch.nn.Sequential(*(list(self.resnet.children())[:-1]))  # all but the classifier
        self.fc = nn.Sequential(nn.Linear(self.fc_in_features * 2, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
        self.sigmoid = nn.Sigmoid()
        self.resnet.apply(self.init_weights)
        self.fc.apply(self.init_weights)

    def init_weights(self, m):
        if isinstance(m, nn.Linear):
            torch.nn.init.xavier_uniform_(m.weight)
            m.bias.data.fill_(0.01)

    def forward_once(self, x):
        output = self.resnet(x)
        return output.view(output.size()[0], -1)

    def forward(self, input1, input2):
        output = torch.cat((self.forward_once(input1), self.forward_once(input2)), 1)
        return self.sigmoid(self.fc(output))


class Matcher(Dataset):
    """Pairs of digits: of one class, or of two."""

    def __init__(self, root, train, download=False):
        super().__init__()
        self.dataset = datasets.MNIST(root, train=train, download=download)
        self.data = self.dataset.data.unsqueeze(1).clone()
        self.grouped_examples = {}
        np_arr = np.array(self.dataset.targets.clone(), dtype=None, copy=None)
        for i in range(10):
            self.grouped_examples[i] = np.where(np_arr == i)[0]

    def __len__(self):
        return 64

    def __getitem__(self, index):
        one = random.randint(0, 9)
        other = one if index % 2 == 0 else (one + random.randint(1, 9)) % 10
        first = self.data[np.random.choice(self.grouped_examples[one])].clone().float()
        second = self.data[np.random.choice(self.grouped_examples[other])].clone().float()
        return first / 255, second / 255, torch.tensor(1 if one == other else 0, dtype=torch.float)


random.seed(3)
np.random.seed(3)
torch.manual_seed(3)
device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
train_loader = torch.utils.data.DataLoader(Matcher("../data", train=True, download=True), shuffle=True, batch_size=16)
test_loader = torch.utils.data.DataLoader(Matcher("../data", train=False), batch_size=32)
model = SiameseNetwork().to(device)
optimizer = optim.Adadelta(model.parameters(), lr=0.1)
scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
criterion = nn.BCELoss()

losses = []
for _epoch in range(2):
    model.train()
    for images_1, images_2, targets in train_loader:
        images_1, images_2, targets = images_1.to(device), images_2.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = model(images_1, images_2).squeeze()
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()

model.eval()
correct = 0
with torch.no_grad():
    for images_1, images_2, targets in test_loader:
        outputs = model(images_1, images_2).squeeze()
        pred = torch.where(outputs > 0.5, 1, 0)
        correct += pred.eq(targets.view_as(pred)).sum().item()
embedding = F.relu(model.forward_once(images_1))
torch.save(model.state_dict(), "siamese_network.pt")
