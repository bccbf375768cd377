"""The stack: which version of a kernel runs, and what may be registered."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinygrad_cnn import kernels
from tinygrad_cnn.kernels import faster, kernel, only_reference, reference, stack

# topic, a file of reference/: kernels that the ops count on
KERNELS = {
    "conv": ["conv2d", "conv2d_input", "conv2d_weight"],
    "pool": ["max_pool2d", "max_pool2d_place", "max_pool2d_pick", "sum_pool2d", "sum_pool2d_spread"],
    "elementwise": ["relu", "relu_mask"],
    "norm": ["batch_norm", "batch_norm_backward"],
    "softmax": ["softmax", "log_softmax", "cross_entropy", "cross_entropy_backward"],
    "layout": ["contiguous"],
    "linear": ["linear"],
    "optim": ["sgd", "adam"],
}
NAMES = kernels.names()


@pytest.fixture
def half():
    """A made-up kernel, forgotten after the test."""

    def half(x):
        return ("reference", x / 2)

    reference(half)
    yield half
    for table in (kernels._reference, kernels._faster, vars(kernel)):
        table.pop("half", None)


def faster_half(label, when=None):
    @faster(when=when)
    def half(x):
        return (label, x / 2)

    return half


@pytest.mark.parametrize(("topic", "name"), [(topic, name) for topic, names in KERNELS.items() for name in names])
def test_the_kernels_by_topic(topic, name):
    assert stack(name)[0].__module__ == f"tinygrad_cnn.kernels.reference.{topic}"


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_at_the_bottom_and_explains_itself(name):
    law = stack(name)[0]
    assert law.__name__ == name
    assert law.__module__.startswith("tinygrad_cnn.kernels.reference.")
    assert "->" in law.__doc__ or "in place" in law.__doc__, "formula and shapes"
    assert ">>>" in law.__doc__, "an example"


@pytest.mark.parametrize("name", NAMES)
def test_every_version_has_a_guard_or_none(name):
    assert len(stack(name)) - 1 == len(kernels.guards(name))


def test_a_kernel_without_faster_versions_is_the_reference_itself(half):
    assert kernel.half is half


def test_the_last_version_whose_guard_accepts_runs(half):
    faster_half("small", when=lambda x: x < 10)
    faster_half("tiny", when=lambda x: x < 1)
    assert [kernel.half(x) for x in (0.5, 2, 20)] == [("tiny", 0.25), ("small", 1.0), ("reference", 10.0)]


def test_a_version_without_guard_takes_everything(half):
    faster_half("any")
    assert kernel.half(4) == ("any", 2)
    faster_half("small", when=lambda x: x < 10)
    assert [kernel.half(4)[0], kernel.half(40)[0]] == ["small", "any"]


def test_only_reference_and_back(half):
    faster_half("any")
    with only_reference():
        assert kernel.half(4) == ("reference", 2)
        with only_reference(False):
            assert kernel.half(4) == ("any", 2)
        assert kernel.half(4) == ("reference", 2)
    assert kernel.half(4) == ("any", 2)
    assert only_reference()(lambda: kernel.half(4))() == ("reference", 2)


def test_only_reference_in_two_threads_that_do_not_nest(half):
    faster_half("any")
    one, other = only_reference(), only_reference()
    one.__enter__()
    other.__enter__()
    one.__exit__()
    assert kernel.half(4) == ("reference", 2)
    other.__exit__()
    assert kernel.half(4) == ("any", 2)


def test_only_reference_ends_with_an_error(half):
    faster_half("any")
    with pytest.raises(ZeroDivisionError), only_reference():
        raise ZeroDivisionError
    assert kernel.half(4) == ("any", 2)


def test_the_stack_lists_the_reference_first(half):
    any_ = faster_half("any")
    small = faster_half("small", when=abs)
    assert stack("half") == [half, any_, small]
    assert kernels.guards("half") == [None, abs]


def test_a_faster_version_needs_a_reference():
    with pytest.raises(TypeError, match="'nowhere' has no reference"):

        @faster()
        def nowhere(x):
            return x


def test_a_faster_version_has_the_parameters_of_its_reference(half):
    def half(y):
        return y

    with pytest.raises(TypeError, match=r"'half' takes \['y'\], but its reference takes \['x'\]"):
        faster()(half)
    assert kernel.half(4) == ("reference", 2)


def test_a_guard_takes_what_the_kernel_takes(half):
    with pytest.raises(TypeError, match=r"the guard of kernel 'half' takes \['x', 'y'\]"):
        faster_half("any", when=lambda x, y: True)
    faster_half("any", when=lambda *args: args[0] > 0)
    assert kernel.half(4) == ("any", 2)


def test_an_unknown_kernel_is_named_beside_those_there_are():
    with pytest.raises(AttributeError, match=r"no kernel 'conv9d'; the kernels are .*conv2d, conv2d_input"):
        kernel.conv9d  # noqa: B018


@pytest.mark.slow
def test_the_environment_can_ask_for_the_reference():
    code = (
        "import sys, numpy; from tinygrad_cnn.kernels import kernel, status; "
        "kernel.relu(numpy.ones(10_000, 'f')); print(status()['kernels'] == 'reference' and 'numba' not in sys.modules)"
    )
    env = {**os.environ, "TINYGRAD_CNN_KERNELS": "reference"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
