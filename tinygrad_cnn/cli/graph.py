"""Draw the graph of a script: a picture, a page that steps through backward, JSON, DOT or text.

The suffix of --output says which. Without --output the text is printed. Where the script fails, what it computed
until then is drawn, with the call that failed in red, and the exit code is 2.
"""

from __future__ import annotations

import argparse

from . import Parser, UserError
from .output import harmless


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "target", metavar="SCRIPT.py[:NAME]", help="NAME: a Tensor, a Module, a function that returns a loss"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="ends in .svg, .png, .pdf, .html, .json, .dot or .txt")
    parser.add_argument("--depth", type=int, help="depth of modules that are shown open (default: all that fit)")
    parser.add_argument(
        "--show", metavar="WHAT", help="of shapes,grads,saved,params,values (default: shapes,grads,params)"
    )
    parser.add_argument("--hide", metavar="OPS", help="ops to leave out, such as reshape,add")
    parser.add_argument(
        "--input", action="append", default=[], metavar="SHAPE", help="what goes into a Module: 1,1,28,28"
    )
    parser.rest = "arguments"
    parser.epilog = "What stands behind -- is the script's: graph train.py:loss -o loss.svg -- --epochs 1"


def run(args: argparse.Namespace) -> int:
    from ..viz import command

    options = {"depth": args.depth, "show": args.show, "hide": args.hide, "inputs": args.input}
    try:
        printed = command.graph(args.target, args.output, arguments=args.arguments, **options)
    except command.Failed as failure:
        print(failure.printed if failure.printed is not None else harmless(args.output))
        raise UserError(failure) from None
    except (ValueError, RuntimeError) as error:
        raise UserError(error) from None
    print(printed if printed is not None else harmless(args.output))
    return 0
