"""The rooms and the stack: which version of a kernel runs, and what may be registered."""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import faster, in_numpy, kernel, law, only_reference, stack, use
from tinygrad_cnn.testing.calls import draw, outcome

# topic, a file of textbook/ and of numpy/: kernels that the ops count on
KERNELS = {
    "conv": ["conv2d", "conv2d_input", "conv2d_weight"],
    "pool": ["max_pool2d", "max_pool2d_place", "max_pool2d_pick", "sum_pool2d", "sum_pool2d_spread"],
    "elementwise": ["relu", "relu_mask"],
    "erf": ["erf", "erfc"],
    "groups": ["group_norm", "group_norm_backward"],
    "norm": ["batch_norm", "batch_norm_backward", "batch_norm_eval"],
    "softmax": ["softmax", "log_softmax", "cross_entropy", "cross_entropy_backward"],
    "sums": ["sum", "sums_at"],
    "fused": ["conv2d_relu", "linear_relu"],
    "layout": ["contiguous"],
    "linear": ["linear", "matmul"],
    "optim": ["sgd", "adam"],
}
NAMES = kernels.names()
ROOT = Path(kernels.__file__).parent


@pytest.fixture
def half():
    """A made-up kernel in all rooms but the last, forgotten after the test."""

    for register, label in ((law, "textbook"), (in_numpy, "numpy")):
        usual = register(version_of_half(label))
    yield usual
    forget("half")


def version_of_half(label):
    def half(x):
        return (label, x / 2)

    return half


def forget(name):
    for table in (kernels._laws, kernels._in_numpy, kernels._faster, *kernels._tables.values()):
        table.pop(name, None)


def faster_half(label, when=None):
    return faster(when=when)(version_of_half(label))


@pytest.mark.parametrize(("topic", "name"), [(topic, name) for topic, names in KERNELS.items() for name in names])
def test_the_kernels_by_topic(topic, name):
    rooms = [version.__module__ for version in stack(name)[:2]]
    assert rooms == [f"tinygrad_cnn.kernels.textbook.{topic}", f"tinygrad_cnn.kernels.numpy.{topic}"]


@pytest.mark.parametrize("name", NAMES)
def test_the_textbook_comes_first_and_explains_itself(name):
    readable, usual, *fast = stack(name)
    assert readable.__name__ == usual.__name__ == name
    assert readable.__module__.startswith("tinygrad_cnn.kernels.textbook.")
    assert usual.__module__.startswith("tinygrad_cnn.kernels.numpy.")
    assert all(version.__module__.startswith("tinygrad_cnn.kernels.fast.") for version in fast)
    for version in (readable, usual):
        assert "->" in version.__doc__ or "in place" in version.__doc__, "formula and shapes"
    assert ">>>" in readable.__doc__, "an example"


@pytest.mark.parametrize("name", NAMES)
def test_every_version_has_a_guard_or_none(name):
    assert len(stack(name)) - 2 == len(kernels.guards(name))


@pytest.mark.parametrize(
    ("room", "others"), [("textbook", ("numpy", "fast")), ("numpy", ("textbook", "fast")), ("fast", ("textbook",))]
)
def test_a_room_does_without_the_others(room, others):
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert not set(others) & set((node.module or "").split(".")), path


def test_the_machinery_knows_no_topic():
    topics = {path.stem for path in (ROOT / "fast").glob("*.py")}
    for path in (ROOT / "fast/machinery").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                names = {node.module, *(alias.name for alias in node.names)}
                assert not topics & names, path


def test_a_kernel_without_faster_versions_is_numpys_itself(half):
    assert kernel.half is half


def test_the_last_version_whose_guard_accepts_runs(half):
    faster_half("small", when=lambda x: x < 10)
    faster_half("tiny", when=lambda x: x < 1)
    assert [kernel.half(x) for x in (0.5, 2, 20)] == [("tiny", 0.25), ("small", 1.0), ("numpy", 10.0)]


def test_a_version_without_guard_takes_everything(half):
    faster_half("any")
    assert kernel.half(4) == ("any", 2)
    faster_half("small", when=lambda x: x < 10)
    assert [kernel.half(4)[0], kernel.half(40)[0]] == ["small", "any"]


@pytest.mark.parametrize(
    ("sizes", "small"),
    [
        ([10], True),
        ([600], False),
        ([10, 600], False),
        ([300, 300], True),
        ([[300, 200]], True),
        ([[300, None, 300]], False),
        ([10, [], [None]], True),
    ],
)
def test_small_arrays_are_left_to_numpy(half, monkeypatch, sizes, small):
    monkeypatch.setattr(kernels, "SMALL", 512)
    make = lambda n: n if n is None else np.ones(n, np.float32)
    assert kernels._are_small((*([*map(make, n)] if isinstance(n, list) else make(n) for n in sizes), 5)) == small


@pytest.mark.parametrize("name", [name for topic in kernels.EXACT for name in kernels.TOPICS[topic]])
def test_few_numbers_are_for_loops_with_numpys_bits(name, monkeypatch):
    from tinygrad_cnn.kernels.fast.machinery.launches import Launches

    monkeypatch.setattr(kernels, "SMALL", 10**9)
    for seed in range(3):
        args = draw(name, np.random.default_rng(seed), most=2000)
        loops, mine, theirs = Launches(), copy.deepcopy(args), copy.deepcopy(args)
        with use("fast"), loops.record():
            got = outcome(getattr(kernel, name), mine)
        with use("numpy"):
            want = outcome(getattr(kernel, name), theirs)
        assert len(loops)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)


def test_use_and_back(half):
    faster_half("any")
    with use("numpy"):
        assert (kernel.half(4), kernels.room()) == (("numpy", 2), "numpy")
        with use("fast"):
            assert (kernel.half(4), kernels.room()) == (("any", 2), "fast")
        with use("textbook"):
            assert (kernel.half(4), kernels.room()) == (("textbook", 2), "textbook")
        assert kernel.half(4) == ("numpy", 2)
    assert (kernel.half(4), kernels.room()) == (("any", 2), "fast")
    assert use("numpy")(lambda: kernel.half(4))() == ("numpy", 2)
    with only_reference():
        assert kernel.half(4) == ("numpy", 2)


def test_use_in_two_threads_that_do_not_nest(half):
    faster_half("any")
    one, other = use("textbook"), use("numpy")
    one.__enter__()
    other.__enter__()
    one.__exit__()
    assert kernel.half(4) == ("numpy", 2)
    other.__exit__()
    assert kernel.half(4) == ("any", 2)


def test_use_ends_with_an_error(half):
    faster_half("any")
    with pytest.raises(ZeroDivisionError), use("numpy"):
        raise ZeroDivisionError
    assert kernel.half(4) == ("any", 2)


@pytest.mark.parametrize(
    ("wish", "room"), [("Textbook", "textbook"), (" NUMPY", "numpy"), ("reference", "numpy"), ("fast", "fast")]
)
def test_a_room_goes_by_these_names(wish, room):
    with use(wish):
        assert kernels.room() == room


@pytest.mark.parametrize("wish", ["numba", "", None, 3])
def test_there_is_no_other_room(wish):
    with pytest.raises(ValueError, match=r"kernels.use: room is .*; it must be textbook, numpy or fast"):
        use(wish)


def test_a_kernel_that_lacks_a_version_takes_its_neighbours():
    def half(x):
        return x / 2

    try:
        in_numpy(half)
        with use("textbook"):
            assert kernel.half(4) == 2
        assert stack("half") == [half]
    finally:
        forget("half")


def test_the_stack_lists_the_textbook_first(half):
    any_ = faster_half("any")
    small = faster_half("small", when=abs)
    assert stack("half")[0](4) == ("textbook", 2)
    assert stack("half")[1:] == [half, any_, small]
    assert kernels.guards("half") == [None, abs]


def test_a_faster_version_needs_a_law():
    with pytest.raises(TypeError, match="'nowhere' has no version in textbook/ or numpy/"):

        @faster()
        def nowhere(x):
            return x


@pytest.mark.parametrize("register", [law, in_numpy, faster()])
def test_all_versions_have_the_same_parameters(half, register):
    def half(y):
        return y

    with pytest.raises(TypeError, match=r"'half' takes \['y'\], but its other versions take \['x'\]"):
        register(half)
    assert kernel.half(4) == ("numpy", 2)


def test_a_guard_takes_what_the_kernel_takes(half):
    with pytest.raises(TypeError, match=r"the guard of kernel 'half' takes \['x', 'y'\]"):
        faster_half("any", when=lambda x, y: True)
    faster_half("any", when=lambda *args: args[0] > 0)
    assert kernel.half(4) == ("any", 2)


def test_an_unknown_kernel_is_named_beside_those_there_are():
    with pytest.raises(AttributeError, match=r"no kernel 'conv9d'; the kernels are .*conv2d, conv2d_input"):
        kernel.conv9d  # noqa: B018


# The environment.


def python(code, wish):
    """A fresh Python with TINYGRAD_CNN_KERNELS set."""
    env = {**os.environ, "TINYGRAD_CNN_KERNELS": wish}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wish", "room"),
    [("textbook", "textbook"), ("Numpy", "numpy"), ("reference", "numpy"), ("FAST", "fast"), ("", "fast")],
)
def test_the_environment_can_ask_for_a_room(wish, room):
    code = (
        "import sys, numpy; from tinygrad_cnn import kernels; "
        "kernels.kernel.relu(numpy.ones(10_000, 'f')); "
        "print(kernels.room(), kernels.status()['kernels'], 'numba' in sys.modules)"
    )
    if not wish:
        kernels.warmup()  # else NumPy works there without Numba, while another process compiles
    done = python(code, wish)
    runs = kernels.status()["kernels"] if room == "fast" else room
    assert done.stdout.split() == [room, runs, str(runs == "fast")], done.stderr


def test_another_word_in_the_environment_is_an_error_at_import():
    done = python("import tinygrad_cnn", "quick")
    assert done.returncode == 1
    message = "ValueError: TINYGRAD_CNN_KERNELS is 'quick'; it must be textbook, numpy or fast"
    assert done.stderr.splitlines()[-1] == message


STEPS = """
import numpy as np, tinygrad_cnn as tg
F = tg.nn.functional
tg.manual_seed(0)
net = tg.nn.Sequential(
    tg.nn.Conv2d(1, 4, 3, padding=1, bias=False), tg.nn.BatchNorm2d(4), tg.nn.ReLU(), tg.nn.MaxPool2d(2),
    tg.nn.Conv2d(4, 6, 3), tg.nn.ReLU(), tg.nn.AvgPool2d(2), tg.nn.Flatten(), tg.nn.Linear(54, 12), tg.nn.ReLU(),
    tg.nn.Linear(12, 10),
)
optimizer = tg.optim.Adam(net.parameters(), lr=0.01)
x, y = tg.randn(4, 1, 16, 16), tg.arange(4)
for step in range(2):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    print(loss.item())
for p in net.parameters():
    print(p.double().pow(2).sum().item(), p.grad.abs().sum().item())
"""


@pytest.mark.slow
def test_training_steps_are_the_same_in_every_room():
    found = {room: [float(n) for n in python(STEPS, room).stdout.split()] for room in kernels.ROOMS}
    assert len(found["textbook"]) == 2 + 2 * 9
    for room in ("numpy", "fast"):
        assert found[room] == pytest.approx(found["textbook"], rel=1e-4, abs=1e-6)
