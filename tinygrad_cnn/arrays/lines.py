"""Whose line is running: the user's, which called into this package."""

from __future__ import annotations

import os.path
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def user_level() -> int:
    """The `stacklevel=` of a warning that is to name the innermost line outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def user_line(passing: str = PACKAGE) -> tuple[str, int, str] | None:
    """The innermost line outside this package that is being executed: (file, line number, function).

    passing: another folder of ours that is passed over, too.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith((PACKAGE, passing)):
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]
    return None
