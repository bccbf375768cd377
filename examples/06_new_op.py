"""06. How do I teach the library an operation that it does not know?

Write the function on arrays, and under it one rule for each input: the gradient of the input, from g, the
gradient of the result. What else a rule needs it names in its signature, and that is what will be saved.

    bump(x) = exp(-x²)        d bump/dx = -2x·exp(-x²) = -2x·out

gradcheck compares the rule with finite differences. A wrong rule must fail it, so that is tried as well.
"""

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.testing import GradcheckError, gradcheck, gradgradcheck


@tg.op
def bump(x):
    return np.exp(-x * x)


bump.grad(x=lambda g, x, out: -2 * g * x * out)


@tg.op
def bad_bump(x):
    return np.exp(-x * x)


bad_bump.grad(x=lambda g, x, out: -g * x * out)  # the 2 is missing

x = tg.linspace(-2, 2, 5, dtype=tg.float64).requires_grad_()
print("gradcheck(bump):", gradcheck(bump, x))
print("gradgradcheck(bump):", gradgradcheck(bump, x), "  the rule is made of ops, so it has a derivative itself")
try:
    gradcheck(bad_bump, x)
except GradcheckError as error:
    print(f"gradcheck(bad_bump): {type(error).__name__}\n    {error}")


class Bumps(nn.Module):
    """A curve as a sum of bumps, each with its place, its width and its height: (N, 1) -> (N, 1)."""

    def __init__(self, count):
        super().__init__()
        self.place = nn.Linear(1, count)
        self.height = nn.Linear(count, 1)

    def forward(self, x):
        return self.height(bump(self.place(x)))


tg.manual_seed(0)
x = tg.linspace(-3, 3, 200).reshape(-1, 1)
y = tg.sin(3 * x) * x
model = Bumps(24)
optimizer = tg.optim.Adam(model.parameters(), lr=0.05)

print("\nstep   mean squared error of x·sin(3x) as a sum of 24 bumps")
for step in range(601):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 150 == 0:
        print(f"{step:4}   {loss.item():.5f}")

print(f"\nThe new op, inside a network, brought the error to {loss.item():.5f}.")
print("Notice the two numbers in the error: the analytic one is half the numeric one, which is the 2 that is missing.")
