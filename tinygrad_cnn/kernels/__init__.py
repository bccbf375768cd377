"""The kernels in three rooms: the law to read, what runs without extras, and what runs fast.

    textbook/   each kernel as loops and sums over its formula, at any speed: the law for the other two
    numpy/      each kernel in NumPy alone
    fast/       the heavy ones compiled by Numba, each for the arguments that its guard takes

A kernel takes arrays and plain numbers and returns arrays; it knows nothing of Tensors. Callers write

    from ..kernels import kernel
    kernel.conv2d(input, weight, bias, stride, padding, dilation, groups)

and never ask which version runs: the last registered fast one whose guard accepts the arguments, else NumPy's. A name
without a fast version is NumPy's function itself, at no cost.

Fast versions need Numba, whose import costs more than NumPy's. So calls with small arrays alone are left to NumPy,
always, since the digits of a result are not to depend on what ran before (once Numba is there, the topics in EXACT
take them as well); and a topic of `fast/` is imported when one of its kernels is first called with more. Where Numba
is not installed, or is told not to compile (NUMBA_DISABLE_JIT), NumPy does the work; where it fails, a warning says
so.

Nobody waits for the compiler, either: until the loops of a topic have once been compiled on this machine, by a process
in the background (background.py), NumPy does its work, and the fast versions take over at the first call after that.
Their sums are in another order, so in such a run, results after that differ by rounding from what NumPy would give.
Who wants every digit again waits for the compiler: `use_deterministic_algorithms(True)`, or what follows.

    TINYGRAD_CNN_KERNELS=numpy          in the environment: the kernels of one room only: textbook, numpy, or fast
    with use("textbook"): ...           the same for a block of code; fast, asked for by name, is waited for
    status()                            which kernels run, and why
    warmup()                            compiles all topics now

The same holds for a loop that is made from a formula while the program runs: its guard says `loop.ready()` (see
fast/machinery/compiled.py), which is false until its machine code is there, or true where it is to be waited for.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from functools import cache, partial
from importlib import import_module
from operator import attrgetter, getitem
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from ..arrays.blocks import Ending
from ..arrays.formulas import Symbol
from ..arrays.quiet import silent
from . import threads
from .deterministic import are_deterministic_algorithms_enabled
from .once import lock, undisturbed

F = TypeVar("F", bound=Callable[..., Any])
ROOMS = ("textbook", "numpy", "fast")
# topic, a file of fast/: the kernels it has a faster version of
TOPICS = {
    "attention": ("attention", "attention_backward"),
    "conv": ("conv2d", "conv2d_input", "conv2d_weight", "conv2d_relu"),
    "dropout": ("dropout", "dropout_again"),
    "elementwise": ("relu", "relu_mask"),
    "groups": ("group_norm", "group_norm_backward"),
    "layout": ("contiguous",),
    "linear": ("matmul", "linear", "linear_relu"),
    "loops": ("pointwise", "total"),
    "norm": (
        *("batch_norm", "batch_norm_backward", "batch_norm_eval", "batch_norm_relu", "batch_norm_relu_backward"),
        "channel_sums",
    ),
    "optim": ("sgd", "adam", "rmsprop", "adagrad", "adadelta"),
    "pool": ("max_pool2d", "max_pool2d_place", "sum_pool2d", "sum_pool2d_spread"),
    "recurrent": ("rnn", "rnn_backward", "lstm", "lstm_backward", "gru", "gru_backward"),
    "softmax": (
        *("cross_entropy", "cross_entropy_backward"),
        *("softmax", "log_softmax", "softmax_backward", "log_softmax_backward"),
    ),
    "sums": ("sum", "fold", "variance", "sums_at"),
}
EXACT = ("dropout", "optim")  # topics whose loops give NumPy's bits, and beat it however few the numbers
SMALL = 512  # numbers; with fewer in every array, a call is not worth importing Numba


class Unusable(RuntimeError):
    """A faster version cannot run on this machine; NumPy does its work."""


class Unwanted(Unusable):
    """A faster version is not to run, which nobody needs to be told."""


class Kernels:
    """The kernels by name, as they are to be called now: its __dict__ is the table of the room in use."""

    def __getattr__(self, name: str) -> Callable:
        raise AttributeError(f"there is no kernel {name!r}; the kernels are {', '.join(sorted(vars(self)))}")


kernel = Kernels()
_tables: dict[str, dict[str, Callable]] = {room: {} for room in ROOMS}  # what a call of each name runs in each room
_laws: dict[str, Callable] = {}
_in_numpy: dict[str, Callable] = {}
_faster: dict[str, list[tuple[Callable | None, Callable]]] = {}
_pure: set[Callable] = set()
# What was asked for, the innermost block last; nobody asked for the first.
_wishes: list[Any] = [SimpleNamespace(room="fast", table=_tables["fast"])]
_waiting = {name: topic for topic, names in TOPICS.items() for name in names}  # not imported so far
_failure = ""
_warm = False  # warmup has been called

kernel.__dict__ = _tables["fast"]


def law(f: F) -> F:
    """Register the version of a kernel that is read: what every other one must give. NumPy's warnings are off in it."""
    return _register(_laws, silent(f))


def in_numpy(f: F) -> F:
    """Register the version of a kernel that runs where nothing but NumPy is installed."""
    return _register(_in_numpy, f)


def _register(room: dict[str, Callable], f: F) -> F:
    name = f.__name__
    for known in (_laws.get(name), _in_numpy.get(name)):
        _must_agree(name, f, known)
    room[name] = f
    _faster.setdefault(name, [])
    _choose(name)
    return f


def faster(when: Callable | None = None, pure: bool = False) -> Callable[[F], F]:
    """Register a faster version of the kernel of the same name and signature.

    `when(*arguments)` says whether it takes these arguments; without it, it takes all. `pure`: numbers are touched by
    compiled loops alone, always the same for arrays of the same layout, so that running these again does the same
    for other numbers in the same arrays (fast/machinery/launches.py), or in others of that layout (again.py). TypeError
    where the signature is another one, or where there is no kernel of this name.

    >>> @faster(when=lambda input: input.flags.c_contiguous)  # doctest: +SKIP
    ... def relu(input):
    ...     return input.clip(0)
    >>> sorted(TOPICS["elementwise"])  # those that have a faster version in the library
    ['relu', 'relu_mask']
    """

    def register(f: F) -> F:
        name = f.__name__
        if name not in _faster:
            raise TypeError(f"kernel {name!r} has no version in textbook/ or numpy/; write that first")
        taken = _must_agree(name, f, _in_numpy.get(name, _laws.get(name)))
        if when is not None and len(_parameters(when)) != len(taken) and "args" not in _parameters(when):
            raise TypeError(f"the guard of kernel {name!r} takes {_parameters(when)}, the kernel takes {taken}")
        _faster[name].append((when, f))
        if pure:
            _pure.add(f)
        _choose(name)
        return f

    return register


def _must_agree(name: str, f: Callable, known: Callable | None) -> list[str]:
    """The parameters of f, which must be those of another version."""
    mine = _parameters(f)
    theirs = mine if known is None else _parameters(known)
    if mine != theirs:
        raise TypeError(f"kernel {name!r} takes {mine}, but its other versions take {theirs}; they must be equal")
    return mine


def _parameters(f: Callable) -> list[str]:
    return list(inspect.signature(f).parameters)


def _choose(name: str) -> None:
    """Put into each room's table what a call of this name runs there; a room that lacks it takes its neighbour's."""
    readable = _laws.get(name) or _in_numpy[name]
    usual = _in_numpy.get(name, readable)
    stack, topic = _faster[name][::-1], _waiting.get(name)
    exact = any(name in TOPICS[known] for known in EXACT)
    if topic:

        def chosen(*args):
            if name in _waiting:  # who has kept this function, calls it for good
                if _are_small(args, exact and "numba" in sys.modules) or not _is_ready(topic):
                    return usual(*args)
                _import(topic)
            return _tables["fast"][name](*args)

    elif stack:
        again = _again(stack)

        def chosen(*args):
            if _are_small(args, exact):
                return usual(*args)
            if again is not None and (result := again(args)) is not None:
                return result
            for when, version in stack:
                try:
                    if when is None or when(*args):
                        return version(*args)
                except Unusable as why:
                    _give_up(why)
            return usual(*args)

    else:
        chosen = usual

    if chosen is not usual:
        chosen.__name__ = name
    for room, version in zip(ROOMS, (readable, usual, chosen), strict=True):
        _tables[room][name] = version


def _again(stack: list[tuple[Callable | None, Callable]]) -> Callable | None:
    """The calls of a kernel that were made before (again.py); None where no version is pure."""
    if not any(version in _pure for _, version in stack):
        return None

    def choose(*args):
        for when, version in stack:
            if when is None or when(*args):
                return version if version in _pure else None
        return None

    return import_module(f"{__name__}.again").Again(choose)


def _are_small(args: tuple, exact: bool = False) -> bool:
    """Whether each array among the arguments is small, the arrays of a list taken together; exact: has no numbers."""
    found, enough = False, 1 if exact else SMALL
    for a in args:
        kind = type(a)  # every call pays for these lines, and isinstance would take twice as long
        if kind is np.ndarray:
            if a.size >= enough:
                return False
            found = True
        elif kind is Symbol:  # nothing is computed: NumPy's version says what it would be
            return True
        elif kind is list:
            size = 0
            for x in a:
                if x is not None:
                    size += x.size
                    if size >= enough:
                        return False
            found = True
    return found


def waits() -> bool:
    """Whether a kernel that is not compiled yet is waited for."""
    return _warm or are_deterministic_algorithms_enabled() or (len(_wishes) > 1 and room() == "fast")


def _is_ready(topic: str) -> bool:
    """Whether to import a topic: it is compiled, or it is to be waited for. If not, another process compiles it."""
    try:
        return waits() or _background().ready(topic)
    except Unusable as why:
        _give_up(why)
        return False


@cache
def _background() -> Any:
    """Imported where it is first needed; found once, for each call of a kernel asks until it is compiled."""
    return import_module(f"{__name__}.background")


def _import(topic: str) -> None:
    """Register the faster versions of one topic, or give all of them up where Numba is not there or not good."""
    undisturbed(_import_now, topic)


def _import_now(topic: str) -> None:
    if topic not in _waiting.values():  # another thread has imported it
        return
    before = set(sys.modules)
    try:
        import_module(f"{__name__}.fast.{topic}")
    except BaseException as why:  # an import of Numba may fail in any way; NumPy needs nothing of it
        _forget_import(before)
        if isinstance(why, MemoryError) or not isinstance(why, Exception):  # the next call tries again
            raise
        _give_up(why)
    for name in TOPICS[topic]:
        _waiting.pop(name, None)
        _choose(name)


def _forget_import(before: set[str]) -> None:
    """Undo an import that was broken off: halves of packages do not fit together with what is imported anew."""
    fast = f"{__name__}.fast"
    for name in set(sys.modules) - before:
        if name.startswith((fast, f"{__name__}.again")) or (
            name.partition(".")[0] in ("numba", "llvmlite") and "numba" not in before
        ):
            del sys.modules[name]
    for versions in _faster.values():
        versions[:] = [v for v in versions if v[1].__module__ in sys.modules or not v[1].__module__.startswith(fast)]


def _give_up(why: Exception) -> None:
    """Run on NumPy from now on."""
    global _failure
    with lock:
        _failure = f"{type(why).__name__}: {why}"
        _waiting.clear()
        for name, versions in _faster.items():
            versions.clear()
            _choose(name)
    if not (isinstance(why, Unwanted) or (isinstance(why, ModuleNotFoundError) and why.name == "numba")):
        warnings.warn(
            f"the fast kernels cannot run, the NumPy kernels do their work: {_failure}", RuntimeWarning, stacklevel=2
        )


class use(ContextDecorator):
    """Run the block, or the decorated function, on the kernels of one room: "textbook", "numpy" or "fast".

    Without it, "fast" runs as far as it is compiled; asked for by name, it is waited for. It holds for the whole
    process, all threads; of blocks within each other, the innermost counts.

    >>> with use("textbook"):
    ...     pass  # everything in here runs on loops and sums
    """

    # What was asked for last is forgotten, and then the table of what is the last one put in place.
    __exit__ = Ending(
        lambda self: [
            partial(_wishes.remove, self),
            map(
                partial(setattr, kernel, "__dict__"),
                map(attrgetter("table"), iter(partial(getitem, _wishes, -1), None)),
            ).__next__,
        ]
    )

    def __init__(self, room: str):
        self.room = _room(room, "kernels.use: room")
        self.table = _tables[self.room]
        if self.room == "textbook":
            _open_textbook()

    def __enter__(self) -> None:
        wishes, table = _wishes, self.table
        wishes += [self]  # two instructions and no call: no interrupt comes between them and the block
        kernel.__dict__ = table


def only_reference(flag: bool = True) -> use:
    """`use("numpy")` in one word, or with False `use("fast")`.

    >>> with only_reference():
    ...     room()
    'numpy'
    """
    return use("numpy" if flag else "fast")


def _room(wish: str, what: str) -> str:
    """The room that is wished for; `reference` is another word for numpy."""
    found = {"reference": "numpy"}.get(word := str(wish).strip().lower(), word)
    if found not in ROOMS:
        raise ValueError(f"{what} is {wish!r}; it must be textbook, numpy or fast")
    return found


def room() -> str:
    """The room that is in use: "fast" where no other is asked for.

    >>> with use("textbook"), use("numpy"):
    ...     room()
    'numpy'
    """
    return _wishes[-1].room


def _open_textbook() -> None:
    """It is imported when it is first asked for."""
    import_module(f"{__name__}.textbook")


def stack(name: str) -> list[Callable]:
    """Every version of a kernel: the textbook's, NumPy's, then the faster ones."""
    _open_textbook()
    _import_all()
    return [version[name] for version in (_laws, _in_numpy) if name in version] + [f for _, f in _faster[name]]


def guards(name: str) -> list[Callable | None]:
    """The guards of the faster versions, in their order in `stack(name)`."""
    _import_all()
    return [when for when, _ in _faster[name]]


def is_pure(version: Callable) -> bool:
    """Whether a version of a kernel was registered as pure: what it does is the compiled loops that it calls."""
    return version in _pure


def names() -> list[str]:
    """The names of all kernels, of all rooms.

    >>> "conv2d" in names()
    True
    """
    _open_textbook()
    return sorted(_faster)


def warmup(progress: Callable[[int, int], None] | None = None) -> None:
    """Compile all fast kernels now, or load them where that has been done before.

    Loops that are made from formulas later in this process are waited for as well. `progress` is told how many loops
    are done, and how many there are.
    """
    global _warm
    _warm = True
    _import_all()
    if not _failure:
        compiled = import_module(f"{__name__}.fast.machinery.compiled")
        try:
            for done, loop in enumerate(loops := compiled.every(), 1):
                loop.load()
                if progress is not None:
                    progress(done, len(loops))
        except Unusable as why:
            _give_up(why)
        else:
            if compiled.all_kept():
                _background().set_compiled(*TOPICS)


def status() -> dict[str, Any]:
    """Which room's kernels run and why, with what they run on; imports Numba to find out.

    >>> with use("textbook"):
    ...     status()["kernels"]
    'textbook'
    """
    found = {"kernels": room(), "threads": threads.get_num_threads()}
    if room() != "fast":
        return {**found, "why": f'asked for by TINYGRAD_CNN_KERNELS={room()} or kernels.use("{room()}")'}
    if later := not_compiled():
        return {**found, "why": "Numba is installed", "not compiled yet": f"{', '.join(later)}: NumPy does their work"}
    _import_all()
    if _failure:
        return {**found, "kernels": "numpy", "why": _failure}
    more = import_module(f"{__name__}.fast.machinery.compiled").status()
    return {**found, "why": "Numba is installed", **more}


def not_compiled() -> list[str]:
    """The topics whose work NumPy does only until they are compiled.

    >>> with use("numpy"):
    ...     not_compiled()
    []
    """
    background = _background()
    if room() != "fast" or waits() or not background.can_compile():
        return []
    return [topic for topic in sorted(set(_waiting.values())) if not background.is_compiled(topic)]


def _import_all() -> None:
    for topic in sorted(set(_waiting.values())):
        _import(topic)


import_module(".numpy", __name__)
if os.environ.get("TINYGRAD_CNN_KERNELS", "").strip():
    use(_room(os.environ["TINYGRAD_CNN_KERNELS"], "TINYGRAD_CNN_KERNELS")).__enter__()
