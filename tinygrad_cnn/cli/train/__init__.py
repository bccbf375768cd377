"""Train a small CNN, with no argument on handwritten digits in seconds.

`work` goes through all of it: `options` are settled, `data` loaded (`pictures` are those of a folder), `fits` looks for
what would fail later, `training` is the loop, seen by its `progress`, held up by `finite` (`culprit` finds the op to
blame), judged by `evaluation` and kept by `keep`; `result` writes and says what came of it.
"""

from __future__ import annotations

import argparse

from .options import add_arguments


def run(args: argparse.Namespace) -> int:
    from . import work  # networks are loaded by no other command

    return work.run(args)
