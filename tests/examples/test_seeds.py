"""Every seed runs as a reader runs it with --quick: a fresh process, warnings as errors, and its output is right.

S002's numbers are those of its article to the last digit; where the real data is beside the project, the protocol
that takes seconds must reach what its article reports.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg
import tinygrad_cnn.nn.functional as F

PROJECT = Path(__file__).parents[2]
SEEDS = PROJECT / "examples" / "seeds"
DATA = PROJECT.parent / "shared" / "data"

# script, further arguments, lines that its output must have (regular expressions)
QUICK = [
    (
        "s000_victorzhou",
        (),
        [
            r"^\[Step 100\] Past 100 steps: Average Loss 2\.[23]\d\d \| Accuracy: \d+%",
            r"^Test Accuracy: 0\.[89]",
            r"by the centre pixel: 80$",
            r"lower conv that learn: 2 of 2$",
        ],
    ),
    ("s000_victorzhou", ("--protocol", "twin", "--epochs", "2"), [r"^Test Accuracy: 0\.[89]"]),
    ("s000_victorzhou", ("--protocol", "official"), [r"^epoch 12: .* test accuracy 9\d", r"^Test Accuracy: 0\.9"]),
    (
        "s001_andreoni",
        (),
        [r"article's way .* test images +[89]\d", r"^ours .* test images +[89]\d", r"an image: True$", r"^feature map"],
    ),
    (
        "s002_huxiaoman",
        (),
        [
            r"^\[\[ 6\.  7\.  5\.\]\n \[ 3\. -1\. -1\.\]\n \[ 2\. -1\.  4\.\]\]$",
            r"^\[\[-1\.008  0\.99  -0\.009\]$",
            r"^bias: 0\.991$",
            r"^bias: -0\.007$",
            r"^tanh .* True$",
            r"gradient of the 9: 10; with = instead of \+=: 4$",
        ],
    ),
    (
        "s003_hermosayhl",
        (),
        [
            r"^parameters for images of 224 x 224: 111,267$",
            r"^softmax of .*: \[4\.248\d*e-18, 4\.5397\d*e-05, 0\.99995",
            r"^batch norm, dropout .* [5-9]\d\.\d%|100\.0%",
            r"^no_grad holds less: True$",
            r"^Adam  ",
            r"^distilled  ",
            r"^precision  ",
        ],
    ),
    (
        "s004_cs231n",
        (),
        [
            r"larger error than the assignment's: 0$",
            r"differs from the given numbers by 2\.21e-08",
            r"^first loss 2\.30[23]\d\d .* with reg=0\.5 2\.50[789]",
            r"learned by heart: .* accuracy 1\.0$",
            r"\(iteration 18 / 18\)",
            r"means \[6\.000, 7\.000, 8\.000\]  stds \[3\.000, 4\.000, 5\.000\]",
            r"\(N·H·W, C\): True",
        ],
    ),
]

PICTURES = {
    "s001_andreoni": {"feature_maps.png"},
    "s003_hermosayhl": {"grad_cam.png"},
    "s004_cs231n": {"filters.png", "grey.png", "edges.png"},
}


def run(name: str, *arguments: str) -> str:
    """The output of a seed; it must succeed, and warn of nothing."""
    command = [sys.executable, "-W", "error", str(SEEDS / f"{name}.py"), *arguments]
    # One thread each: programs that run side by side would otherwise wait for each other's threads.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "lines"), [pytest.param(*row, id=" ".join([row[0], *row[1][1:2]])) for row in QUICK]
)
def test_quick(name, arguments, lines, tmp_path):
    pytest.importorskip("PIL")
    output = run(name, "--quick", "--out", str(tmp_path), *arguments)
    for line in lines:
        assert re.search(line, output, re.MULTILINE), f"{line!r} is not in the output:\n{output}"
    assert {path.name for path in tmp_path.iterdir()} == PICTURES.get(name, set())


if (DATA / "mnist").is_dir():  # MNIST, where it is beside the project

    @pytest.mark.slow
    def test_the_article_s_78_percent():
        output = run("s000_victorzhou", "--root", str(DATA / "mnist"))
        (accuracy,) = re.findall(r"^Test Accuracy: ([\d.]+)$", output, re.MULTILINE)
        assert float(accuracy) >= 0.78


def test_every_seed_is_tested():
    assert {path.stem for path in SEEDS.glob("s0*.py")} == {name for name, *_ in QUICK}


@pytest.mark.parametrize("path", sorted(SEEDS.glob("s0*.py")), ids=lambda path: path.stem)
def test_a_seed_says_what_it_teaches_and_where_it_differs(path):
    opening = path.read_text(encoding="utf-8").split('"""')[1]
    assert opening.startswith(f"{path.stem[:4].upper()}. ")
    assert "teaches. " in opening
    assert "\nWhere ours differs. " in opening


# S002's article prints these, and its code base the pooling's inputs.

A = [
    [[0, 1, 1, 0, 2], [2, 2, 2, 2, 1], [1, 0, 0, 2, 0], [0, 1, 1, 0, 0], [1, 2, 0, 0, 2]],
    [[1, 0, 2, 2, 0], [0, 0, 0, 2, 0], [1, 2, 1, 2, 1], [1, 0, 0, 0, 0], [1, 2, 1, 1, 1]],
    [[2, 1, 2, 0, 0], [1, 0, 0, 1, 0], [0, 2, 1, 0, 1], [0, 1, 2, 2, 2], [2, 1, 0, 0, 1]],
]
G = [[[0, 1, 1], [2, 2, 2], [1, 0, 0]], [[1, 0, 2], [0, 0, 0], [1, 2, 1]]]
W = [
    [[[-1, 1, 0], [0, 1, 0], [0, 1, 1]], [[-1, -1, 0], [0, 0, 0], [0, -1, 0]], [[0, 0, -1], [0, 1, 0], [1, -1, -1]]],
    [[[1, 1, -1], [-1, -1, 1], [0, -1, 1]], [[0, 1, 0], [-1, 0, -1], [-1, 1, 0]], [[-1, 0, 0], [-1, 0, 1], [-1, 0, 0]]],
]
OUT = [[[6, 7, 5], [3, -1, -1], [2, -1, 4]], [[2, -5, -8], [1, -4, -4], [0, -5, -5]]]
DW = [
    [[[8, 10, 9], [5, 6, 6], [6, 5, 4]], [[4, 1, 4], [10, 9, 12], [2, 2, 2]], [[2, 2, 3], [5, 8, 5], [7, 8, 7]]],
    [[[2, 2, 1], [4, 7, 3], [4, 4, 2]], [[0, 1, 0], [9, 5, 4], [4, 0, 0]], [[4, 6, 5], [2, 5, 2], [2, 1, 0]]],
]
DX = [
    [[-1, 1, 1, -2, -1], [1, -1, 3, -1, 1], [2, 0, 2, 0, 2], [4, 3, 4, 1, 3], [0, -1, -2, 1, -1]],
    [[0, -1, 0, -2, 0], [-1, -2, -3, -4, -1], [0, 0, 0, 0, 0], [-2, 0, 0, 0, -1], [0, -3, 0, -3, 0]],
    [[0, 1, 1, -2, 1], [0, -1, -1, -4, -1], [2, 0, 2, 0, 2], [-2, -3, -2, -1, -2], [1, -1, 0, 1, 0]],
]
FILTER1 = [
    [[-1.008, 0.99, -0.009], [-0.005, 0.994, -0.006], [-0.006, 0.995, 0.996]],
    [[-1.004, -1.001, -0.004], [-0.01, -0.009, -0.012], [-0.002, -1.002, -0.002]],
    [[-0.002, -0.002, -1.003], [-0.005, 0.992, -0.005], [0.993, -1.008, -1.007]],
]
FILTER2 = [
    [[0.998, 0.998, -1.001], [-1.004, -1.007, 0.997], [-0.004, -1.004, 0.998]],
    [[0, 0.999, 0], [-1.009, -0.005, -1.004], [-1.004, 1, 0]],
    [[-1.004, -0.006, -0.005], [-1.002, -0.005, 0.998], [-1.002, -0.001, 0]],
]


def test_s002_convolution_to_the_last_digit():
    x, w, b = (tg.tensor(v, dtype=tg.float64, requires_grad=True) for v in ([A], W, [1, 0]))
    out = F.conv2d(x, w, b, stride=2, padding=1)
    assert out[0].tolist() == OUT
    out.backward(tg.tensor([G], dtype=tg.float64))
    assert w.grad.tolist() == DW
    assert b.grad.tolist() == [9, 7]
    assert x.grad[0].tolist() == DX
    tg.optim.SGD([w, b], lr=0.001).step()
    np.testing.assert_allclose(w.detach().numpy(), [FILTER1, FILTER2], rtol=0, atol=1e-15)
    assert b.tolist() == [0.991, -0.007]


def test_s002_pooling():
    x = tg.tensor(
        [
            [[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]],
            [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1], [3, 4, 5, 6]]],
        ],
        dtype=tg.float64,
        requires_grad=True,
    )
    out = F.max_pool2d(x, 2)
    assert out[:, 0].tolist() == [[[6, 8], [3, 4]], [[5, 7], [9, 6]]]
    out.backward(tg.tensor([[[[1, 2], [2, 4]]], [[[3, 5], [8, 2]]]], dtype=tg.float64))
    assert x.grad[:, 0].tolist() == [
        [[0, 0, 0, 0], [0, 1, 0, 2], [2, 0, 0, 0], [0, 0, 0, 4]],
        [[0, 0, 0, 0], [0, 3, 0, 5], [0, 8, 0, 0], [0, 0, 0, 2]],
    ]


def test_s002_the_smallest_example():
    out = F.conv2d(tg.tensor([[[[1.0, 0], [1, 1]]]]), tg.tensor([[[[1.0, -1], [1, -1]]]]))
    assert F.relu(out).item() == 1


# S004's given numbers, as the assignment prints them.

CONV = [
    [
        [[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
        [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
        [[0.50813986, 0.54309974], [0.64082444, 0.67101435]],
    ],
    [
        [[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
        [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
        [[2.36270298, 2.36904306], [2.38090835, 2.38247847]],
    ],
]
POOL = [
    [
        [[-0.26315789, -0.24842105], [-0.20421053, -0.18947368]],
        [[-0.14526316, -0.13052632], [-0.08631579, -0.07157895]],
        [[-0.02736842, -0.01263158], [0.03157895, 0.04631579]],
    ],
    [
        [[0.09052632, 0.10526316], [0.14947368, 0.16421053]],
        [[0.20842105, 0.22315789], [0.26736842, 0.28210526]],
        [[0.32631579, 0.34105263], [0.38526316, 0.4]],
    ],
]


def line(low, high, *shape):
    return tg.from_numpy(np.linspace(low, high, num=int(np.prod(shape))).reshape(shape))


def relative_error(a, b):
    return (abs(a - b) / np.maximum(1e-8, abs(a) + abs(b))).max()


def test_s004_convolution_and_pooling():
    out = F.conv2d(line(-0.1, 0.5, 2, 3, 4, 4), line(-0.2, 0.3, 3, 3, 4, 4), line(-0.1, 0.2, 3), stride=2, padding=1)
    assert relative_error(out.numpy(), np.array(CONV)) == pytest.approx(2.2121476e-08, rel=1e-6)
    pooled = F.max_pool2d(line(-0.3, 0.4, 2, 3, 4, 4), 2)
    assert relative_error(pooled.numpy(), np.array(POOL)) == pytest.approx(4.1666665e-08, rel=1e-6)


def test_s004_affine_and_relu():
    out = F.linear(line(-0.1, 0.5, 2, 120), line(-0.2, 0.3, 120, 3).T, line(-0.3, 0.1, 3))
    expected = [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=6e-9)
    expected = [[0, 0, 0, 0], [0, 0, 0.04545455, 0.13636364], [0.22727273, 0.31818182, 0.40909091, 0.5]]
    np.testing.assert_allclose(F.relu(line(-0.5, 0.5, 3, 4)).numpy(), expected, rtol=0, atol=6e-9)


def test_s004_two_layers():
    W1, b1 = line(-0.7, 0.3, 5, 50), line(-0.1, 0.9, 50)
    W2, b2 = line(-0.3, 0.4, 50, 7), line(-0.9, 0.1, 7)
    scores = F.relu(line(-5.5, 4.5, 5, 3).T @ W1 + b1) @ W2 + b2
    first = [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434, 15.33206765, 16.09215096]
    np.testing.assert_allclose(scores[0].numpy(), first, rtol=0, atol=6e-9)
    loss = F.cross_entropy(scores, tg.tensor([0, 5, 1]))
    assert loss.item() == pytest.approx(3.4702243556, abs=1e-10)
    assert (loss + 0.5 * ((W1 * W1).sum() + (W2 * W2).sum())).item() == pytest.approx(26.5948426952, abs=1e-10)


def stepped(make, state, w_grad):
    """Parameters after one step, of an optimizer whose state is already under way."""
    w = tg.nn.Parameter(line(-0.4, 0.6, 4, 5))
    optimizer = make([w])
    w.grad = tg.zeros_like(w)
    optimizer.step()  # makes the state
    with tg.no_grad():
        w.copy_(line(-0.4, 0.6, 4, 5))
    for name, value in state.items():
        optimizer.state[w][name] = value
    w.grad = w_grad
    optimizer.step()
    return w.detach().numpy()


@pytest.mark.parametrize(
    ("make", "state", "first", "last"),
    [
        (  # the assignment's v = mu·v - lr·g is -lr times PyTorch's
            lambda p: tg.optim.SGD(p, lr=1e-3, momentum=0.9),
            lambda: {"momentum_buffer": line(0.6, 0.9, 4, 5) / -1e-3},
            [0.1406, 0.20738947, 0.27417895],
            1.4096,
        ),
        (
            lambda p: tg.optim.RMSprop(p, lr=1e-2, alpha=0.99, eps=1e-8),
            lambda: {"square_avg": line(0.6, 0.9, 4, 5)},
            [-0.39223849, -0.34037513, -0.28849239],
            0.59576619,
        ),
        (  # t is 5 before the step
            lambda p: tg.optim.Adam(p, lr=1e-2),
            lambda: {"exp_avg": line(0.6, 0.9, 4, 5), "exp_avg_sq": line(0.7, 0.5, 4, 5), "step": tg.tensor(5.0)},
            [-0.40094747, -0.34836187, -0.29577703],
            0.59801459,
        ),
    ],
    ids=["momentum", "RMSProp", "Adam"],
)
def test_s004_optimizers(make, state, first, last):
    w = stepped(make, state(), line(-0.6, 0.4, 4, 5))
    np.testing.assert_allclose(w[0, :3], first, rtol=0, atol=6e-9)
    assert w[3, 4] == pytest.approx(last, abs=6e-9)
