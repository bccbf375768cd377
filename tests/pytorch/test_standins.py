"""What is out of scope imports, and is refused in words when it is called; what changes nothing works."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tinygrad_cnn as tg

# As files write them, with the first name changed.
LINES = """
from tinygrad_cnn.hub import load_state_dict_from_url
from tinygrad_cnn.utils.model_zoo import load_url
import tinygrad_cnn.utils.model_zoo as model_zoo
import tinygrad_cnn.fx
from tinygrad_cnn.fx.proxy import Proxy
from tinygrad_cnn.fx.experimental.proxy_tensor import make_fx
from tinygrad_cnn import fx, hub, jit, _C, _assert
from tinygrad_cnn._C import _log_api_usage_once
from tinygrad_cnn.jit import script, ignore, export, Final, annotations
from tinygrad_cnn.jit.annotations import BroadcastingList2
from tinygrad_cnn._jit_internal import boolean_dispatch, _overload
import tinygrad_cnn.quantization
from tinygrad_cnn.ao.quantization import QuantStub, DeQuantStub
from tinygrad_cnn.ao.nn.quantized import FloatFunctional
from tinygrad_cnn.onnx.symbolic_helper import parse_args
from tinygrad_cnn.distributed.nn import all_reduce
from tinygrad_cnn.nn.attention.flex_attention import flex_attention, create_block_mask
from tinygrad_cnn.nn.parallel._functions import Broadcast
from tinygrad_cnn.overrides import has_torch_function
from tinygrad_cnn.compiler import is_compiling
from tinygrad_cnn.utils.cpp_extension import load
from tinygrad_cnn.distributed import nn
from tinygrad_cnn.nested import nested_tensor
from tinygrad_cnn.nn.attention.flex_attention import create_block_mask, flex_attention
from tinygrad_cnn._utils import _accumulate
from tinygrad_cnn.vision._internally_replaced_utils import load_state_dict_from_url
from tinygrad_cnn.vision.utils import _log_api_usage_once, draw_bounding_boxes
from tinygrad_cnn.vision.datasets import STL10, CelebA
from tinygrad_cnn.vision.datasets.utils import check_integrity, download_url
from tinygrad_cnn.vision.models import inception_v3
from tinygrad_cnn.vision.models.detection import FasterRCNN
from tinygrad_cnn.vision.models.segmentation import fcn_resnet50
from tinygrad_cnn.vision.transforms import GaussianBlur, functional, v2
from tinygrad_cnn.vision.transforms.autoaugment import AutoAugmentPolicy
""".strip().splitlines()


def test_lines_import_in_a_fresh_process():
    done = subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(LINES)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", ["fx", "hub", "jit", "_C", "quantization", "ao", "overrides"])
def test_rooms_are_reached_as_attributes(path):
    code = f"import tinygrad_cnn as torch; torch.{path}.anything.below"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            "tg.hub.load_state_dict_from_url('http://x')",
            "torch.hub.load_state_dict_from_url is not",
        ),
        (
            "tg.utils.model_zoo.load_url('http://x')",
            "torch.utils.model_zoo.load_url is not .* nothing is",
        ),
        ("tg.jit.trace(None, None)", "torch.jit.trace is not in tinygrad_cnn: .* tinygrad_cnn.compile"),
        ("tg.xpu.Stream()", r"torch.xpu.Stream is not .* device\('cpu'\) is the only one"),
        (
            "tg.nn.attention.flex_attention.flex_attention(1)",
            "flex_attention is not in .*scaled_dot_product_attention",
        ),
        ("tg.jit.save(None, 'x')", "torch.jit.save is not"),
        ("tg.jit.load('x')", "torch.jit.load is not"),
        ("tg.fx.symbolic_trace(None)", "torch.fx.symbolic_trace is not"),
        ("tg.fx.proxy.Proxy(1, 2)", "torch.fx.proxy.Proxy is not"),
        ("tg.ao.quantization.QuantStub()", "torch.ao.quantization.QuantStub is not .* 16 bits"),
        ("tg.vision.models.swin_t()", "torchvision.models.swin_t is not in .* once its import lines are changed"),
        ("tg.vision.models.googlenet()", "torchvision.models.googlenet is not in"),
        ("tg.vision.transforms.v2.MixUp()", "torchvision.transforms.v2.MixUp is not in"),
        ("tg.vision.datasets.CelebA('.')", "torchvision.datasets.CelebA is not in .*: ImageFolder reads"),
        ("tg._C._jit_pass_inline(1)", r"torch._C._jit_pass_inline is not .* C\+\+"),
    ],
)
def test_a_call_is_refused_in_words(call, words):
    with pytest.raises(NotImplementedError, match=words):
        eval(call)


def test_names_may_stand_where_nothing_is_called():
    class Mine(tg.fx.Tracer):
        limit: tg.jit.Final[int] = 3

        def f(self, x: tg.jit.annotations.BroadcastingList2[int]) -> tg.fx.Proxy: ...

    assert not isinstance(tg.ones(2), tg.fx.Proxy)
    with pytest.raises(NotImplementedError, match="Mine is not in"):
        Mine()
    assert not hasattr(tg.fx, "__wrapped__")
    assert not tg.vision.io._HAS_VIDEO_OPT  # as a question, the answer is no


def test_what_changes_nothing_works():
    @tg.jit.script
    def f(x):
        return x + 1

    @tg.jit.ignore(drop=True)
    def g(x):
        return x + 1

    class Net(tg.nn.Module):
        __constants__ = ("n",)

        @tg.jit.export
        def forward(self, x):
            return x if tg.jit.is_scripting() or tg.jit.is_tracing() else tg.jit.annotate(list, [f(x), g(x)])

    net = Net()
    assert tg.jit.script(net) is net
    assert [y.tolist() for y in net(tg.zeros(1))] == [[1.0], [1.0]]
    tg.fx.wrap("len")
    assert tg.fx.wrap(len) is len
    assert list(tg._utils._accumulate([1, 2, 3])) == [1, 3, 6]
    tg._assert(True, "never said")
    with pytest.raises(AssertionError, match="said"):
        tg._assert(False, "said")
    assert tg._C._get_tracing_state() is None
    assert not tg.compiler.is_compiling()


def test_devices_that_are_not_there_answer():
    for room in (tg.mps, tg.mtia, tg.xpu):
        assert not room.is_available()
        assert room.device_count() == 0
        room.empty_cache()
        room.manual_seed(0)
    assert tg.cpu.is_available()
    assert tg.cpu.device_count() == 1


def test_the_kernels_of_attention_are_chosen_among_one():
    q, cuda = tg.randn(1, 2, 3, 4), tg.backends.cuda
    once = tg.nn.functional.scaled_dot_product_attention(q, q, q)
    backend = tg.nn.attention.SDPBackend
    with tg.nn.attention.sdpa_kernel([backend.FLASH_ATTENTION, backend.MATH]), cuda.sdp_kernel(enable_math=False):
        assert tg.equal(once, tg.nn.functional.scaled_dot_product_attention(q, q, q))
    with pytest.raises(AssertionError, match="sdpa_kernel"), tg.nn.attention.sdpa_kernel("flash"):
        pass
    assert cuda.flash_sdp_enabled()
    cuda.enable_flash_sdp(False)
    assert not cuda.flash_sdp_enabled()
    assert cuda.math_sdp_enabled()
    cuda.enable_flash_sdp(True)
