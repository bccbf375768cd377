"""Draw the graph of a script: a picture, a page that steps through backward, JSON, DOT or text.

The suffix of --output says which. Without --output the text is printed.
"""

from __future__ import annotations

import argparse

from . import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="SCRIPT.py[:NAME]", help="NAME: a Tensor, a Module, a function that returns a loss"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="ends in .svg, .html, .json, .dot or .txt")
    parser.add_argument("--depth", type=int, help="depth of modules that are shown open (default: all that fit)")
    parser.add_argument(
        "--show", metavar="WHAT", help="of shapes,grads,saved,params,values (default: shapes,grads,params)"
    )
    parser.add_argument("--hide", metavar="OPS", help="ops to leave out, such as reshape,add")
    parser.add_argument(
        "--input", action="append", default=[], metavar="SHAPE", help="what goes into a Module: 1,1,28,28"
    )


def run(args: argparse.Namespace) -> int:
    from ..viz import command

    try:
        printed = command.graph(
            args.target, args.output, depth=args.depth, show=args.show, hide=args.hide, inputs=args.input
        )
    except (ValueError, RuntimeError) as error:
        raise UserError(error) from None
    print(printed if printed is not None else args.output)
    return 0
