"""05. How does a gradient find the line through a cloud of points?

    prediction   ŷ = w·x + b                             (N,) -> (N,)
    loss         L(w, b) = 1/N · Σ (ŷ - y)²              one number: how wrong the line is

The gradient says in which direction L grows fastest, so a small step against it makes the line less wrong.
Backward, a step, zero the gradients, and again: this is the training loop of every network in this course.
"""

import numpy as np

import tinygrad_cnn as tg

tg.manual_seed(0)
x = tg.rand(60) * 4 - 2
y = 1.5 * x - 1 + 0.4 * tg.randn(60)

w = tg.zeros((), requires_grad=True)
b = tg.zeros((), requires_grad=True)

print("step    loss       w       b")
for step in range(101):
    loss = ((w * x + b - y) ** 2).mean()
    loss.backward()  # dL/dw = 2/N · Σ (ŷ - y)·x, dL/db = 2/N · Σ (ŷ - y): nobody had to write that down
    if step in (0, 1, 2, 5, 10, 20, 50, 100):
        print(f"{step:4}  {loss.item():6.3f}  {w.item():6.3f}  {b.item():6.3f}")
    with tg.no_grad():  # a step is not part of the graph
        for parameter in (w, b):
            parameter -= 0.1 * parameter.grad
            parameter.grad = None  # otherwise the next backward would add to it

slope, offset = np.polyfit(x.numpy(), y.numpy(), 1)
print(f"exact solution {slope:7.3f} {offset:7.3f}\n")

rows, columns = 15, 61
picture = [[" "] * columns for _ in range(rows)]


def dot(at_x, at_y, mark):
    row, column = round((3 - at_y) / 8 * (rows - 1)), round((at_x + 2) / 4 * (columns - 1))
    if 0 <= row < rows:
        picture[row][column] = mark


for place in np.linspace(-2, 2, columns):
    dot(place, w.item() * place + b.item(), "·")
for point in zip(x.tolist(), y.tolist(), strict=True):
    dot(*point, "o")
print("\n".join("".join(row).rstrip() for row in picture))
print(f"\nThe line found by gradient descent: y = {w.item():.3f}·x {b.item():+.3f}")
print("Notice that the first steps do most of the work: a flat loss has a small gradient, and takes small steps.")
