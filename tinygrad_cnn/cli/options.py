"""Arguments that several commands take: numbers, of which argparse says which one is wrong, and a script."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import Parser


def positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {value}")
    return value


def rate(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return value


def fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, got {text}")
    return value


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, got {text}")
    return value


def add_script(parser: Parser, example: str) -> None:
    """The arguments of a command that draws what a script makes; `example` is a call of it, up to the "--"."""
    parser.add_argument(
        "target", metavar="SCRIPT.py[:NAME]", help="NAME: a Tensor, a Module, a function that returns a loss"
    )
    parser.add_argument(
        "--input", action="append", default=[], metavar="SHAPE", help="what goes into a Module: 1,1,28,28"
    )
    parser.rest = "arguments"
    parser.epilog = f"What stands behind -- is the script's: {example} -- --epochs 1"


positive_int.__name__ = natural.__name__ = "int"
rate.__name__ = fraction.__name__ = seconds.__name__ = "number"
