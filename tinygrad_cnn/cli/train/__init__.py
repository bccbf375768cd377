"""Train a small CNN, with no argument on handwritten digits in seconds.

`options` are checked, then `data` are loaded, `training` is the loop, seen by its `progress`, held up by `finite` and
judged by `evaluation`; `result` writes and says what came of it.
"""

from __future__ import annotations

import argparse

from .. import UserError
from ..ranks import Ranks
from . import options
from .data import load
from .options import add_arguments
from .progress import Progress, Silence
from .result import finish
from .training import Training


def run(args: argparse.Namespace) -> int:
    import tinygrad_cnn as tg

    before = tg.are_deterministic_algorithms_enabled()
    tg.use_deterministic_algorithms(before or args.seed is not None)
    try:
        ranks = Ranks(args)
        try:
            code = train(args, ranks)
        except (UserError, OSError) as error:
            ranks.fail(error)
            raise
        ranks.close()
        return code
    finally:
        tg.use_deterministic_algorithms(before)


def train(args: argparse.Namespace, ranks: Ranks) -> int:
    import tinygrad_cnn as tg

    options.check(args)
    training = Training(args, load(args), ranks)
    progress = Progress(training.epochs, len(training.loader)) if ranks.first else Silence()
    slower = " (NumPy did the work of kernels that were not compiled yet)" if tg.kernels.not_compiled() else ""
    interrupted = False
    try:
        training.run(progress)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.close()
    finish(training, interrupted, slower)
    return 130 if interrupted else 0
