"""Sequences of different lengths in one batch: padded, so that all are as long, or packed, without what is padded.

    padded = pad_sequence([a, b, c], batch_first=True)                  # (3, longest, ...), zeros at the end
    packed = pack_padded_sequence(padded, [5, 2, 4], batch_first=True, enforce_sorted=False)
    out, h = nn.GRU(10, 16)(packed)                                     # reads each sequence to its own end
    out, lengths = pad_packed_sequence(out, batch_first=True)

In a packed sequence the rows of all steps lie one behind the other: batch_sizes[0] of step 0, one for each sequence,
then batch_sizes[1] of step 1, and so on; the longest sequence is the first. All of this is differentiable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays.arguments import forgiving
from ...engine.tensor import Tensor, as_array, wrap
from ...ops.gather import index_select
from ...ops.join import cat
from ...ops.shape import reshape, transpose
from ...surface.creation import full

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Rows of all steps, and how many of each step; with the order of the sequences, and the way back from it.

    `pack_padded_sequence` and `pack_sequence` make it. sorted_indices are the sequences as they lie in here, None where
    their order was not changed; unsorted_indices bring them back.

    >>> import tinygrad_cnn as tg
    >>> packed = pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([10, 20])])
    >>> packed.data.tolist(), packed.batch_sizes.tolist(), packed.sorted_indices
    ([1, 10, 2, 20, 3], [2, 2, 1], None)
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:  # both in one
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("PackedSequence: expected data and batch_sizes, or a pair of them")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)  # type: ignore[arg-type]

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with data converted, as `Tensor.to` does; itself where there is nothing to do."""
        data = self.data.to(*args, **kwargs)  # type: ignore[attr-defined]
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Itself: everything is on the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """An error, for there is none."""
        return self.to("cuda")

    def double(self) -> PackedSequence:
        """With data as float64."""
        return self.to(np.dtype(np.float64))

    def float(self) -> PackedSequence:
        """With data as float32."""
        return self.to(np.dtype(np.float32))

    def half(self) -> PackedSequence:
        """With data as float16."""
        return self.to(np.dtype(np.float16))

    def long(self) -> PackedSequence:
        """With data as int64."""
        return self.to(np.dtype(np.int64))

    def int(self) -> PackedSequence:
        """With data as int32."""
        return self.to(np.dtype(np.int32))

    def short(self) -> PackedSequence:
        """With data as int16."""
        return self.to(np.dtype(np.int16))

    def char(self) -> PackedSequence:
        """With data as int8."""
        return self.to(np.dtype(np.int8))

    def byte(self) -> PackedSequence:
        """With data as uint8."""
        return self.to(np.dtype(np.uint8))

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    def is_pinned(self) -> bool:
        """Whether data lies in pinned memory, of which there is none."""
        return self.data.is_pinned()  # type: ignore[attr-defined]

    def pin_memory(self) -> PackedSequence:
        """Itself, with data pinned as `Tensor.pin_memory` does."""
        data = self.data.pin_memory()  # type: ignore[attr-defined]
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that takes a permutation back; None for None.

    >>> import tinygrad_cnn as tg
    >>> invert_permutation(tg.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    return None if permutation is None else wrap(np.argsort(as_array(permutation), kind="stable"))


@forgiving
def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """What is not padding of a batch        (T,B,...), or (B,T,...) with batch_first

    lengths: of each sequence, a list or a tensor of ints. They must not rise, but with enforce_sorted=False.

    RuntimeError for lengths that rise, that are not positive, or are not as many as the sequences; IndexError for one
    beyond T.

    >>> import tinygrad_cnn as tg
    >>> packed = pack_padded_sequence(tg.tensor([[1, 2, 0], [4, 5, 6]]), [2, 3], batch_first=True, enforce_sorted=False)
    >>> packed.data.tolist(), packed.batch_sizes.tolist(), packed.sorted_indices.tolist()
    ([4, 1, 5, 2, 6], [2, 2, 1], [1, 0])
    """
    name = "pack_padded_sequence"
    if input.ndim < 2:
        raise RuntimeError(f"{name}: expected input (T, B, ...), got shape {tuple(input.shape)}")
    steps = transpose(input, 0, 1) if batch_first else input
    T, B, *rest = steps.shape
    n = np.asarray(as_array(lengths)).astype(np.int64)
    if 0 in steps.shape:
        raise RuntimeError(f"{name}: cannot pack an empty tensor, got shape {tuple(input.shape)}")
    if n.shape != (B,):
        kind = IndexError if not enforce_sorted and (n.ndim != 1 or len(n) > B) else RuntimeError
        raise kind(f"{name}: expected a length for each of {B} sequences, got lengths of shape {n.shape}")
    order = None if enforce_sorted else np.argsort(-n, kind="stable")
    if order is not None:
        n = n[order]
    if (n[1:] > n[:-1]).any():
        raise RuntimeError(f"{name}: lengths must fall, got {n.tolist()}; with enforce_sorted=False they need not")
    if n[-1] <= 0 or n[0] > T:
        raise (RuntimeError if n[-1] <= 0 else IndexError)(
            f"{name}: lengths must be from 1 to the {T} steps of input, got {n.tolist()}"
        )
    sizes = (n > np.arange(n[0])[:, None]).sum(1)  # at each step, the sequences that have it
    if order is None and n[-1] == T:
        data = reshape(steps, (T * B, *rest))
    else:
        sequences = np.arange(B) if order is None else order
        places = np.concatenate([t * B + sequences[:size] for t, size in enumerate(sizes)])
        data = index_select(reshape(steps, (T * B, *rest)), 0, wrap(places))
    return PackedSequence(data, wrap(sizes), None if order is None else wrap(order))


@forgiving
def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The batch that was packed, in its first order, and the lengths        -> (T,B,...), (B,)

    batch_first: (B,T,...). Behind the end of a sequence stands padding_value. total_length: that many steps, with
    padding behind the longest; ValueError where that is less than it.

    >>> import tinygrad_cnn as tg
    >>> padded, lengths = pad_packed_sequence(pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([10])]), True, -1)
    >>> padded.tolist(), lengths.tolist()
    ([[1, 2, 3], [10, -1, -1]], [3, 1])
    """
    data, batch_sizes, _, unsorted = sequence
    sizes = as_array(batch_sizes)
    T = len(sizes)
    if total_length is not None:
        if total_length < T:
            raise ValueError(
                f"pad_packed_sequence: total_length must be at least the length of the longest sequence, {T}, got "
                f"{total_length}"
            )
        T = total_length
    B = int(sizes[0])
    places = np.full((T, B), len(data))  # a row of padding stands behind those of data
    for t, (end, n) in enumerate(zip(np.cumsum(sizes), sizes)):
        places[t, :n] = np.arange(end - n, end)
    lengths = (places < len(data)).sum(0)
    if unsorted is not None:
        order = as_array(unsorted)
        places, lengths = places[:, order], lengths[order]
    return _padded(data, places.T if batch_first else places, padding_value), wrap(lengths)


def _padded(rows: Tensor, places: np.ndarray, padding_value: float) -> Tensor:
    """The row at each place, the one behind the last being padding        (N,...) (P,Q) -> (P,Q,...)"""
    padding = full((1, *rows.shape[1:]), padding_value, dtype=rows.dtype)
    found = index_select(cat((rows, padding)), 0, wrap(np.ascontiguousarray(places).reshape(-1)))
    return reshape(found, (*places.shape, *rows.shape[1:]))


@forgiving
def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences as one batch, as long as the longest        (n,...) each -> (T,B,...), or (B,T,...) with batch_first

    padding_side: "right", behind a sequence, or "left", before it.

    RuntimeError for sequences that differ beyond their length, for none, and for another side.

    >>> import tinygrad_cnn as tg
    >>> pad_sequence([tg.tensor([1, 2, 3]), tg.tensor([4])], batch_first=True, padding_side="left").tolist()
    [[1, 2, 3], [0, 0, 4]]
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected an iterable of tensors, got {type(sequences).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side must be left or right, got {padding_side!r}")
    found: Sequence[Tensor] = tuple(sequences)
    if not found:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    for s in found:
        if not isinstance(s, Tensor):
            raise TypeError(f"pad_sequence: expected tensors, got {type(s).__name__}")
        if s.ndim == 0 or s.shape[1:] != found[0].shape[1:]:
            raise RuntimeError(
                f"pad_sequence: sequences may differ in length alone, got {tuple(found[0].shape)} and {tuple(s.shape)}"
            )
    lengths = [len(s) for s in found]
    rows = cat([s if s.dtype == found[0].dtype else s.to(found[0].dtype) for s in found])
    places = np.full((len(found), max(lengths)), len(rows))
    for place, n, end in zip(places, lengths, np.cumsum(lengths)):
        place[slice(len(place) - n, None) if padding_side == "left" else slice(n)] = np.arange(end - n, end)
    return _padded(rows, places if batch_first else places.T, padding_value)


@forgiving
def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length.

    >>> import tinygrad_cnn as tg
    >>> [s.tolist() for s in unpad_sequence(tg.tensor([[1, 2, 3], [4, 0, 0]]), tg.tensor([3, 1]), batch_first=True)]
    [[1, 2, 3], [4]]
    """
    batch = padded_sequences if batch_first else transpose(padded_sequences, 0, 1)
    return [s[: int(n)].clone() for s, n in zip(batch, lengths, strict=True)]  # type: ignore[call-overload, attr-defined]


@forgiving
def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Sequences packed, the longest first; with enforce_sorted=False they may come in any order.

    >>> import tinygrad_cnn as tg
    >>> pack_sequence([tg.tensor([1]), tg.tensor([2, 3])], enforce_sorted=False).data.tolist()
    [2, 1, 3]
    """
    sequences = tuple(sequences)
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


@forgiving
def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in their first order.

    >>> import tinygrad_cnn as tg
    >>> [s.tolist() for s in unpack_sequence(pack_sequence([tg.tensor([1, 2]), tg.tensor([3])]))]
    [[1, 2], [3]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
