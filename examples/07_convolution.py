"""07. What is a convolution, what are its two gradients, and why is it fast as a matrix product?

N images, C input channels, O output channels, H x W pixels, a window of h x w, P = H-h+1, Q = W-w+1:

    out[n,o,p,q] = Σ_{c,i,j} x[n,c,p+i,q+j] · W[o,c,i,j]             (N,C,H,W) (O,C,h,w) -> (N,O,P,Q)

Let g = dL/d(out), of out's shape (N,O,P,Q). A weight has a part in every place (n,p,q) of the output, and
its slope there is the pixel that it met, so that its gradient is a sum over places:

    dW[o,c,i,j] = Σ_{n,p,q} g[n,o,p,q] · x[n,c,p+i,q+j]              (O,C,h,w): x convolved with g

A pixel at (y,x) has a part in out[p,q] if p+i = y and q+j = x for some i, j. So p = y-i, q = x-j, and
wherever that lies outside of the output g counts as 0:

    dx[n,c,y,x] = Σ_{o,i,j} g[n,o,y-i,x-j] · W[o,c,i,j]              (N,C,H,W)

The minus signs say that this is a convolution of g, with h-1 and w-1 zeros around it, with the filters
turned by 180 degrees, and with o and c exchanged. Both gradients are convolutions again.
"""

import time

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F


def conv_loops(x, W):
    """The formula as it stands: seven loops."""
    (N, C, H, width), (O, _, h, w) = x.shape, W.shape
    out = np.zeros((N, O, H - h + 1, width - w + 1), x.dtype)
    for n, o, p, q in np.ndindex(out.shape):
        for c, i, j in np.ndindex(C, h, w):
            out[n, o, p, q] += x[n, c, p + i, q + j] * W[o, c, i, j]
    return out


def im2col(x, window):
    """Every window of x as a row: (N,C,H,W) -> (N·P·Q, C·h·w). Pixels are copied, and nothing is computed."""
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(2, 3))  # (N, C, P, Q, h, w), a view
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * window[0] * window[1])


def conv_im2col(x, W):
    """Windows times filters, one matrix product: (N·P·Q, C·h·w) @ (C·h·w, O) -> (N·P·Q, O)."""
    (N, _, H, width), (O, _, h, w) = x.shape, W.shape
    out = im2col(x, (h, w)) @ W.reshape(O, -1).T
    return out.reshape(N, H - h + 1, width - w + 1, O).transpose(0, 3, 1, 2)


def gradient_W(g, x):
    """x convolved with g; n takes the part of the channels, so it is exchanged with c and o."""
    return conv_im2col(x.swapaxes(0, 1), g.swapaxes(0, 1)).swapaxes(0, 1)


def gradient_x(g, W):
    """g in a frame of zeros, convolved with the turned filters."""
    h, w = W.shape[2:]
    framed = np.pad(g, ((0, 0), (0, 0), (h - 1, h - 1), (w - 1, w - 1)))
    return conv_im2col(framed, W[:, :, ::-1, ::-1].swapaxes(0, 1))


rng = np.random.default_rng(0)
x, W = rng.standard_normal((4, 3, 16, 16)), rng.standard_normal((8, 3, 3, 3))
x_tensor, W_tensor = (tg.tensor(array, requires_grad=True) for array in (x, W))


def seconds(f):
    f()  # a first time, to warm up
    times = []
    for _ in range(3):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


out = F.conv2d(x_tensor, W_tensor)
print(f"images {x.shape}, filters {W.shape} -> {tuple(out.shape)}\n")
print("version      milliseconds   differs from the loops by")
law = conv_loops(x, W)
for name, f in (
    ("seven loops", lambda: conv_loops(x, W)),
    ("im2col", lambda: conv_im2col(x, W)),
    ("the library", lambda: F.conv2d(x_tensor, W_tensor).detach().numpy()),
):
    print(f"{name:12} {1000 * seconds(f):12.3f}   {abs(f() - law).max():.0e}")

g = rng.standard_normal(out.shape)
out.backward(tg.tensor(g))
error_W = abs(gradient_W(g, x) - W_tensor.grad.numpy()).max()
error_x = abs(gradient_x(g, W) - x_tensor.grad.numpy()).max()
print(f"\ndW from its formula {gradient_W(g, x).shape} differs from the library's by {error_W:.0e}")
print(f"dx from its formula {gradient_x(g, W).shape} differs from the library's by {error_x:.0e}")
print(f"both gradients agree: {max(error_W, error_x) < 1e-10}")
print("Notice that im2col multiplies no less than the loops do. It copies each pixel up to h·w = 9 times, so that all")
print("multiplications stand in one big matrix product, which machines do best: memory is traded for time.")
