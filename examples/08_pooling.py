"""08. A max-pool throws three of four numbers away. What is its gradient, and what if two are equal?

Window h x w, stride s:

    out[n,c,p,q] = max over i,j of x[n,c,ps+i,qs+j]                  (N,C,H,W) -> (N,C,P,Q)

Let (i*,j*) be the place of the greatest in window (p,q). Moved a little, the greatest moves the output by as
much, slope 1; any other number of the window moves nothing, slope 0. So g = dL/d(out), of shape (N,C,P,Q),
goes back to the chosen places and nowhere else, and all that a pool has to remember is its choice:

    dx[n,c,y,x] = Σ g[n,c,p,q] over the windows with (ps+i*, qs+j*) = (y,x)         (N,C,H,W)

The Σ matters where windows overlap (s < h): one number can be the greatest of several, and is paid by each.
Where two numbers are equal there is a kink and no derivative; any split of g is as good, as long as g is
paid out once. The rule here is PyTorch's: the first of equals gets all.
"""

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F


def pool_backward(x, window, stride, g):
    """The formula above as loops, on one channel: (H,W), (P,Q) -> (H,W)."""
    dx = np.zeros_like(x)
    for p, q in np.ndindex(g.shape):
        top, left = p * stride, q * stride
        seen = x[top : top + window, left : left + window]
        i, j = np.unravel_index(seen.argmax(), seen.shape)  # argmax: the first of equals
        dx[top + i, left + j] += g[p, q]  # += and not =, for windows that overlap
    return dx


def show(title, x, window, stride):
    """Pool x, send back the gradient 1, 2, 3 ..., and print what arrives."""
    image = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    out = F.max_pool2d(image[None, None], window, stride)[0, 0]
    g = tg.arange(1, out.numel() + 1).reshape(out.shape).double()
    out.backward(g)
    print(f"{title}: window {window}, stride {stride}")
    columns = [image.detach(), out.detach(), g, image.grad]
    print("".join(f"{name:20}" for name in ("x", "max", "g", "dx")).rstrip())
    for row in range(len(image)):
        cells = [" ".join(f"{v:3.0f}" for v in c[row].tolist()) if row < len(c) else "" for c in columns]
        print("".join(f"{cell:20}" for cell in cells).rstrip())
    formula = pool_backward(image.detach().numpy(), window, stride, g.numpy())
    assert (formula == image.grad.numpy()).all(), "the library and the formula differ"
    print(f"sum of g {g.sum().item():.0f}, sum of dx {image.grad.sum().item():.0f}\n")


show("windows apart", [[1, 5, 2, 0], [3, 4, 1, 8], [0, 2, 6, 7], [9, 1, 5, 3]], window=2, stride=2)
show("windows that overlap", [[1, 0, 2, 0], [0, 9, 1, 3], [4, 1, 8, 2], [0, 5, 1, 0]], window=3, stride=1)
show("ties", [[0, 0, 7, 7], [0, 0, 7, 7], [3, 3, 1, 2], [2, 3, 2, 1]], window=2, stride=2)

print("In all three cases the loops and the library agree, and the sum of dx is the sum of g.")
print("Notice the 9 of the second picture: the greatest of all four windows, it receives 1 + 2 + 3 + 4 = 10.")
print("Notice the 7s of the third: to pay 2 to all four would be 8 for a window whose output is worth 2.")
