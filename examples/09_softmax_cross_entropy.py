"""09. How do scores become probabilities, and why is the gradient of the loss just p - y?

    softmax        p[k] = exp(z[k]) / Σ_j exp(z[j])                   (K,) -> (K,), all positive, sum 1
    cross-entropy  L = -Σ_k y[k]·log p[k]                             y: the true class as 0, 0, 1, 0 ...

Adding one number to all scores changes nothing, since it cancels: exp(z[k]+a) = exp(a)·exp(z[k]). With
a = -max z no exponent is above 0, so that nothing overflows, and one term of the sum is 1, so that nothing
is divided by 0. The logarithm is never taken of a p that may have been rounded to 0:

    log p[k] = z[k] - logsumexp(z)        logsumexp(z) = m + log Σ_j exp(z[j] - m),  m = max z

The gradients. With d logsumexp / dz[i] = p[i], and [i=k] for 1 if i is k, else 0:

    d log p[k] / dz[i] = [i=k] - p[i]
    d p[k] / dz[i]     = p[k]·([i=k] - p[i])                          the Jacobian of softmax, (K, K)
    dL / dz[i]         = -Σ_k y[k]·([i=k] - p[i]) = p[i]·Σ_k y[k] - y[i] = p[i] - y[i]
"""

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F

z = np.array([5000.0, 5030.0, 5040.0])
with np.errstate(all="ignore"):
    plain = np.exp(z) / np.exp(z).sum()
shifted = np.exp(z - z.max()) / np.exp(z - z.max()).sum()

print(f"scores z           {z}")
print(f"exp(z)/Σexp(z)     {plain}             exp(5000) is inf, and inf/inf is not a number")
print(f"z - max z          {z - z.max()}")
print(f"softmax            {shifted}")
print(f"the library's      {F.softmax(tg.tensor(z), dim=0).numpy()}")
print(f"its log_softmax    {F.log_softmax(tg.tensor(z), dim=0).numpy()}\n")

scores = tg.tensor([[2.0, 1.0, -1.0, 0.5]], dtype=tg.float64, requires_grad=True)
loss = F.cross_entropy(scores, tg.tensor([1]))  # scores go in, not probabilities
loss.backward()

p = F.softmax(scores.detach(), dim=1)
y = F.one_hot(tg.tensor([1]), 4)
jacobian = tg.autograd.functional.jacobian(lambda z: F.softmax(z, dim=0), scores.detach()[0]).numpy()
formula = np.diag(p[0].numpy()) - np.outer(p[0].numpy(), p[0].numpy())  # p[k]·([i=k] - p[i])

print(f"p                  {p[0].numpy().round(4)}")
print(f"y                  {y[0].numpy()}")
print(f"p - y              {(p - y)[0].numpy().round(4)}")
print(f"gradient of loss   {scores.grad[0].numpy().round(4)}")
print(f"loss = -log p[1]   {loss.item():.4f}\n")
print(f"Jacobian of softmax: formula and library differ by {abs(jacobian - formula).max():.0e}")
print(f"p - y and the gradient differ by {abs((p - y) - scores.grad).max().item():.0e}")
print("Notice that p - y sums to 0: what the true class gains in score is what the others lose, each by its share.")
