"""A training from its options to its result."""

from __future__ import annotations

import argparse
import sys

from ...stopping import Stopped, stop
from .. import UserError
from ..output import harmless
from ..ranks import Ranks
from . import fits
from .data import load
from .finite import NotFinite
from .keep import shown
from .options import settled
from .progress import Progress, Silence
from .result import finish, way_on
from .training import Training


def run(args: argparse.Namespace) -> int:
    import tinygrad_cnn as tg

    before = tg.are_deterministic_algorithms_enabled()
    try:
        ranks = Ranks(getattr(args, "distributed", False))
        try:
            code = train(args, ranks)
        except (UserError, OSError) as error:
            ranks.fail(error)
            raise
        except Stopped:
            if ranks.size > 1:
                stop.leave()  # the end of MPI would wait for ranks that do not come
            raise
        ranks.close()
        return code
    finally:
        tg.use_deterministic_algorithms(before)


def train(args: argparse.Namespace, ranks: Ranks) -> int:
    import tinygrad_cnn as tg

    options = settled(args)
    if options.seed is not None or options.folder is not None:
        tg.use_deterministic_algorithms(True)
    data = load(options)
    options.model = data.card.model
    training = Training(options, data, ranks)
    fits.check(training)
    ranks.meet()  # whoever looks whether the folder is there does so before the first one makes it
    try:
        training.open()
        if options.resume:
            training.resume()
        if ranks.first and options.folder is not None:
            print(harmless(f"tinygrad-cnn train: this run is kept in {shown(options.folder)}"), file=sys.stderr)
        return work(training)
    finally:
        training.close()


def work(training: Training) -> int:
    """The steps that are left, and the result."""
    from ... import kernels

    progress = Progress(training.epochs, len(training.loader)) if training.ranks.first else Silence()
    slower = " (NumPy did the work of kernels that were not compiled yet)" if kernels.not_compiled() else ""
    try:
        with stop.noted(since=lambda: training.learned):
            training.run(progress)
            progress.close(keep=True)
            if not training.complete and training.ranks.first:
                say = f"tinygrad-cnn train: stopped after {training.where()}; {way_on(training)}"
                print(harmless(say), file=sys.stderr)
            finish(training, not training.complete, slower)
    except NotFinite as error:
        raise UserError(f"{error}; {way_on(training, '--on-nan skip')}, or try a smaller --lr") from None
    except Stopped:
        if training.ranks.first:
            print(harmless(f"tinygrad-cnn train: stopped before a step was done; {way_on(training)}"), file=sys.stderr)
        raise
    finally:
        progress.close(keep=True)
    return 0 if training.complete else 130
