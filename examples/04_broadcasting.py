"""04. A bias of 3 numbers is added to 4 rows of 3. What shape has its gradient, and why is it a sum?

NumPy's rule: shapes are compared from the right, and where one of them has length 1 or nothing, it is
repeated. (4, 3) + (3,) adds the same 3 numbers to each of 4 rows. So each bias moves 4 results, in 4 ways;
as x in lesson 01 had two edges, each bias has 4, and what comes back along them is added up:

    y[n,o] = b[o] + ...        dL/db[o] = Σ_n dL/dy[n,o] · 1        (4, 3) -> (3,)

The same sum over n is in the gradient of a linear layer's weights, since every row uses them, too:

    y[n,o] = Σ_i x[n,i]·W[o,i] + b[o]        (N, I) (O, I) (O,) -> (N, O)
    dL/dW[o,i] = Σ_n g[n,o]·x[n,i]           g = dL/dy:  gᵀ @ x        (O, I)
    dL/dx[n,i] = Σ_o g[n,o]·W[o,i]                       g @ W         (N, I)
"""

import tinygrad_cnn as tg

tg.manual_seed(0)
N, I, O = 4, 2, 3

x = tg.randn(N, I, requires_grad=True)
W = tg.randn(O, I, requires_grad=True)
b = tg.randn(O, requires_grad=True)
g = tg.arange(N * O).reshape(N, O).float()  # a gradient that is easy to follow: 0, 1, 2 ... 11

y = x @ W.T + b
y.backward(g)

print("the gradient that arrives at y, (4, 3):")
print(g.numpy())
print("\nthe gradient of b, (3,): its column sums")
print(b.grad.numpy())

# The same without broadcasting: four copies of b, made by hand, each with a gradient of its own.
copies = [b.detach().requires_grad_() for _ in range(N)]
(x.detach() @ W.detach().T + tg.stack(copies)).backward(g)
print("\nfour copies of b instead, and the gradient of each:")
for copy in copies:
    print(copy.grad.numpy())

print()
for name, ours, formula in (("b", b.grad, g.sum(0)), ("W", W.grad, g.T @ x), ("x", x.grad, g @ W)):
    print(f"d{name} {tuple(ours.shape)!s:7} differs from its formula by {abs(ours - formula).max().item():.0e}")

s = tg.tensor(2.0, requires_grad=True)
(s * tg.ones(1000, 1000)).sum().backward()
print(f"\nOne number times a million ones: its gradient is one number, {s.grad.item():,.0f}.")
print("Notice: whatever the forward pass repeats, the backward pass adds up. A gradient has the shape of its tensor.")
