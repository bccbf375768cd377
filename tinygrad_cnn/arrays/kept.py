"""A memory of tables that depend on shapes alone: where a convolution's numbers lie, how pictures are resized.

Training asks for the same ones in every step, so they are kept. Pictures of many sizes would fill the memory with
them, so of all tables together no more than KEEP bytes are kept, those that were used last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable)

KEEP = 64 << 20  # bytes
SMALL = 1000  # bytes that an entry takes in any case
_tables: dict[tuple, Any] = {}  # the last used at the end


def kept(make: F) -> F:
    """`make`, with a memory of what it has made; its arguments can be looked up, and its results tell their `nbytes`.

    >>> import numpy as np
    >>> squares = kept(lambda n: np.arange(n) ** 2)
    >>> squares(4) is squares(4)
    True
    """

    @wraps(make)
    def look_up(*args: Any) -> Any:
        key = make, args
        try:
            table = _tables.pop(key)  # to come back at the end
        except KeyError:
            table = make(*args)
            if _bytes(table) > KEEP:
                return table
            _forget(sum(map(_bytes, list(_tables.values()))) + _bytes(table) - KEEP)
        _tables[key] = table
        return table

    return look_up  # type: ignore[return-value]


def is_kept(array: Any) -> bool:
    """Whether an array is one of these tables, in one, or a view of it: then it depends on shapes alone.

    >>> import numpy as np
    >>> squares = kept(lambda n: np.arange(n) ** 2)
    >>> is_kept(squares(4)), is_kept(np.arange(4))
    (True, False)
    """
    its = {id(array)} if getattr(array, "base", None) is None else {id(array), id(array.base)}
    return any(id(one) in its for table in _tables.values() for one in (table if type(table) is tuple else (table,)))


def _bytes(table: Any) -> int:
    return SMALL + getattr(table, "nbytes", 0)


def _forget(excess: int) -> None:
    for key in list(_tables):
        if excess <= 0:
            break
        excess -= _bytes(_tables.pop(key, None))
