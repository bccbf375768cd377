"""Cases of ops/shape.py, ops/join.py and ops/rearrange.py."""

from __future__ import annotations

import numpy as np

from . import Case


def np_repeat(x, repeats):
    return np.tile(x, repeats)


def joined(*xs, dim, lengths):
    return np.concatenate(xs, dim)


def np_pad(mode):
    def expected(x, pad, value=0.0, **_):
        widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
        cut = tuple(slice(max(-a, 0), n + min(b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))
        widths = [(max(a, 0), max(b, 0)) for a, b in widths]
        return np.pad(x[cut], widths, mode, **({"constant_values": value} if mode == "constant" else {}))

    return expected


def np_diag_embed(x, offset, dim1, dim2, shape):
    out = np.zeros(shape)
    ends = np.moveaxis(out, (dim1, dim2), (-2, -1))
    for i in range(x.shape[-1]):
        ends[..., i + max(-offset, 0), i + max(offset, 0)] = x[..., i]
    return out


def np_windows(x, dimension, size, step):
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dimension)
    return np.moveaxis(np.moveaxis(windows, dimension % x.ndim, 0)[::step], 0, dimension % x.ndim)


def np_add_windows(g, dimension, size, step, shape):
    out = np.zeros(shape)
    for i in range(g.shape[1]):
        out[:, i * step : i * step + size] += g[:, i]
    return out


def np_split(x, split_sizes, dim):
    return np.split(x, np.cumsum(split_sizes)[:-1], axis=dim)


CASES = [
    Case("reshape", [(2, 3, 4)], dict(shape=(4, -1)), expected=lambda x, shape: x.reshape(4, 6)),
    Case("reshape", [()], dict(shape=(1, 1)), expected=lambda x, shape: np.array([[x]])),
    Case("reshape", [(0, 3)], dict(shape=(3, 0)), expected=lambda x, shape: np.zeros((3, 0))),
    Case("view", [(2, 3)], dict(size=(2, 1, -1)), expected=lambda x, size: x[:, None]),
    Case("flatten", [(2, 3, 4, 2)], dict(start_dim=1, end_dim=2), expected=lambda x, **_: x.reshape(2, 12, 2)),
    Case("flatten", [()], expected=lambda x: x.reshape(1)),
    Case("unflatten", [(2, 6, 3)], dict(dim=1, sizes=(2, -1)), expected=lambda x, **_: x.reshape(2, 2, 3, 3)),
    Case("squeeze", [(1, 3, 1, 2)], expected=np.squeeze),
    Case("squeeze", [(1, 3, 1, 2)], dict(dim=(0, 1)), expected=lambda x, dim: x[0]),
    Case("squeeze", [(1, 3, 1, 2)], dict(dim=-2), expected=lambda x, dim: x[:, :, 0]),
    Case("unsqueeze", [(2, 3)], dict(dim=-1), expected=lambda x, dim: x[:, :, None]),
    Case("unsqueeze", [()], dict(dim=0), expected=lambda x, dim: x[None]),
    Case("ravel", [(2, 3)], expected=np.ravel),
    Case("permute", [(2, 3, 4)], dict(dims=(2, 0, -2)), expected=lambda x, dims: np.einsum("abc->cab", x)),
    Case("transpose", [(2, 3, 4)], dict(dim0=0, dim1=-1), expected=lambda x, **_: np.einsum("abc->cba", x)),
    Case("t", [(2, 3)], expected=np.transpose),
    Case(
        "movedim",
        [(2, 3, 4)],
        dict(source=(0, 1), destination=(-1, 0)),
        expected=lambda x, source, destination: np.moveaxis(x, source, destination),
    ),
    Case("expand", [(2, 1, 3)], dict(size=(4, -1, 5, 3)), expected=lambda x, size: np.broadcast_to(x, (4, 2, 5, 3))),
    Case("expand", [()], dict(size=(2, 2)), expected=lambda x, size: np.full((2, 2), x)),
    Case("clone", [(2, 3)], expected=np.copy),
    Case("_cat", [(2, 3), (2, 1), (2, 2)], dict(dim=-1, lengths=(3, 1, 2)), expected=joined),
    Case("_cat", [(1, 3), (0, 3), (2, 3)], dict(dim=0, lengths=(1, 0, 2)), expected=joined),
    Case("split_with_sizes", [(2, 5)], dict(split_sizes=[2, 0, 3], dim=1), expected=np_split),
    Case("unbind", [(2, 3)], dict(dim=1), expected=lambda x, dim: (x[:, 0], x[:, 1], x[:, 2])),
    Case("chunk", [(5, 2)], dict(chunks=3), expected=lambda x, chunks: (x[:2], x[2:4], x[4:])),
    Case("narrow", [(2, 5)], dict(dim=1, start=-4, length=3), expected=lambda x, **_: x[:, 1:4]),
    Case("select", [(2, 5)], dict(dim=1, index=-1), expected=lambda x, **_: x[:, -1]),
    Case("flip", [(2, 3)], dict(dims=(0, -1)), expected=lambda x, dims: x[::-1, ::-1]),
    Case("rot90", [(2, 3)], dict(k=1), expected=np.rot90),
    Case("rot90", [(2, 3)], dict(k=-1, dims=(1, 0)), expected=lambda x, k, dims: np.rot90(x)),
    Case("roll", [(2, 3)], dict(shifts=4), expected=lambda x, shifts: np.roll(x, 4)),
    Case(
        "roll", [(2, 3)], dict(shifts=(1, -2), dims=(0, 1)), expected=lambda x, shifts, dims: np.roll(x, shifts, dims)
    ),
    Case("repeat", [(2, 3)], dict(repeats=(2, 1, 3)), expected=np_repeat),
    Case("repeat", [(2, 3)], dict(repeats=(2, 0)), expected=np_repeat),
    Case("tile", [(2, 3)], dict(dims=(2,)), expected=lambda x, dims: np.tile(x, dims)),
    Case("repeat_interleave", [(2, 3)], dict(repeats=2), expected=lambda x, repeats: np.repeat(x, repeats)),
    Case(
        "repeat_interleave",
        [(2, 3)],
        dict(repeats=np.array([2, 0, 1]), dim=1),
        expected=lambda x, repeats, dim: np.repeat(x, repeats, dim),
    ),
    Case("constant_pad_nd", [(2, 3, 4)], dict(pad=(1, 2, 0, 1), value=0.5), expected=np_pad("constant")),
    Case("constant_pad_nd", [(2, 5)], dict(pad=(-1, 2, 1, -1)), expected=np_pad("constant")),
    Case("pad", [(2, 3, 4)], dict(pad=(3, 2, 2, 0), mode="reflect"), expected=np_pad("reflect")),
    Case("pad", [(2, 3)], dict(pad=(4, 0, 1, 1), mode="replicate"), expected=np_pad("edge")),
    Case("pad", [(2, 3)], dict(pad=(3, 2), mode="circular"), expected=np_pad("wrap")),
    Case("pad", [(2, 4)], dict(pad=(-1, 2), mode="reflect"), expected=np_pad("reflect")),
    Case("tril", [(2, 3, 4)], dict(diagonal=1), expected=lambda x, diagonal: np.where(np.tri(3, 4, 1), x, 0)),
    Case("triu", [(4, 3)], dict(diagonal=-1), expected=lambda x, diagonal: np.where(np.tri(4, 3, -2), 0, x)),
    Case("diagonal", [(3, 4)], dict(offset=1), expected=lambda x, offset: x[np.arange(3), np.arange(3) + 1]),
    Case("diagonal", [(2, 3, 4)], dict(offset=-1, dim1=2, dim2=0), expected=lambda x, **_: np.diagonal(x, -1, 2, 0)),
    Case("diagonal_place", [(2, 3)], dict(offset=-1, dim1=0, dim2=2, shape=(4, 2, 3)), expected=np_diag_embed),
    Case("windows", [(2, 7)], dict(dimension=-1, size=3, step=2), expected=np_windows),
    Case("windows", [(4, 2)], dict(dimension=0, size=1, step=3), expected=np_windows),
    Case("fold_windows", [(2, 3, 3)], dict(dimension=1, size=3, step=2, shape=(2, 8)), expected=np_add_windows),
    Case("diag", [(3,)], dict(diagonal=-1), expected=lambda x, diagonal: np.diag(x, -1)),
    Case("diag", [(3, 4)], dict(diagonal=2), expected=lambda x, diagonal: np.diag(x, 2)),
]
