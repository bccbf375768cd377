"""Compare two snapshots, made with `tinygrad-cnn graph ... -o A.json`, in one page."""

from __future__ import annotations

import argparse

from . import UserError
from .output import harmless


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="A.json")
    parser.add_argument("after", metavar="B.json")
    parser.add_argument("-o", "--output", metavar="FILE.html", required=True)


def run(args: argparse.Namespace) -> int:
    from ..viz import command

    try:
        command.diff(args.before, args.after, args.output)
    except (ValueError, RuntimeError) as error:
        raise UserError(error) from None
    print(harmless(args.output))
    return 0
