"""Draw the graph of a script: a picture, a page that steps through backward, JSON, DOT or text.

The suffix of --output says which. Without --output the text is printed. Where the script fails, what it computed
until then is drawn, with the call that failed in red, and the exit code is 2.
"""

from __future__ import annotations

import argparse

from . import Parser, UserError
from .options import add_script
from .output import harmless


def add_arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="ends in .svg, .png, .pdf, .html, .json, .dot or .txt")
    parser.add_argument("--depth", type=int, help="depth of modules that are shown open (default: all that fit)")
    parser.add_argument(
        "--show", metavar="WHAT", help="of shapes,grads,saved,params,values (default: shapes,grads,params)"
    )
    parser.add_argument("--hide", metavar="OPS", help="ops to leave out, such as reshape,add")
    add_script(parser, "graph train.py:loss -o loss.svg")


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
