"""The `tinygrad-cnn` command. Each subcommand is a file of its own, imported when it is asked for.

    tinygrad-cnn train                 train a small CNN on handwritten digits
    tinygrad-cnn eval RUN              how good the network of a run is
    tinygrad-cnn predict PICTURE --run RUN
    tinygrad-cnn summary lenet         layers, shapes, parameters, work and memory of a network
    tinygrad-cnn info                  what is installed, which kernels run

A user's mistake (an option, a file) is one line on standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..stopping import stop
from .output import flush, for_any_encoding, harmless

COMMANDS = tuple("train eval predict export launch info bench warmup graph live diff summary".split())


class Parser(argparse.ArgumentParser):
    """A parser whose error is one line. Where `rest` is set, what stands behind "--" is stored by this name."""

    rest = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        end = words.index("--") if self.rest and "--" in words else len(words)
        found, left = super().parse_known_args(words[:end], namespace)
        if self.rest:
            setattr(found, self.rest, words[end + 1 :])
        return found, left

    def error(self, message: str) -> NoReturn:
        self.exit(2, harmless(f"{self.prog}: {message} (see {self.prog} --help)\n"))


class UserError(Exception):
    """Something that the user can put right: shown as one line, exit code 2."""


def parser() -> Parser:
    top = Parser(prog="tinygrad-cnn", description="Train small CNNs, time them, and draw their graphs.")
    from .. import __version__

    top.add_argument("--version", action="version", version=f"tinygrad_cnn {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = importlib.import_module(f".{name}", __name__)
        about = (module.__doc__ or "").partition("\n")[0]
        sub = commands.add_parser(name, help=about, description=about)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0, 2 for a user's mistake, 130 for Ctrl-C (stopping.py)."""
    with stop.handled(), for_any_encoding():
        command = ""
        try:
            with stop.at_once():
                args = parser().parse_args(argv)
                command = f" {args.command}"
                code = args.run(args) or 0
                flush()
        except KeyboardInterrupt:
            code = 130
        except BrokenPipeError:
            sys.stderr.close()  # the reader has gone; say nothing more
            code = 0
        except (UserError, OSError) as error:
            message = " ".join(str(error).split())
            print(harmless(f"tinygrad-cnn{command}: {message}"), file=sys.stderr)
            code = 2
        return stop.code or code
