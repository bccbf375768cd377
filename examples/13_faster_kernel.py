"""13. Can the library be made faster from outside, and how does one know that it is still right?

All heavy work is done by kernels: functions on arrays. Each stands in a textbook, as loops and sums to read, which is
the law, and once more in NumPy, to run. A faster version of the same name and parameters can be put on top, with a
guard that says which arguments it takes; the last version that takes them runs, and no caller ever asks which.

Here: sums over windows, which avg_pool2d is made of. The law adds up h·w numbers for each window:

    out[n,c,p,q] = Σ_{i,j} x[n,c,p+i,q+j]                             (N,C,H,W) -> (N,C,P,Q)

But the sum over a box is a sum over a column of sums over rows, h + w additions instead of h·w:

    rows[n,c,y,q] = Σ_j x[n,c,y,q+j]        out[n,c,p,q] = Σ_i rows[n,c,p+i,q]
"""

import time

import numpy as np

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import kernel

law, *others = kernels.stack("sum_pool2d")
print(f"versions of sum_pool2d before: the textbook's and {len(others)} faster")


def is_box(input, kernel_size, *args):
    """The guard: a window of one row or one column is left to the versions below."""
    return min(kernel_size) > 1


@kernels.faster(when=is_box)
def sum_pool2d(input, kernel_size, stride, padding, output_size):
    (h, w), (P, Q), H = kernel_size, output_size, input.shape[2]
    rows = kernel.sum_pool2d(input, (1, w), (1, stride[1]), (0, padding[1]), (H, Q))  # (N,C,H,W) -> (N,C,H,Q)
    return kernel.sum_pool2d(rows, (h, 1), (stride[0], 1), (padding[0], 0), (P, Q))  # -> (N,C,P,Q)


print(f"versions now: {len(kernels.stack('sum_pool2d'))}\n")

# Is it equal? Over random shapes, windows, strides and paddings, and arrays that are views.
rng = np.random.default_rng(0)
worst, compared = 0.0, 0
while compared < 300:
    H, W, h, w = rng.integers(1, 12, 4)
    stride, padding = tuple(rng.integers(1, 4, 2)), (rng.integers(0, h // 2 + 1), rng.integers(0, w // 2 + 1))
    P, Q = (H + 2 * padding[0] - h) // stride[0] + 1, (W + 2 * padding[1] - w) // stride[1] + 1
    if min(P, Q) < 1:
        continue
    x = rng.standard_normal((2, H, W, 3)).transpose(0, 3, 1, 2)
    arguments = (x, (h, w), stride, padding, (P, Q))
    compared += 1
    worst = max(worst, abs(kernel.sum_pool2d(*arguments) - law(*arguments)).max())
print(f"largest difference from the law, over {compared} random shapes: {worst:.0e}")

# Is it faster, where the user sees it?
image = tg.rand(4, 8, 64, 64, dtype=tg.float64)


def milliseconds():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        F.avg_pool2d(image, 11, stride=1)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


with kernels.use("numpy"):
    slow = milliseconds()
quick = milliseconds()
print(f"avg_pool2d with windows of 11 x 11: {slow:.1f} ms on NumPy, {quick:.1f} ms now")
print(f"faster and equal: {quick < slow and worst < 1e-12}")
print("Notice that it differs in the last digits: the same numbers are added in another order, and a test of a kernel")
print("must allow for as much, and for no more.")
