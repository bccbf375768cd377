"""10. How does a network learn to read handwriting?

All lessons so far in one program: convolutions find strokes, pooling forgets where exactly they were, a linear
layer weighs what was found, cross-entropy says how wrong that was, and backward how to be less wrong.

The program is written as for PyTorch, but for the first line and the data: 1,797 digits by 13 people, 8 x 8
pixels, which come with the library. Every fifth is kept for the test, and never trained on.
"""

import argparse
import time

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, optim
from tinygrad_cnn.data import Digits
from tinygrad_cnn.utils.data import DataLoader

parser = argparse.ArgumentParser(description="Train a small CNN on handwritten digits.")
parser.add_argument("--epochs", type=int, default=10, help="how often all training images are seen (default: 10)")
epochs = parser.parse_args().epochs


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.linear = nn.Linear(64 * 2 * 2, 10)

    def forward(self, x):  # (N, 1, 8, 8)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # -> (N, 32, 4, 4)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # -> (N, 64, 2, 2)
        return self.linear(x.flatten(1))  # -> (N, 10), a score for each digit


torch.manual_seed(0)
train_set, test_set = Digits(train=True), Digits(train=False)
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=100)

model = Net()
optimizer = optim.Adam(model.parameters())
steps = epochs * len(train_loader)
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)  # first longer steps, then shorter
print(f"{len(train_set)} training images, {len(test_set)} test images")
print(f"{sum(p.numel() for p in model.parameters()):,} parameters\n")


def test():
    """The share of test images that are read correctly, and those that are not, with both readings."""
    model.eval()
    mistakes = []
    with torch.no_grad():
        for images, labels in test_loader:
            guesses = model(images).argmax(dim=1)
            for i in (guesses != labels).nonzero().flatten().tolist():
                mistakes.append((images[i, 0], labels[i].item(), guesses[i].item()))
    return 1 - len(mistakes) / len(test_set), mistakes


start = time.perf_counter()
for epoch in range(1, epochs + 1):
    model.train()
    total = 0.0
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(images)
    accuracy, mistakes = test()
    print(f"epoch {epoch:2}   loss {total / len(train_set):.4f}   test accuracy {accuracy:.2%}")
seconds = time.perf_counter() - start

for image, label, guess in mistakes[:2]:
    print(f"\na {label}, read as {guess}:")
    for row in image.tolist():
        print("  " + "".join(" .:-=+*#%@"[round(9 * ink)] * 2 for ink in row).rstrip())

print(f"\nTest accuracy {accuracy:.2%} after {seconds:.1f} s: {len(mistakes)} of {len(test_set)} images misread.")
print("Notice that the loop is still that of lesson 05: zero the gradients, backward, a step. And that the accuracy")
print("counts because no test image was ever trained on; the loss, which is lower each time, would promise too much.")
