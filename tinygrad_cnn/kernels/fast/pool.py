"""Pooling in one parallel pass: the greatest and its place together, all channels of a pixel at once.

Channels-last pixels are runs of C floats, so two places of the window are compared for WIDTH channels by one vector
instruction. That is written out for max-pooling, where the compiler of plain loops loses itself in branches.
The way back goes by pixels of the input, each collecting from the windows that it lies in, so that no two
threads ever add to the same number.

N batch, C channels, H W input, P Q output, h w window.
"""

from __future__ import annotations

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from .. import faster
from . import memory
from .compiled import compiled
from .micro import WIDTH

Pair = tuple[int, int]
PER_NUMBER = 0.3  # nanoseconds for each number read
_PICTURES = "Array(f4, 4, 'C', readonly=True)"


def _last(x: np.ndarray) -> np.ndarray:
    """(N,C,H,W) -> (N,H,W,C), contiguous."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def _is_float32(input, *args):
    return input.dtype == np.float32 and input.size > 0


def _takes_max(input, kernel_size, stride, padding, dilation, output_size):
    return _is_float32(input) and kernel_size[0] * kernel_size[1] <= 256


@faster(when=_takes_max)
def max_pool2d(input, kernel_size, stride, padding, dilation, output_size):
    x = _last(input)
    shape = (len(x), *output_size, x.shape[3])
    out, choice = memory.empty(shape), memory.empty(shape, np.uint8)
    window = (*kernel_size, *stride, *padding, *dilation)
    _max_pool(out.size * kernel_size[0] * kernel_size[1] * PER_NUMBER, x, window, out, choice)
    return out.transpose(0, 3, 1, 2), choice.transpose(0, 3, 1, 2)


def _takes_place(grad, choice, *args):
    return _is_float32(grad) and choice.dtype == np.uint8


@faster(when=_takes_place)
def max_pool2d_place(grad, choice, input_shape, kernel_size, stride, padding, dilation):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    window = (*kernel_size, *stride, *padding, *dilation)
    _place(out.size * PER_NUMBER, _last(grad), _last(choice), window, out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_is_float32)
def sum_pool2d(input, kernel_size, stride, padding, output_size):
    out = memory.empty((len(input), *output_size, input.shape[1]))
    window = (*kernel_size, *stride, *padding)
    _sum(out.size * kernel_size[0] * kernel_size[1] * PER_NUMBER, _last(input), window, out)
    return out.transpose(0, 3, 1, 2)


@faster(when=_is_float32)
def sum_pool2d_spread(grad, input_shape, kernel_size, stride, padding):
    N, C, H, W = input_shape
    out = memory.empty((N, H, W, C))
    _spread(out.size * PER_NUMBER, _last(grad), (*kernel_size, *stride, *padding), out)
    return out.transpose(0, 3, 1, 2)


@register_jitable
def _inside(start, size, step, count):
    """The places start, start + step ... (`count` of them) in range(size): number of the first, and the end."""
    first = (max(0, -start) + step - 1) // step
    return first, max(first, min(count, (size - start + step - 1) // step))


@register_jitable
def _windows(size, window, step, pad, far, outputs):
    """For each of `size` inputs along an axis: how many windows it lies in, the outputs of these, its place in each."""
    counts, output, place = (
        np.zeros(size, np.int64),
        np.empty((size, window), np.int64),
        np.empty((size, window), np.int64),
    )
    for y in range(size):
        for i in range(window):
            p = _meeting(y + pad - i * far, step, outputs)
            if p >= 0:
                output[y, counts[y]], place[y, counts[y]] = p, i
                counts[y] += 1
    return counts, output, place


@register_jitable
def _meeting(place, step, outputs):
    """The output whose window has its place at `place` (= output·step), or -1 where there is none."""
    output = place // step
    return output if place >= 0 and place % step == 0 and output < outputs else -1


class _Lanes:
    """Vectors of WIDTH channels, of which the first few exist; what is beyond is neither read nor written."""

    def __init__(self, builder, count):
        self.builder = builder
        numbers = ir.VectorType(ir.IntType(64), WIDTH)
        own = ir.Constant(numbers, list(range(WIDTH)))
        self.exist = builder.icmp_signed("<", own, self.spread(count))

    def spread(self, value):
        """A vector of one number."""
        nothing = ir.Constant(ir.VectorType(value.type, WIDTH), ir.Undefined)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        one = self.builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(one, nothing, zeros)

    def load(self, address, kind):
        vector, pointer, name = self._place(address, kind)
        shape = ir.FunctionType(vector, [pointer.type, ir.IntType(32), self.exist.type, vector])
        load = cgutils.get_or_insert_function(self.builder.module, shape, f"llvm.masked.load.{name}.p0")
        return self.builder.call(load, [pointer, ir.Constant(ir.IntType(32), 1), self.exist, ir.Constant(vector, None)])

    def store(self, value, address, kind):
        vector, pointer, name = self._place(address, kind)
        shape = ir.FunctionType(ir.VoidType(), [vector, pointer.type, ir.IntType(32), self.exist.type])
        store = cgutils.get_or_insert_function(self.builder.module, shape, f"llvm.masked.store.{name}.p0")
        self.builder.call(store, [value, pointer, ir.Constant(ir.IntType(32), 1), self.exist])

    def _place(self, address, kind):
        vector = ir.VectorType(kind, WIDTH)
        name = f"v{WIDTH}{'f32' if kind == _FLOAT else 'i8'}"
        return vector, self.builder.inttoptr(address, vector.as_pointer()), name


_FLOAT, _BYTE, _WORD = ir.FloatType(), ir.IntType(8), ir.IntType(64)


def _word(builder, table, k):
    """Number k of a table of numbers."""
    return builder.load(builder.gep(builder.inttoptr(table, _WORD.as_pointer()), [k]))


@intrinsic
def _greatest(typing, sources, ordinals, count, offset, lanes, default, out, choice):
    """The greatest of `count` vectors and its ordinal; `default` is the ordinal if all are -inf.

    sources and ordinals are addresses of tables; `offset` bytes are added to each source.
    """

    def emit(context, builder, signature, arguments):
        sources, ordinals, count, offset, count_of_lanes, default, out, choice = arguments
        lanes, vector = _Lanes(builder, count_of_lanes), ir.VectorType(_FLOAT, WIDTH)
        best = cgutils.alloca_once_value(builder, ir.Constant(vector, [float("-inf")] * WIDTH))
        place = cgutils.alloca_once_value(builder, lanes.spread(builder.trunc(default, _BYTE)))
        with cgutils.for_range(builder, count) as loop:
            seen = lanes.load(builder.add(_word(builder, sources, loop.index), offset), _FLOAT)
            here = lanes.spread(builder.trunc(_word(builder, ordinals, loop.index), _BYTE))
            old = builder.load(best)
            better = builder.fcmp_unordered("uno", seen, seen)
            better = builder.or_(builder.fcmp_ordered(">", seen, old), better)
            builder.store(builder.select(better, seen, old), best)
            builder.store(builder.select(better, here, builder.load(place)), place)
        lanes.store(builder.load(best), out, _FLOAT)
        lanes.store(builder.load(place), choice, _BYTE)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8), emit


@intrinsic
def _chosen(typing, grads, choices, ordinals, count, offset, lanes, out):
    """Σ of `count` vectors, each where its choice is its ordinal; `offset` counts numbers."""

    def emit(context, builder, signature, arguments):
        grads, choices, ordinals, count, offset, count_of_lanes, out = arguments
        lanes, vector = _Lanes(builder, count_of_lanes), ir.VectorType(_FLOAT, WIDTH)
        zero = ir.Constant(vector, [0.0] * WIDTH)
        total = cgutils.alloca_once_value(builder, zero)
        bytes_ = builder.mul(offset, ir.Constant(_WORD, 4))
        with cgutils.for_range(builder, count) as loop:
            grad = lanes.load(builder.add(_word(builder, grads, loop.index), bytes_), _FLOAT)
            choice = lanes.load(builder.add(_word(builder, choices, loop.index), offset), _BYTE)
            here = lanes.spread(builder.trunc(_word(builder, ordinals, loop.index), _BYTE))
            part = builder.select(builder.icmp_unsigned("==", choice, here), grad, zero)
            builder.store(builder.fadd(builder.load(total), part), total)
        lanes.store(builder.load(total), out, _FLOAT)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7), emit


@compiled(f"{_PICTURES}, UniTuple(i8, 8), f4[:,:,:,::1], u1[:,:,:,::1]")
def _max_pool(thread, part, parts, x, window, out, choice):
    h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    sources, ordinals = np.empty(h * w, np.int64), np.empty(h * w, np.int64)
    for row in range(part * N * P // parts, (part + 1) * N * P // parts):
        n, p = row // P, row % P
        top = p * step_i - pad_i
        i_first, i_end = _inside(top, H, far_i, h)
        for q in range(Q):
            left = q * step_j - pad_j
            j_first, j_end = _inside(left, W, far_j, w)
            count = 0
            for i in range(i_first, i_end):
                for j in range(j_first, j_end):
                    pixel = (n * H + top + i * far_i) * W + left + j * far_j
                    sources[count] = x.ctypes.data + pixel * C * 4
                    ordinals[count] = i * w + j
                    count += 1
            to = (row * Q + q) * C
            for c in range(0, C, WIDTH):
                _greatest(
                    sources.ctypes.data,
                    ordinals.ctypes.data,
                    count,
                    c * 4,
                    C - c,
                    i_first * w + j_first,
                    out.ctypes.data + (to + c) * 4,
                    choice.ctypes.data + to + c,
                )


@compiled(f"{_PICTURES}, Array(u1, 4, 'C', readonly=True), UniTuple(i8, 8), f4[:,:,:,::1]")
def _place(thread, part, parts, grad, choice, window, out):
    h, w, step_i, step_j, pad_i, pad_j, far_i, far_j = window
    N, H, W, C = out.shape
    _, P, Q, _ = grad.shape
    grads, choices, ordinals = np.empty(h * w, np.int64), np.empty(h * w, np.int64), np.empty(h * w, np.int64)
    tall, p, i = _windows(H, h, step_i, pad_i, far_i, P)
    wide, q, j = _windows(W, w, step_j, pad_j, far_j, Q)
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        for z in range(W):
            count = 0
            for k in range(tall[y]):
                for m in range(wide[z]):
                    pixel = ((n * P + p[y, k]) * Q + q[z, m]) * C
                    grads[count] = grad.ctypes.data + pixel * 4
                    choices[count] = choice.ctypes.data + pixel
                    ordinals[count] = i[y, k] * w + j[z, m]
                    count += 1
            to = out.ctypes.data + (row * W + z) * C * 4
            for c in range(0, C, WIDTH):
                _chosen(
                    grads.ctypes.data,
                    choices.ctypes.data,
                    ordinals.ctypes.data,
                    count,
                    c,
                    C - c,
                    to + c * 4,
                )


@compiled(f"{_PICTURES}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _sum(thread, part, parts, x, window, out):
    h, w, step_i, step_j, pad_i, pad_j = window
    _, H, W, C = x.shape
    N, P, Q, _ = out.shape
    for row in range(part * N * P // parts, (part + 1) * N * P // parts):
        n, p = row // P, row % P
        top = p * step_i - pad_i
        i_first, i_end = _inside(top, H, 1, h)
        for q in range(Q):
            left = q * step_j - pad_j
            j_first, j_end = _inside(left, W, 1, w)
            total = out[n, p, q]
            total[:] = 0
            for i in range(i_first, i_end):
                for j in range(j_first, j_end):
                    seen = x[n, top + i, left + j]
                    for c in range(C):
                        total[c] += seen[c]


@compiled(f"{_PICTURES}, UniTuple(i8, 6), f4[:,:,:,::1]")
def _spread(thread, part, parts, grad, window, out):
    h, w, step_i, step_j, pad_i, pad_j = window
    N, H, W, C = out.shape
    _, P, Q, _ = grad.shape
    tall, p, _ = _windows(H, h, step_i, pad_i, 1, P)
    wide, q, _ = _windows(W, w, step_j, pad_j, 1, Q)
    for row in range(part * N * H // parts, (part + 1) * N * H // parts):
        n, y = row // H, row % H
        for z in range(W):
            total = out[n, y, z]
            total[:] = 0
            for k in range(tall[y]):
                for m in range(wide[z]):
                    g = grad[n, p[y, k], q[z, m]]
                    for c in range(C):
                        total[c] += g[c]
