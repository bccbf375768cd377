"""`vision.ops` and what torchvision's own files of networks import: as torchvision has them."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.vision import ops
from tinygrad_cnn.vision.models._api import Weights, WeightsEnum, register_model
from tinygrad_cnn.vision.models._utils import (
    IntermediateLayerGetter,
    _make_divisible,
    _ovewrite_named_param,
    handle_legacy_interface,
)


def theirs(m):
    return import_module("torchvision.ops" if m.__name__ == "torch" else "tinygrad_cnn.vision.ops")


BLOCKS = {
    "conv": lambda m, o: o.Conv2dNormActivation(3, 4, kernel_size=3, stride=2),
    "conv, tuples": lambda m, o: o.Conv2dNormActivation(3, 4, (3, 5), dilation=(2, 1), norm_layer=None),
    "conv, bare": lambda m, o: o.Conv2dNormActivation(3, 4, 1, activation_layer=None, bias=True, inplace=None),
    "squeeze": lambda m, o: o.SqueezeExcitation(3, 2, scale_activation=m.nn.Hardsigmoid),
    "mlp": lambda m, o: o.MLP(6, [4, 5, 2], norm_layer=m.nn.LayerNorm, inplace=True),
    "permute": lambda m, o: o.Permute([0, 2, 3, 1]),
    "frozen": lambda m, o: o.FrozenBatchNorm2d(3),
    "depth": lambda m, o: o.StochasticDepth(0.0, "row"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(pytorch, name):
    def question(m):
        block = BLOCKS[name](m, theirs(m))
        draw = np.random.RandomState(0)
        for t in block.state_dict().values():
            t.copy_(m.tensor(draw.uniform(0.1, 1, tuple(t.shape)).astype("f4")))
        x = m.tensor(draw.standard_normal((2, 3, 6, 6)).astype("f4"), requires_grad=True)
        out = block(x)
        out.square().sum().backward()
        return [repr(block), list(block.state_dict()), out, x.grad]

    pytorch.agrees(question, rtol=1e-4, unit=1e-5)


def test_boxes_and_focal_loss(pytorch):
    def question(m):
        draw, o = np.random.RandomState(0), theirs(m)
        a, b = (m.tensor(draw.uniform(1, 9, (n, 4)), requires_grad=True) for n in (3, 2))
        a2, b2 = (m.cat([x[:, :2], x[:, :2] + x[:, 2:]], 1) for x in (a, b))
        iou = o.box_iou(a2, b2)
        formats = [o.box_convert(a2, "xyxy", f) for f in ("xyxy", "xywh", "cxcywh")]
        back = [o.box_convert(x, f, "xyxy") for x, f in zip(formats, ("xyxy", "xywh", "cxcywh"))]
        loss = o.sigmoid_focal_loss(a - 5, (b[:1] > 4).double().expand(3, 4), gamma=1.5, reduction="mean")
        (iou.sum() + loss + o.box_area(a2).sum()).backward()
        return [iou, formats, back, loss, a.grad]

    pytorch.agrees(question, rtol=1e-9)


def corners(count):
    draw = np.random.RandomState(0)
    low = draw.uniform(0, 20, (count, 2))
    return (
        np.hstack([low, low + draw.uniform(1, 9, (count, 2))]),
        draw.permutation(count) / count,
        draw.randint(0, 3, count),
    )


def test_boxes_are_cut_and_left_out_as_there(pytorch):
    def question(m):
        boxes, o = m.tensor(corners(40)[0]), theirs(m)
        return [o.remove_small_boxes(boxes, 4.0), o.clip_boxes_to_image(boxes - 3, (12, 9))]

    pytorch.agrees(question)


@pytest.mark.parametrize("limit", [0.0, 0.2, 0.5, 1.0])
def test_of_boxes_that_cover_each_other_the_best_is_kept(limit):
    boxes, scores, kinds = map(tg.tensor, corners(40))
    covered = ops.box_iou(boxes, boxes).numpy()

    def expected(allowed):
        kept = []
        for i in sorted(range(40), key=lambda i: -scores[i].item()):
            if all(covered[i, j] <= limit or not allowed(i, j) for j in kept):
                kept.append(i)
        return kept

    assert ops.nms(boxes, scores, limit).tolist() == expected(lambda i, j: True)
    apart = expected(lambda i, j: kinds[i].item() == kinds[j].item())
    assert ops.batched_nms(boxes, scores, kinds, limit).tolist() == apart
    for empty in (ops.nms(boxes[:0], scores[:0], limit), ops.batched_nms(boxes[:0], scores[:0], kinds[:0], limit)):
        assert (empty.shape, empty.dtype) == ((0,), tg.int64)
    for bad in (boxes[0], boxes[:3], boxes[:, :3]):
        with pytest.raises(RuntimeError, match=r"nms: expected boxes \(N, 4\) and scores"):
            ops.nms(bad, scores, limit)


def test_stochastic_depth_leaves_rows_out():
    x = tg.ones(1000, 2, 2)
    rows = ops.stochastic_depth(x, 0.25, "row")
    assert rows.unique().tolist() == pytest.approx([0, 4 / 3])
    assert 0.6 < (rows[:, 0, 0] > 0).float().mean().item() < 0.9
    assert tg.equal(rows[:, 0, 0], rows[:, 1, 1])
    assert len(ops.stochastic_depth(x, 0.5, "batch").unique()) == 1
    assert ops.stochastic_depth(x, 0.5, "row", training=False) is x
    assert not ops.stochastic_depth(x, 1.0, "row").any()
    for p, mode in ((0.5, "rows"), (1.5, "row")):
        with pytest.raises(ValueError, match="but got"):
            ops.stochastic_depth(x, p, mode)


def test_what_is_for_detection_is_refused_when_it_is_called():
    from tinygrad_cnn.vision.ops import MultiScaleRoIAlign, RoIPool
    from tinygrad_cnn.vision.ops.feature_pyramid_network import LastLevelMaxPool
    from tinygrad_cnn.vision.ops.misc import Conv2dNormActivation

    assert Conv2dNormActivation is ops.Conv2dNormActivation
    for name in (RoIPool, MultiScaleRoIAlign, LastLevelMaxPool):
        with pytest.raises(NotImplementedError, match="boxes and regions are for detection"):
            name()


class Some_Weights(WeightsEnum):
    V1 = Weights("https://example.org/v1.pth", lambda: None, {"num_params": 1})
    DEFAULT = V1


@register_model()
@handle_legacy_interface(weights=("pretrained", Some_Weights.V1))
def builder(*, weights: Some_Weights | None = None, progress: bool = True, **kwargs):
    return Some_Weights.verify(weights), kwargs


def test_weights_have_names_and_are_not_downloaded():
    assert Some_Weights.verify("DEFAULT") is Some_Weights.V1
    assert Some_Weights.verify("Some_Weights.V1").meta == {"num_params": 1}
    assert repr(Some_Weights.DEFAULT) == "Some_Weights.V1"
    with pytest.raises(TypeError, match="expected Some_Weights but received int"):
        Some_Weights.verify(3)
    with pytest.raises(RuntimeError, match=r"example.org/v1.pth.*weights=None"):
        Some_Weights.V1.get_state_dict(progress=True)


def test_builders_take_pretrained_with_a_warning():
    assert builder(weights=None, a=1) == (None, {"a": 1})
    assert builder() == (None, {})
    with pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"):
        assert builder(pretrained=True) == (Some_Weights.V1, {})
    with pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"):
        assert builder(pretrained=False) == (None, {})
    with pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"):
        assert builder(True) == (Some_Weights.V1, {})


def test_helpers_of_models():
    assert [_make_divisible(v, 8) for v in (3, 10, 11, 12, 18.7, 100)] == [8, 16, 16, 16, 24, 104]
    kwargs = {"a": 1}
    _ovewrite_named_param(kwargs, "b", 2)
    assert kwargs == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="expected value 3 but got 1"):
        _ovewrite_named_param(kwargs, "a", 3)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    part = IntermediateLayerGetter(net, {"1": "hidden"})
    assert list(part) == ["0", "1"]
    assert list(part(tg.ones(1, 2))) == ["hidden"]
    with pytest.raises(ValueError, match="not present"):
        IntermediateLayerGetter(net, {"5": "x"})
