"""Shape, join and rearrange: what is a view, what is a copy, errors, and PyTorch as the oracle."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.testing import gradcheck, gradgradcheck


def x(*shape, dtype=np.float32):
    return tg.tensor(np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape))


VIEWS = {
    "reshape": lambda t: t.reshape(4, 6),
    "reshape tuple": lambda t: t.reshape((4, -1)),
    "view": lambda t: t.view(-1),
    "view_as": lambda t: t.view_as(tg.zeros(6, 4)),
    "reshape_as": lambda t: t.reshape_as(tg.zeros(6, 4)),
    "flatten": lambda t: t.flatten(1),
    "unflatten": lambda t: t.unflatten(-1, (2, 2)),
    "ravel": lambda t: t.ravel(),
    "squeeze": lambda t: t.squeeze(),
    "unsqueeze": lambda t: t.unsqueeze(1),
    "permute": lambda t: t.permute(2, 0, 1),
    "transpose": lambda t: t.transpose(0, 2),
    "swapaxes": lambda t: t.swapaxes(0, 1),
    "movedim": lambda t: t.movedim(0, -1),
    "mT": lambda t: t.mT,
    "narrow": lambda t: t.narrow(1, 1, 2),
    "select": lambda t: t.select(1, 2),
    "int": lambda t: t[1],
    "ints": lambda t: t[1, 2, 3],
    "slices": lambda t: t[:, 1:, ::2],
    "none": lambda t: t[None, ..., 0],
    "diagonal": lambda t: t.diagonal(1, 1, 2),
    "split": lambda t: t.split(2, 1)[1],
    "chunk": lambda t: t.chunk(2, -1)[0],
    "tensor_split": lambda t: t.tensor_split(3, 1)[2],
    "unbind": lambda t: t.unbind(1)[2],
    "iteration": lambda t: list(t)[1],
    "detach": lambda t: t.detach(),
    "expand to its own shape": lambda t: t.expand(2, 3, 4),
    "expand by an axis": lambda t: t.expand(1, 2, 3, 4),
    "unfold": lambda t: t.unfold(2, 2, 2),
    "unfold apart": lambda t: t.unfold(1, 1, 2),
}

COPIES = {
    "clone": lambda t: t.clone(),
    "flip": lambda t: t.flip(0),
    "roll": lambda t: t.roll(0),
    "repeat": lambda t: t.repeat(1, 1, 1),
    "cat": lambda t: tg.cat([t]),
    "stack": lambda t: tg.stack([t]),
    "mask": lambda t: t[t > -1],
    "array": lambda t: t[[0, 1]],
    "index_select": lambda t: t.index_select(0, tg.tensor([0, 1])),
    "gather": lambda t: t.gather(0, tg.zeros(2, 3, 4, dtype=tg.int64)),
    "tril": lambda t: t.tril(9),
    "pad": lambda t: F.pad(t, (0, 0)),
    "masked_fill": lambda t: t.masked_fill(t < 0, 0.0),
    "diag": lambda t: t[0].diag(),
    "take": lambda t: t.take(tg.tensor(3)),
    "pixel_shuffle": lambda t: F.pixel_shuffle(t, 1),
    "pixel_shuffle of a pixel": lambda t: F.pixel_shuffle(t[0, 0].reshape(4, 1, 1), 2),
    "pixel_unshuffle": lambda t: F.pixel_unshuffle(t, 1),
    "channel_shuffle": lambda t: F.channel_shuffle(t, 1),
    # of a number, whose only place was found by an index
    "sort": lambda t: t[0, 0, 1].sort().values,
    "topk": lambda t: t[0, 0, 1].topk(1).values,
    "median": lambda t: t[0, 0, 1].median(),
    "median along": lambda t: t[0, 0, 1].median(0).values,
    "min": lambda t: t[0, 0, 1].min(0).values,
    "max": lambda t: t[0, 0, 1].max(0, True).values,
    "cummax": lambda t: t[0, 0, 1].cummax(0).values,
    "kthvalue": lambda t: t[0, 0, 1].kthvalue(1).values,
    "gather of a number": lambda t: t[0, 0, 1].gather(0, tg.tensor([0, 0])),
    "gather by a number": lambda t: t[0, 0].gather(0, tg.tensor(1)),
    "take_along_dim": lambda t: t[0, 0].take_along_dim(tg.tensor([-1]), 0),
    "index_select of a number": lambda t: t[0, 0, 1].index_select(0, tg.tensor([0])),
    "scatter": lambda t: t[0, 0, 1].scatter(0, tg.tensor([], dtype=tg.int64), 1.0),
    "index_fill": lambda t: t[0, 0, 1].index_fill(0, tg.tensor([], dtype=tg.int64), 1.0),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_and_version(name):
    base = x(2, 3, 4)
    view = VIEWS[name](base)
    assert np.shares_memory(view.numpy(), base.numpy())
    assert view.version() is base.version()
    view.zero_()
    assert base.sum().item() < 276
    base.fill_(7)
    assert (view == 7).all()


@pytest.mark.parametrize("name", COPIES)
def test_copies_share_nothing(name):
    base = x(2, 3, 4)
    copy = COPIES[name](base)
    before = copy.tolist()
    base.fill_(-1)
    assert copy.tolist() == before


@pytest.mark.parametrize("name", [n for n in VIEWS if n not in ("detach",)])
def test_an_in_place_change_of_a_view_reaches_the_base_s_gradient(name):
    """d/dx of sum(w · y) where y = 2x and a view of y is multiplied by 3 in place."""
    leaf = x(2, 3, 4).requires_grad_()
    y = leaf * 2
    VIEWS[name](y).mul_(3)
    weights = tg.tensor(np.cos(np.arange(24.0, dtype=np.float32)).reshape(2, 3, 4))
    (y * weights).sum().backward()
    factor = tg.full((2, 3, 4), 2.0)
    VIEWS[name](factor).mul_(3)
    np.testing.assert_allclose(leaf.grad.numpy(), (factor * weights).numpy(), rtol=1e-6)


def test_contiguous_returns_itself_where_nothing_is_to_do():
    t = x(2, 3)
    assert t.contiguous() is t
    assert t.is_contiguous()
    assert not t.t().is_contiguous()
    assert t.t().contiguous().is_contiguous()
    assert t.t().contiguous().tolist() == t.t().tolist()


CHANNELS_LAST = {  # shape, new shape, whether that is a view of pictures whose channels are last in memory
    "rows of pixels": ((4, 8, 30, 40), (4, 8, 1200), True),
    "images and channels apart": ((4, 8, 30, 40), (2, 2, 4, 2, 1200), True),
    "pixels apart": ((4, 8, 30, 40), (4, -1, 5, 6, 40), True),
    "one image without its axis": ((1, 8, 50, 60), (8, 3000), True),
    "features": ((4, 8, 30, 40), (4, -1), False),
    "everything": ((4, 8, 30, 40), (-1,), False),
    "images and channels joined": ((4, 8, 30, 40), (32, 30, 40), False),
    "channels and pixels joined": ((4, 8, 30, 40), (4, 16, 600), False),
    "features of one image": ((1, 8, 50, 60), (1, -1), False),
    "small": ((2, 3, 2, 2), (2, -1), False),
}


@pytest.mark.parametrize("case", CHANNELS_LAST)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reshape_of_channels_last(case, dtype):
    old, new, is_view = CHANNELS_LAST[case]
    plain = np.arange(np.prod(old), dtype=dtype).reshape(old)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(plain, 1, -1)), -1, 1)
    t = tg.from_numpy(last)
    out = t.reshape(new)
    np.testing.assert_array_equal(out.numpy(), plain.reshape(new))
    assert np.may_share_memory(out.numpy(), last) == is_view
    if new == (old[0], -1):
        np.testing.assert_array_equal(t.flatten(1).numpy(), plain.reshape(new))
    with pytest.raises(RuntimeError, match="reshape: shape"):
        t.reshape(7, -1, 11)


def test_channels_last():
    t = x(2, 3, 4, 5)
    last = t.contiguous(memory_format=tg.channels_last)
    assert last.tolist() == t.tolist()
    assert last.is_contiguous(memory_format=tg.channels_last)
    assert not last.is_contiguous()
    assert last.stride() == (60, 1, 15, 3)
    assert t.to(memory_format=tg.channels_last).stride() == (60, 1, 15, 3)
    assert t.clone(memory_format=tg.channels_last).is_contiguous(memory_format=tg.channels_last)
    assert last.reshape(2, -1).tolist() == t.view(2, -1).tolist()
    with pytest.raises(RuntimeError, match="reshape"):  # who asks for a layout gets it
        last.view(2, -1)


def test_results_of_convolutions_may_be_viewed():
    lines = F.conv1d(tg.randn(2, 3, 9), tg.randn(4, 3, 3))
    images = F.conv2d(tg.randn(4, 3, 9, 9), tg.randn(4, 3, 3, 3))
    for y in (images[::2], images[:, :, 1:3], images[:, 1:]):
        with pytest.raises(RuntimeError, match="reshape"):
            y.view(-1)
    for y in (lines, images, images[0], images.flatten(2), images.mean(-1)):
        before = y.tolist()
        view = y.view(-1)
        assert y.tolist() == before
        assert np.shares_memory(view.numpy(), y.numpy())
        view.zero_()
        assert not y.any()
    assert not images[0].any()


def test_view_refuses_what_reshape_copies():
    t = x(2, 3).t()
    with pytest.raises(RuntimeError, match=r"view: .*\(3, 2\) .*strides \(1, 3\).* \(6,\).*reshape"):
        t.view(6)
    assert t.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    assert t.view(3, 2, 1).shape == (3, 2, 1)


def test_splits():
    t = x(5, 2)
    assert [p.shape for p in t.split(2)] == [(2, 2), (2, 2), (1, 2)]
    assert [p.shape for p in t.split([1, 4])] == [(1, 2), (4, 2)]
    assert [p.shape for p in t.chunk(4)] == [(2, 2), (2, 2), (1, 2)]
    assert [p.shape for p in t.tensor_split(3)] == [(2, 2), (2, 2), (1, 2)]
    assert [p.shape for p in t.tensor_split((1, 9))] == [(1, 2), (4, 2), (0, 2)]
    assert [p.shape for p in tg.split(t, split_size_or_sections=1, dim=1)] == [(5, 1), (5, 1)]
    assert [p.shape for p in tg.zeros(0, 2).split(3)] == [(0, 2)]
    assert isinstance(t.split(2), tuple)


def test_a_split_whose_parts_are_not_all_used_has_zeros_for_the_rest():
    t = x(4).requires_grad_()
    _, b, _ = t.split([1, 2, 1])
    (b * b).sum().backward()
    assert t.grad.tolist() == [0, 2, 4, 0]
    t.grad = None
    rows = list(t)
    (rows[0] * 5 + rows[3]).backward()
    assert t.grad.tolist() == [5, 0, 0, 1]


def test_stacks():
    a, b = x(3), x(3) + 3
    assert tg.stack((a, b), dim=-1).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert tg.hstack((a, b)).tolist() == [0, 1, 2, 3, 4, 5]
    assert tg.vstack((a, b)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tg.hstack((x(2, 1), x(2, 2))).tolist() == [[0, 0, 1], [1, 2, 3]]
    assert tg.cat((tg.tensor([1]), tg.tensor([1.5]))).dtype == tg.float32
    assert tg.cat((tg.zeros(0), x(2, 2))).shape == (2, 2)
    assert tg.concat is tg.concatenate
    out = tg.empty(0)
    assert tg.cat((a, b), out=out) is out
    assert out.shape == (6,)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.flip(0), lambda s: s.flip((-1,)), lambda s: s.movedim(0, -1), lambda s: s.transpose(0, -1),
        lambda s: s.mT, lambda s: s.mH, lambda s: s.roll(1), lambda s: s.squeeze(0),
        lambda s: s[..., ...],
    ],
)  # fmt: skip
def test_a_number_has_one_axis_to_speak_of(change):
    s = tg.tensor(2.0, requires_grad=True)
    out = change(s)
    out.backward()
    assert out.shape == ()
    assert (out.item(), s.grad.item()) == (2, 1)


def test_meshgrid_and_broadcast():
    rows, columns = tg.meshgrid(tg.arange(2), tg.arange(3), indexing="xy")
    assert rows.tolist() == [[0, 1], [0, 1], [0, 1]]
    assert columns.tolist() == [[0, 0], [1, 1], [2, 2]]
    a, b = tg.broadcast_tensors(x(3, 1), x(2))
    assert a.shape == b.shape == (3, 2)
    assert tg.broadcast_to(x(2), (3, 2)).tolist() == [[0, 1]] * 3
    assert tg.broadcast_shapes((2, 1), (3,)) == (2, 3)


def test_an_expanded_tensor_refuses_in_place_changes():
    with pytest.raises(RuntimeError, match="clone"):
        tg.zeros(1, 3).expand(2, 3).add_(1)
    with pytest.raises(RuntimeError, match="clone"):
        tg.zeros(1, 3).expand(2, 3)[0] = 1


def test_an_expanded_tensor_that_repeats_nothing_can_change():
    t = tg.ones(2, 1)
    t.expand(2, 1).add_(1)
    t.expand_as(t)[0] = 5
    t.expand(1, 1, 2, 1).mul_(2)
    assert t.tolist() == [[10], [4]]
    tg.zeros(2, 0).expand(3, 2, 0).add_(1)


def test_ravel_copies_what_is_not_in_one_piece():
    t = tg.arange(6.0).reshape(2, 3)
    v = t[0]
    t[:, 1].ravel().zero_()
    assert t.tolist() == [[0, 1, 2], [3, 4, 5]]
    v.ravel().zero_()
    assert t.tolist() == [[0, 0, 0], [3, 4, 5]]


def test_windows_that_overlap_refuse_in_place_changes():
    with pytest.raises(RuntimeError, match="clone"):
        tg.arange(5).unfold(0, 3, 2).zero_()
    assert tg.tensor(2.0).unfold(0, 1, 1).tolist() == [2.0]
    assert tg.tensor(2.0).unfold(0, 0, 1).tolist() == []


def test_unfold_has_derivatives():
    t = tg.tensor(np.linspace(-1, 2, 14).reshape(2, 7), requires_grad=True)
    assert t.unfold(1, 3, 2).shape == (2, 3, 3)
    assert t.unfold(0, 2, 1).shape == (1, 7, 2)
    assert gradcheck(lambda t: t.unfold(-1, 3, 2), [t])
    assert gradgradcheck(lambda t: t.unfold(-1, 3, 2) ** 2, [t])


@pytest.mark.parametrize(
    ("mode", "widths", "wanted"),
    [
        ("circular", (-1, 1), [1, 2, 3, 1]),
        ("circular", (2, -1), [1, 2, 0, 1, 2]),
        ("circular", (-1, -1), [1, 2]),
        ("circular", (-2, 2), [2, 3, 2, 3]),
        ("reflect", (-1, 2), [1, 2, 3, 2, 1]),
        ("replicate", (-1, 2), [1, 2, 3, 3, 3]),
        ("replicate", (-3, 0), [3]),
    ],
)
def test_padding_with_a_negative_side(mode, widths, wanted):
    assert F.pad(x(1, 1, 4), widths, mode=mode).tolist() == [[wanted]]


ERRORS = [
    (lambda: x(2, 3).roll((1, 2)), RuntimeError, r"roll: shifts \(1, 2\) and dims \(\)"),
    (lambda: x(2, 3).roll(1, (0, 1)), RuntimeError, "roll: .*one length"),
    (lambda: x(2, 3).reshape(True), TypeError, "sizes must be ints"),
    (lambda: x(2, 3).sum(True), TypeError, "dim must be an int"),
    (lambda: F.pad(x(1, 1, 4), (-3, 2), mode="circular"), RuntimeError, "circular"),
    (lambda: F.pad(x(1, 1, 4), (-3, -2), mode="circular"), RuntimeError, "cuts more off"),
    (lambda: x(2, 3).reshape(4), RuntimeError, r"reshape: shape \(4,\) .*\(2, 3\).* 6 elements"),
    (lambda: x(2, 3).reshape(4, -1), RuntimeError, "4 does not divide"),
    (lambda: x(2, 3).reshape(-1, -1), RuntimeError, "single -1"),
    (lambda: x(2, 3).reshape(-2, 3), RuntimeError, "not negative"),
    (lambda: x(0, 3).reshape(-1, 0), RuntimeError, "could be any size"),
    (lambda: x(2, 3).reshape("6"), TypeError, "sizes must be ints"),
    (lambda: x(2, 3).flatten(1, 0), RuntimeError, "start_dim 1 comes after end_dim 0"),
    (lambda: x(2, 3).flatten(2), IndexError, "dim 2 is out of range"),
    (lambda: x(2, 3).unflatten(1, (2, 2)), RuntimeError, "multiply up to the 3 of axis 1"),
    (lambda: x(2, 3).squeeze(2), IndexError, "squeeze: dim 2"),
    (lambda: x(2, 3).squeeze((0, 0)), RuntimeError, "more than once"),
    (lambda: x(2, 3).unsqueeze(4), IndexError, "expected -3 to 2"),
    (lambda: x(2, 3).unsqueeze(1.0), TypeError, "dim must be an int"),
    (lambda: x(2, 3).permute(0), RuntimeError, "each of the 2 axes"),
    (lambda: x(2, 3).permute(0, 0), RuntimeError, "more than once"),
    (lambda: x(2, 3).transpose(0, 2), IndexError, "transpose: dim 2"),
    (lambda: x(2, 3, 4).t(), RuntimeError, "at most 2 axes"),
    (lambda: x(2, 3).movedim((0, 1), 0), RuntimeError, "equally many"),
    (lambda: x(2, 3).expand(3, 3), RuntimeError, r"expand: .*\(2, 3\).*\(3, 3\)"),
    (lambda: x(2, 3).expand(3), RuntimeError, "cannot be expanded"),
    (lambda: x(2, 3).expand(-1, 2, 3), RuntimeError, "cannot be expanded"),
    (lambda: tg.broadcast_tensors(x(2), x(3)), RuntimeError, r"\(2,\), \(3,\)"),
    (lambda: tg.cat([]), ValueError, "non-empty"),
    (lambda: tg.cat(x(2)), TypeError, "tuple of Tensors"),
    (lambda: tg.cat([x(2), 1]), TypeError, "element 1 is a int"),
    (lambda: tg.cat([x(2, 3), x(3, 2)]), RuntimeError, r"\(2, 3\), \(3, 2\).*dim 0"),
    (lambda: tg.cat([x(), x()]), RuntimeError, "stack"),
    (lambda: tg.cat([x(2), x(2, 2)]), RuntimeError, "must be equal"),
    (lambda: tg.stack([x(2), x(3)]), RuntimeError, r"stack: .*\(2,\), \(3,\)"),
    (lambda: tg.stack([]), ValueError, "non-empty"),
    (lambda: x(4).split(0), RuntimeError, "positive"),
    (lambda: x(4).split([1, 2]), RuntimeError, r"sum up to the 4 of axis 0"),
    (lambda: x(4).chunk(0), RuntimeError, "greater than 0"),
    (lambda: x().unbind(), RuntimeError, "at least one axis"),
    (lambda: x(4).narrow(0, 5, 1), IndexError, "start 5"),
    (lambda: x(4).narrow(0, 3, 2), RuntimeError, "exceed axis 0, which has 4"),
    (lambda: x(4).narrow(0, 3, -2), RuntimeError, "negative"),
    (lambda: x(4).select(0, 4), IndexError, "index 4"),
    (lambda: x(4).roll((1, 2), 0), RuntimeError, "one length"),
    (lambda: x(4).roll(1, 1), IndexError, "roll: dim 1"),
    (lambda: x(4, 4).rot90(1, (0,)), RuntimeError, r"rot90: dims must be the two axes.*\(0,\)"),
    (lambda: x(2, 3).repeat(2), RuntimeError, "repeats"),
    (lambda: x(2, 3).repeat(2, -1), RuntimeError, "none negative"),
    (lambda: x(2).repeat_interleave(-1), RuntimeError, "negative"),
    (lambda: x(2).repeat_interleave(tg.tensor([1, 2, 3])), RuntimeError, "2 ints"),
    (lambda: F.pad(x(2, 3), (1,)), RuntimeError, "both ends"),
    (lambda: F.pad(x(3), (1, 1, 1, 1)), RuntimeError, "too many"),
    (lambda: F.pad(x(3), (-2, -2)), RuntimeError, r"would have shape \(-1,\)"),
    (lambda: F.pad(x(2, 3), (3, 0), mode="reflect"), RuntimeError, "less than its length 3"),
    (lambda: F.pad(x(2, 3), (4, 0), mode="circular"), RuntimeError, "at most its length 3"),
    (lambda: F.pad(x(2, 3), (1, 0), mode="mirror"), NotImplementedError, "mirror"),
    (lambda: x(3).tril(), RuntimeError, "at least 2 axes"),
    (lambda: x(3, 3).diagonal(0, 1, 1), RuntimeError, "must differ"),
    (lambda: tg.diag(x(1, 1, 1)), RuntimeError, "vector or a matrix"),
    (lambda: x(2).unfold(0, 3, 1), RuntimeError, "size 3 must be 0 to 2"),
    (lambda: x(3).fliplr(), RuntimeError, "at least 2 axes"),
    (lambda: tg.meshgrid(x(2), indexing="yx"), RuntimeError, "indexing"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


ORACLE = {
    "flatten": lambda m, t: t.flatten(-2),
    "unflatten": lambda m, t: t.unflatten(2, (2, -1)),
    "squeeze": lambda m, t: t.squeeze(1),
    "squeeze tuple": lambda m, t: t[None, :, None].squeeze((0, 1, 2)),
    "permute": lambda m, t: t.permute((1, -1, 0)),
    "T": lambda m, t: t[0].T,
    "mT": lambda m, t: t.mT,
    "movedim": lambda m, t: m.movedim(t, (0, 2), (2, 0)),
    "moveaxis": lambda m, t: m.moveaxis(t, 0, 1),
    "swapdims": lambda m, t: t.swapdims(0, 2),
    "expand": lambda m, t: t[:, :1].expand(-1, 3, -1),
    "expand_as": lambda m, t: t[:, :1].expand_as(t),
    "repeat": lambda m, t: t.repeat(2, 1, 1, 2),
    "tile": lambda m, t: t.tile(2, 2),
    "repeat_interleave": lambda m, t: t.repeat_interleave(m.tensor([0, 3, 1]), dim=1),
    "repeat_interleave flat": lambda m, t: m.repeat_interleave(t, 2),
    "roll": lambda m, t: t.roll((1, -1), (0, 2)),
    "roll twice": lambda m, t: t.roll((1, 1), (1, 1)),
    "flip": lambda m, t: t.flip(0, 2),
    "named": lambda m, t: (
        t.permute(dims=(1, 0, 2)).flip(dims=[0]).expand(size=(2, -1, -1, -1)).repeat(repeats=(1, 2, 1, 1))
    ),
    "flip list": lambda m, t: t.flip([1]),
    "fliplr": lambda m, t: t.fliplr(),
    "rot90": lambda m, t: t.rot90(3, (1, 2)),
    "rot180": lambda m, t: m.rot90(t, 2),
    "tril": lambda m, t: t.tril(-1),
    "triu": lambda m, t: t.triu(1),
    "diagonal": lambda m, t: t.diagonal(offset=-1, dim1=-2, dim2=-1),
    "diag": lambda m, t: m.diag(t[0, 0], -2),
    "cat": lambda m, t: m.cat([t, t[:, :1]], dim=-2),
    "stack": lambda m, t: m.stack([t, t], dim=1),
    "hstack": lambda m, t: m.hstack([t, t]),
    "vstack": lambda m, t: m.vstack([t[0, 0], t[0, 1]]),
    "unfold": lambda m, t: t.unfold(2, 2, 2),
    "pad": lambda m, t: m.nn.functional.pad(t, (1, -1, 0, 2), value=3.0),
    "reflect": lambda m, t: m.nn.functional.pad(t, (3, 1), mode="reflect"),
    "replicate": lambda m, t: m.nn.functional.pad(t, (5, 1), mode="replicate"),
    "circular": lambda m, t: m.nn.functional.pad(t, (4, 1), mode="circular"),
    "chunk": lambda m, t: m.cat([p * (i + 1) for i, p in enumerate(t.chunk(2, 2))], 2),
    "select": lambda m, t: t.select(-1, -2),
}


@pytest.mark.parametrize("name", ORACLE)
def test_pytorch_gives_the_same(pytorch, name):
    values = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    # Sums of several gradients round in their own order.
    pytorch.agrees_with_gradients(ORACLE[name], values, rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,)])
def test_small_shapes(pytorch, shape):
    for f in (
        lambda t: t.flatten(),
        lambda t: t.squeeze(),
        lambda t: t.unsqueeze(-1),
        lambda t: t.transpose(0, -1),
        lambda t: t.permute(tuple(range(t.ndim))),
        lambda t: t.reshape(-1),
        lambda t: t.flip(tuple(range(t.ndim))),
        lambda t: t.expand(3, *t.shape),
        lambda t: t.repeat(2, *[1] * t.ndim),
        lambda t: t.clone(),
        lambda t: t.t() if t.ndim < 3 else t,
    ):
        pytorch.agrees(lambda m: f(m.zeros(shape)).shape)  # noqa: B023


def test_cat_keeps_no_values():
    a, b = (tg.ones(2, requires_grad=True) for _ in "ab")
    y = b * 1
    joined = tg.cat([a, y])
    y.mul_(3)
    (joined.sum() + y.sum()).backward()
    assert b.grad.tolist() == [4.0, 4.0]


def test_a_tensor_tells_where_to_split():
    assert [p.shape for p in tg.ones(5).tensor_split(tg.tensor([1, 3]))] == [(1,), (2,), (2,)]
    assert [p.shape for p in tg.ones(5).tensor_split(tg.tensor(2))] == [(3,), (2,)]
    assert tg.atleast_1d([tg.tensor(1.0)])[0].shape == (1,)


def test_an_axis_may_be_a_tensor():
    x = tg.zeros(2, 3, 4, requires_grad=True)
    weight = tg.arange(24.0).reshape(4, 2, 3)
    (x.permute(-1, 0, tg.tensor(1)) * weight).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), weight.numpy().transpose(1, 2, 0))
