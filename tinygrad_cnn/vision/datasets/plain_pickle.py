"""Pickles of plain data, read without an unpickler: nothing that a file names is ever looked up or called.

`pickletools` splits a pickle into its instructions; those for dicts, lists, tuples, text, bytes and numbers are
followed here. An array is three instructions with known names (`_reconstruct`, `dtype`, and a state to be set),
from which the numbers are taken. Anything else is refused by its name.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

KEPT = {"PUT", "BINPUT", "LONG_BINPUT"}
FETCHED = {"GET", "BINGET", "LONG_BINGET"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
IGNORED = {"PROTO", "FRAME", "STOP"}
VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
ARRAY = {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}
DTYPE = ("numpy", "dtype")
BYTES = ("_codecs", "encode")  # how Python 3 writes bytes for Python 2
BUFFER = {("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer")}  # since protocol 5
KNOWN = {*ARRAY, *BUFFER, DTYPE, BYTES, ("numpy", "ndarray")}


NEWEST = 5  # protocol
FRAME = 9  # bytes of the instruction that says how long a frame is


class Name(NamedTuple):
    """What a pickle calls a function or a class."""

    module: str
    name: str


class Typecode:
    """A dtype of numbers, such as u1, and its byte order, which comes later."""

    def __init__(self, code: str):
        self.code = code
        self.order = "|"


class Unfilled:
    """An array whose numbers come later; what was kept of it before then stands for it."""

    array: np.ndarray | None = None


def read_plain_pickle(blob: bytes) -> Any:
    """The dicts, lists, numbers, text and arrays of numbers in a pickle; a ValueError says why it is none of these."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, place in pickletools.genops(blob):
            if opcode.name == "PROTO" and (argument or 0) > NEWEST:
                raise ValueError(f"it is of protocol {argument}")
            if opcode.name == "FRAME" and (argument or 0) > len(blob) - (place or 0) - FRAME:
                raise ValueError("it is cut off")
            _follow(opcode.name, argument, stack, marks, memo)
        (result,) = stack
        if marks:
            raise ValueError("it holds a part without an end")
        _refuse_parts(result)
    except Exception as error:  # text that is none, an instruction that finds no mark or nothing to work on
        if type(error) is ValueError:
            raise
        raise ValueError(f"it is damaged: {type(error).__name__}: {error}") from error
    return result


def _follow(name: str, argument: Any, stack: list, marks: list[int], memo: dict[int, Any]) -> None:
    """One instruction."""
    if name in VALUES:
        stack.append(argument)
    elif name in KEPT:
        memo[argument] = _top(stack, marks)
    elif name in FETCHED:
        kept = memo[argument]
        stack.append(kept.array if isinstance(kept, Unfilled) and kept.array is not None else kept)
    elif name == "MEMOIZE":
        memo[len(memo)] = _top(stack, marks)
    elif name in CONSTANTS:
        stack.append(CONSTANTS[name])
    elif name == "MARK":
        marks.append(len(stack))
    elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
        stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[name]())
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        stack.append(_taken(stack, marks, len(stack) - int(name[-1]), tuple))
    elif name in ("TUPLE", "LIST"):
        stack.append(_taken(stack, marks, marks.pop(), tuple if name == "TUPLE" else list))
    elif name == "DICT":
        items = _taken(stack, marks, marks.pop(), list)
        stack.append({})
        _set(stack[-1], items)
    elif name in ("APPEND", "APPENDS"):
        items = _taken(stack, marks, len(stack) - 1 if name == "APPEND" else marks.pop(), list)
        _of(_top(stack, marks), list).extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = _taken(stack, marks, len(stack) - 2 if name == "SETITEM" else marks.pop(), list)
        _set(_of(_top(stack, marks), dict), items)
    elif name == "GLOBAL":
        stack.append(_known(*argument.split(" ", 1)))
    elif name == "STACK_GLOBAL":
        stack.append(_known(*_taken(stack, marks, len(stack) - 2, list)))
    elif name == "REDUCE":
        function, arguments = _taken(stack, marks, len(stack) - 2, list)
        stack.append(_called(_of(function, Name), _of(arguments, tuple)))
    elif name == "BUILD":
        thing, state = _taken(stack, marks, len(stack) - 2, list)
        stack.append(_filled(thing, _of(state, tuple)))
    elif name not in IGNORED:
        raise ValueError(f"it has the instruction {name}, which plain data never needs")


def _top(stack: list, marks: list[int]) -> Any:
    """What was put last, behind the last mark: what stands before that belongs to a part that has not ended."""
    if len(stack) <= (marks[-1] if marks else 0):
        raise IndexError(len(stack))
    return stack[-1]


def _taken(stack: list, marks: list[int], start: int, kind: Callable[[Any], Any]) -> Any:
    if start < (marks[-1] if marks else 0):
        raise IndexError(start)
    items = kind(stack[start:])
    del stack[start:]
    return items


def _of(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"it treats a {type(value).__name__} as a {getattr(kind, '__name__', kind)}")
    return value


def _set(target: dict, items: list) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[_of(key, str)] = value


def _known(module: Any, name: Any) -> Name:
    if (module, name) not in KNOWN:
        raise ValueError(f"it asks for {module}.{name}, which plain data never does")
    return Name(module, name)


def _called(function: Name, arguments: tuple) -> Any:
    if function in ARRAY:
        if arguments not in ((("numpy", "ndarray"), (0,), b"b"), (("numpy", "ndarray"), (0,), "b")):
            raise ValueError("it begins an array that is none")
        return Unfilled()
    if function == DTYPE:
        if len(arguments) != 3 or not re.fullmatch(r"b1|[iu][1248]|f[248]", _of(arguments[0], str)):
            raise ValueError(f"it has an array of dtype {arguments[:1]!r:.20}, expected numbers")
        return Typecode(arguments[0])
    if function in BUFFER:
        content, typecode, shape, order = arguments
        return _array(content, typecode, shape, order)
    if function == BYTES and arguments[1:] == ("latin1",):
        return _of(arguments[0], str).encode("latin1")
    raise ValueError(f"it calls {function.module}.{function.name}")


def _filled(thing: Any, state: tuple) -> Any:
    """A dtype with its byte order, or an array with its numbers."""
    if isinstance(thing, Typecode):
        order = _of(state[1], str)
        if order not in ("<", ">", "|", "=") or state[0] not in (3, 4) or any(x is not None for x in state[2:5]):
            raise ValueError(f"it has a dtype of byte order {order[:20]!r}, or of more than numbers")
        thing.order = order
        return thing
    _of(thing, Unfilled)
    version, shape, typecode, fortran, content = state
    if version != 1 or fortran not in (0, 1):
        raise ValueError(f"it has an array of version {version!r:.20}")
    thing.array = _array(content, typecode, shape, "F" if fortran else "C")
    return thing.array


def _array(content: Any, typecode: Any, shape: Any, order: Any) -> np.ndarray:
    dtype = np.dtype(_of(typecode, Typecode).order + typecode.code)
    content = content.encode("latin1") if isinstance(content, str) else bytes(_of(content, bytes | bytearray))
    if not all(type(n) is int and 0 <= n < 2**31 for n in _of(shape, tuple)) or len(shape) > 8:
        raise ValueError("it has an array whose shape is none")
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"it has an array of shape {shape} and {len(content)} bytes")
    if order not in ("C", "F"):
        raise ValueError(f"it has an array of order {order!r:.20}")
    return np.frombuffer(content, dtype).reshape(shape, order=order)


def _refuse_parts(value: Any) -> None:
    """Raise where something was begun that did not become plain data."""
    if isinstance(value, Name | Typecode | Unfilled):
        raise ValueError(f"it holds a {type(value).__name__.lower()} that nothing was made of")
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            _refuse_parts(one)
