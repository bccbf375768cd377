"""The threads that work on a loop together: they wait awake for a moment, and then sleep.

Waking a sleeping thread takes as long as a small convolution. Threads that wait awake start at once, but on a busy
machine they take the time of the one they wait for; OpenMP's do, and so do those of BLAS. These give way to
every other program while they wait (`sched_yield`), and after a millisecond without work they go to sleep.

A thread that gives way is never moved to another core, even when it was started beside the leading one. So one that
finds itself there moves away (Linux; elsewhere the system is left to see to it).

A job's parts are shared out evenly, so that in one loop after the other a thread works on the same numbers as far as
the loops are alike, and finds them in its own cache. Who is done with its share takes parts of the others'. So nobody
depends on anybody: who comes late finds less to do, and who loses the core holds up no more than one part. Who finds
the team at work for another thread does all parts alone, and they are the same parts, so the result is the same to the
last bit.

A job is known to the threads by a board, an array of numbers that all of them read and write. What is written by
different threads lies in different cache lines, for a line travels from core to core as a whole:

    LED     whether a thread leads, and how many jobs there were
    OPEN    number of the job to be joined, 0 for none; TEAM threads allowed, PARTS there are, CODE and DATA to call,
            CORE where the leading thread runs
    ACTIVE  threads inside it; FAILED whether a part ended by an error, which the leading thread raises at the end
    TAKEN   of each share, the next part to be taken

The team is taken and given back in compiled code, where no interrupt can come between. Threads that are no longer
wanted (`set_num_threads`) end; where the system gives none, those that are there do all parts.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress

import llvmlite.ir as ir
import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ....arrays.apart import start
from ....arrays.lines import user_level
from ... import threads
from ...once import undisturbed
from .cache import Code

PATIENCE = 4000  # looks at the board before a thread goes to sleep: a millisecond where no other program runs
SPIN = 16  # looks before it gives way for the first time
SHARES = 64  # at most
LINE = 8  # numbers
LED, JOBS = 0, 1
OPEN, TEAM, PARTS, CODE, DATA, CORE = range(LINE, LINE + 6)
ACTIVE, FAILED, TAKEN = 2 * LINE, 2 * LINE + 1, 3 * LINE
ROOM = 4096  # bytes for the arguments of a loop
_WORD = ir.IntType(64)


@intrinsic
def _read(typing, board, field):
    def emit(context, builder, signature, arguments):
        return builder.load_atomic(_at(builder, *arguments), "seq_cst", 8)

    return types.int64(types.intp, types.intp), emit


@intrinsic
def _write(typing, board, field, value):
    def emit(context, builder, signature, arguments):
        builder.store_atomic(arguments[2], _at(builder, *arguments[:2]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), emit


@intrinsic
def _put(typing, board, field, value):
    """Write a field that others read only after one that is written by `_write` behind it."""

    def emit(context, builder, signature, arguments):
        builder.store_atomic(arguments[2], _at(builder, *arguments[:2]), "monotonic", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), emit


@intrinsic
def _add(typing, board, field, value):
    """Add to a field; gives what was there before, and no two threads are given the same."""

    def emit(context, builder, signature, arguments):
        return builder.atomic_rmw("add", _at(builder, *arguments[:2]), arguments[2], "seq_cst")

    return types.int64(types.intp, types.intp, types.intp), emit


@intrinsic
def _exchange(typing, board, field, value):
    """Write a field; gives what was there before."""

    def emit(context, builder, signature, arguments):
        return builder.atomic_rmw("xchg", _at(builder, *arguments[:2]), arguments[2], "seq_cst")

    return types.int64(types.intp, types.intp, types.intp), emit


def _at(builder, board, field):
    return builder.gep(builder.inttoptr(board, _WORD.as_pointer()), [field])


@intrinsic
def _give_way(typing):
    """Let the system run another program on this core, if one waits for it."""
    name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"

    def emit(context, builder, signature, arguments):
        shape = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, shape, name), [])
        return context.get_dummy_value()

    return types.void(), emit


@intrinsic
def _core(typing):
    """The number of the core that this thread runs on, -1 where the system does not tell."""

    def emit(context, builder, signature, arguments):
        if sys.platform != "linux":
            return ir.Constant(_WORD, -1)
        shape = ir.FunctionType(ir.IntType(32), [])
        return builder.sext(
            builder.call(cgutils.get_or_insert_function(builder.module, shape, "sched_getcpu"), []), _WORD
        )

    return types.int64(), emit


@intrinsic
def _call(typing, code, data, thread, part, parts):
    def emit(context, builder, signature, arguments):
        code, *rest = arguments
        return builder.call(builder.inttoptr(code, _SHARE.as_pointer()), rest)

    return types.int64(*[types.intp] * 5), emit


_SHARE = ir.FunctionType(_WORD, [_WORD] * 4)  # (data, thread, part, parts) -> whether it failed


def bind(share):
    """An intrinsic that binds arguments to a compiled share of a loop: (address of code, address of its data, bytes).

    The data lie in the frame of the function that binds, so they live as long as it runs. They own nothing: whoever
    calls the code keeps the arrays.
    """

    @intrinsic
    def bound(typing, *arguments):
        numbers = (types.intp,) * 3
        share.compile(numbers + arguments)
        result = share.overloads[numbers + arguments]

        def emit(context, builder, signature, values):
            values = cgutils.unpack_tuple(builder, values[0], len(arguments))
            values = [_unowned(context, builder, *pair) for pair in zip(arguments, values, strict=True)]
            layout = ir.LiteralStructType([*(value.type for value in values), _WORD])  # of whole words
            size = context.get_abi_sizeof(layout)
            if size > ROOM:
                raise ValueError(f"the arguments of {share.__name__} take {size} bytes; there is room for {ROOM}")
            data = cgutils.alloca_once(builder, layout)
            for k, value in enumerate(values):
                builder.store(value, cgutils.gep_inbounds(builder, data, 0, k))
            # Put into its caller, the share cannot be taken for the one compiled by itself, which is of the same name
            # and another rounding: the linker of the process that compiles would, that of one that loads cannot.
            result.library.get_function(result.fndesc.mangled_name).add_function_attribute("alwaysinline")
            context.active_code_library.add_linking_library(result.library)
            code = ir.Function(builder.module, _SHARE, f"{builder.function.name}.share")
            code.linkage = "internal"
            inner = ir.IRBuilder(code.append_basic_block())
            held = inner.inttoptr(code.args[0], data.type)
            again = [inner.load(cgutils.gep_inbounds(inner, held, 0, k)) for k in range(len(values))]
            callee = context.declare_function(builder.module, result.fndesc)
            types_ = result.fndesc.argtypes
            status, _ = context.call_conv.call_function(inner, callee, types.none, types_, [*code.args[1:], *again])
            inner.ret(inner.zext(status.is_error, _WORD))
            addresses = [builder.ptrtoint(pointer, _WORD) for pointer in (code, data)]
            return context.make_tuple(builder, signature.return_type, [*addresses, ir.Constant(_WORD, size)])

        return types.UniTuple(types.intp, 3)(types.StarArgTuple.from_types(arguments)), emit

    return bound


def _unowned(context, builder, kind, value):
    """An argument that counts no references to its memory; Numba skips where there is nothing to count."""
    if isinstance(kind, types.BaseTuple):
        items = zip(kind, cgutils.unpack_tuple(builder, value, len(kind)), strict=True)
        return context.make_tuple(builder, kind, [_unowned(context, builder, *item) for item in items])
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if context.data_model_manager[kind].contains_nrt_meminfo():
        raise TypeError(f"a loop takes arrays, numbers and tuples of them, not {kind}")
    return value


@njit(nogil=True)
def note(place, code, data, size):
    """Write down what `bound` gives: the address of the code, the number of bytes, the data."""
    _write(place, 0, code)
    _write(place, 1, size)
    for k in range(size // 8):
        _write(place, 2 + k, _read(data, k))


@njit(nogil=True)
def lead(board, team, pieces, code, data):
    """Run a job on this thread, and on the others of the team as far as they come; whether any part failed."""
    if team == 1:
        return _call(code, data, 0, 0, 1)
    parts = team * pieces
    if _exchange(board, LED, 1) != 0:
        failed = 0
        for part in range(parts):
            failed |= _call(code, data, 0, part, parts)
        return failed
    _put(board, FAILED, 0)
    _put(board, TEAM, team)
    _put(board, PARTS, parts)
    _put(board, CODE, code)
    _put(board, DATA, data)
    _put(board, CORE, _core())
    shares = min(team, SHARES)
    for share in range(shares):
        _put(board, TAKEN + LINE * share, share * parts // shares)
    job = _read(board, JOBS) + 1
    _put(board, JOBS, job)
    _write(board, OPEN, job)
    _work(board, code, data, 0, parts, shares)
    _write(board, OPEN, 0)
    looks = 0
    while _read(board, ACTIVE) > 0:
        looks += 1
        if looks > SPIN:
            _give_way()
    failed = _read(board, FAILED)
    _write(board, LED, 0)
    return failed


@njit(nogil=True)
def _work(board, code, data, thread, parts, shares):
    """Do the parts of this thread's share, then what is left of the others'."""
    for k in range(shares):
        share = (thread + k) % shares
        next_, end = TAKEN + LINE * share, (share + 1) * parts // shares
        while _read(board, next_) < end:
            part = _add(board, next_, 1)
            if part < end and _call(code, data, thread, part, parts) != 0:
                _write(board, FAILED, 1)


def follow(board, thread):
    """Join every job until none comes for a while: -1. Or until this is the leader's core: its number.

    Who has counted itself as active may trust an open job.
    """
    waited, done = 0, 0
    while waited < PATIENCE:
        job = _read(board, OPEN)
        if job != 0 and job != done and thread < _read(board, TEAM):
            _add(board, ACTIVE, 1)
            job = _read(board, OPEN)
            core = _read(board, CORE)
            if job != 0 and thread < _read(board, TEAM):
                parts, code, data = _read(board, PARTS), _read(board, CODE), _read(board, DATA)
                _work(board, code, data, thread, parts, min(_read(board, TEAM), SHARES))
                done = job
            _add(board, ACTIVE, -1)
            if core >= 0 and core == _core():
                return core
            waited = 0
        else:
            waited += 1
            if waited > SPIN:
                _give_way()
    return -1


FOLLOW = Code(follow, "intp(intp, intp)")


class Team:
    """This process's threads. `board` is for `lead`; `wake` is to be called before it."""

    def __init__(self):
        self.numbers = np.zeros(TAKEN + LINE * (SHARES + 1), np.int64)
        self.board = -(-self.numbers.ctypes.data // 64) * 64
        self.size = 1
        self.asleep: list[threading.Lock] = []
        self.started: dict[int, threading.Thread] = {}

    def wake(self, team: int) -> None:
        """See to it that enough threads wait awake. Any thread may call this, and an interrupt may end it anywhere."""
        if self.size < team and (missing := undisturbed(self._grow, team)):
            warnings.warn(
                f"the system gives no more threads ({missing}): the kernels run on {len(self.started) + 1} of the "
                f"{team} that set_num_threads asks for",
                RuntimeWarning,
                stacklevel=user_level(),
            )
        self._ring()

    def shrink(self, team: int) -> None:
        """Let the threads beyond so many end, as soon as they have no work."""
        if self.size > team:
            undisturbed(self._shrink, team)

    def _ring(self) -> None:
        for alarm in tuple(self.asleep):
            with suppress(RuntimeError):  # another thread has just done so
                alarm.release()

    def _grow(self, team: int) -> str:
        """Start what threads are missing; why that could not be."""
        code = FOLLOW.load()
        threads.loops_run()
        missing = ""
        while self.size < team:
            number = self.size
            if (before := self.started.get(number)) is not None:  # it is about to end
                self._ring()
                before.join()
            self.size += 1  # also where there is none: it is not to be asked for at each call
            thread = threading.Thread(target=self._live, args=(code, number), name=f"kernel {number}", daemon=True)
            try:
                self.started[number] = thread
                start(thread)
            except RuntimeError as error:
                del self.started[number]
                missing = "" if "shutdown" in str(error) else str(error)  # the program may be about to end
        return missing

    def _shrink(self, team: int) -> None:
        self.size = min(self.size, team)
        self._ring()

    def _live(self, code: Callable, number: int) -> None:
        alarm = threading.Lock()
        alarm.acquire()
        while number < self.size:
            core = code(self.board, number)
            if core < 0:
                self.asleep.append(alarm)
                if number < self.size:  # looked at after that, or before it the alarm would not have been rung
                    alarm.acquire()
                self.asleep.remove(alarm)  # who releases it once more until here has woken this thread for nothing
            else:
                _leave(core)
        self.started.pop(number, None)


def _leave(core: int) -> None:
    """Move this thread to another core, if it may run on one."""
    cores = os.sched_getaffinity(0)
    if cores - {core}:
        with suppress(OSError):  # they have just been taken from this program
            os.sched_setaffinity(0, cores - {core})
            os.sched_setaffinity(0, cores)
