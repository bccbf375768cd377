"""A bar on the terminal: how far something has come, and how long it will take."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

FORMAT = "{desc} {percentage:3.0f}%|{bar}| {remaining} left{postfix}"


def bar(total: int, about: str, done: int = 0) -> Any:
    """A bar of tqdm on standard error, as wide as the terminal is at any moment.

    None where there is no terminal, or one that cannot write over a line, or no tqdm.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    try:
        from tqdm.std import tqdm
    except ImportError:  # it was installed without its dependencies
        return None

    class Bar(tqdm):
        monitor_interval = 0  # without a thread of its own,
        _lock = threading.RLock()  # and a lock among processes: nobody else writes bars

        @property
        def format_dict(self) -> dict:
            try:
                columns = os.get_terminal_size(self.fp.fileno()).columns or 80
            except OSError:  # the terminal is gone
                columns = 80
            return super().format_dict | {"ncols": max(columns - 1, 1)}

    return Bar(total=total, initial=done, desc=about, leave=False, miniters=1, bar_format=FORMAT, file=sys.stderr)
