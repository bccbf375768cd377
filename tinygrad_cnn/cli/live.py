"""Show the graph of a script as a page that follows while you write: each time you save, it runs anew.

The page is for this machine alone, at the address that is printed. It keeps its place: step, folding, zoom, tab. An
error is shown above what ran before it. Pin an element of a small tensor, drag it, and everything follows.
"""

from __future__ import annotations

import argparse

from . import Parser, UserError
from .options import add_script


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError(text)
    return number


def add_arguments(parser: Parser) -> None:
    add_script(parser, "live train.py:loss")
    parser.add_argument("--port", type=port, default=0, help="the port of the page's address (default: a free one)")
    parser.add_argument("--open", action="store_true", help="open the page in your browser")


def run(args: argparse.Namespace) -> int:
    import webbrowser

    from ..viz.live import Live

    try:
        live = Live(args.target, args.input, args.arguments, args.port)
    except (ValueError, RuntimeError) as error:
        raise UserError(error) from None
    with live:
        print(live.url, flush=True)
        if args.open:
            webbrowser.open(live.url)
        live.follow()
    return 0
